// What people are told of a fault whose remedy names an option.
// SPDX-License-Identifier: Apache-2.0
import Records
import Sockets
import System
import TLS
import Testing

@testable import Console

/// The compiler sees to it that no remedy lacks its words; these are the words.
@Suite
struct RemediesTests {
    @Test(
        arguments: [
            (
                .waitLongerForConnection,
                "check the address and any firewall, or allow more time with --connect-timeout"
            ),
            (.speakTLS, "omit --plaintext here, or use it there too"),
            (.speakTLSIfPeerDoes, "if it speaks TLS, omit --plaintext"),
            (
                .haveEncrypt(.server, mayBePlaintext: true),
                "check the port, or enable TLS on the server, or use --plaintext on both sides if nothing secret is sent"
            ),
            (
                .haveEncrypt(.server, mayBePlaintext: false),
                "check the port, or enable TLS on the server"
            ),
            (
                .haveEncrypt(.client, mayBePlaintext: true),
                "enable TLS there, or use --plaintext on both sides if nothing secret is sent"
            ),
            (.haveEncrypt(.client, mayBePlaintext: false), "enable TLS there"),
            (
                .findOutWhetherPeerSpeaksTLS(mayBePlaintext: true),
                "it may not speak TLS (--plaintext), or may be refusing sessions for now"
            ),
            (
                .findOutWhetherPeerSpeaksTLS(mayBePlaintext: false),
                "it may not speak TLS, or may be refusing sessions for now"
            ),
            (
                .allowOlderTLS(.client),
                "upgrade the client to TLS 1.3, or allow TLS 1.2 with --tls-min 1.2"
            ),
            (
                .askForNameOfServer,
                "connect to one of its names, or specify one with --server-name"
            ),
            (.askForServer("uri:a:b"), "if this is the right server, use --server-name uri:a:b"),
            (
                .trust(.server, isSelfSigned: false),
                "specify the right CA with --ca, or the server's key with --pin"
            ),
            (
                .trust(.server, isSelfSigned: true),
                "if it is the right one, specify the right CA with --ca, or the server's key with --pin"
            ),
            (
                .trust(.client, isSelfSigned: false),
                "specify the right CA with --client-ca, or give the client a certificate from that CA"
            ),
            (.giveCertificate, "specify one with --cert and --key, or with --certs"),
            (.giveTrustedCertificate, "specify one that it trusts with --cert and --key"),
            (.updateOrGiveCertificate, "update the older end, or use --cert and --key"),
        ] as [(Streams.Remedy, String)])
    func streamError_isToldWithItsRemedy(_ remedy: Streams.Remedy, _ words: String) {
        let fault = StreamError(.refused, "it failed", remedy: remedy)
        #expect(fault.told == "it failed; \(words)")
        // Where nothing is known but that it is an error, as at a program's end.
        #expect((fault as any Error).told == "it failed; \(words)")
    }

    @Test(
        arguments: [
            (
                .nameFolderOrMakeFile,
                "specify its folder with --certs or the file itself, or create it as the README describes under \"Certificates\""
            ),
            (
                .nameOwnCertificate(.client, orReissue: false),
                "specify the client's own with --cert"
            ),
            (
                .nameOwnCertificate(.server, orReissue: true),
                "specify the server's own with --cert, or have its CA issue a suitable one"
            ),
            (.nameIssuer, "specify its issuer's certificate with --ca"),
            (.getListOrNameNone, "get it from your CA, or omit --crl"),
            (.nameServer, "specify one with --server-name"),
        ] as [(CredentialFiles.Remedy, String)])
    func credentialError_isToldWithItsRemedy(_ remedy: CredentialFiles.Remedy, _ words: String) {
        let fault = CredentialError(.refused, "it failed", remedy: remedy)
        #expect(fault.told == "it failed; \(words)")
        #expect((fault as any Error).told == "it failed; \(words)")
    }

    @Test func auditError_isToldWithItsRemedy() {
        let fault = AuditError(.standardError, "it failed", remedy: .nameFile)
        #expect(fault.told == "it failed; specify a file with --audit")
        #expect((fault as any Error).told == "it failed; specify a file with --audit")
    }

    @Test func faultAtAPlace_isToldWithIt() {
        let fault = StreamError(.refused, in: FilePlace("a"), "it failed", remedy: .speakTLS)
        #expect(fault.told == "a: it failed; omit --plaintext here, or use it there too")
    }

    @Test func faultWithoutARemedy_isItsSentence() {
        #expect(StreamError(.refused, "it failed").told == "it failed")
        #expect(CredentialError(.refused, "it failed").told == "it failed")
        #expect((UsageError("a word is missing") as any Error).told == "a word is missing")
    }

    @Test func whatAFaultGoesBackTo_isNotItsRemedy() {
        let fault = StreamError(.refused, "it failed", remedy: .speakTLS)
        let caused = fault.caused(by: .system(Errno(1)))
        #expect(caused.remedy == .speakTLS)
        #expect(caused.cause == .system(Errno(1)))
    }
}
