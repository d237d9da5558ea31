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
                "check the address, a firewall on the way, or give more with --connect-timeout"
            ),
            (.speakTLS, "leave out --plaintext here, or give it there"),
            (.speakTLSIfPeerDoes, "if it speaks TLS, leave --plaintext out"),
            (
                .haveEncrypt(.server, mayBePlaintext: true),
                "check the port, or have the server encrypt, or give --plaintext at both ends if nothing secret is said"
            ),
            (
                .haveEncrypt(.server, mayBePlaintext: false),
                "check the port, or have the server encrypt"
            ),
            (
                .haveEncrypt(.client, mayBePlaintext: true),
                "have it encrypt, or give --plaintext at both ends if nothing secret is said"
            ),
            (.haveEncrypt(.client, mayBePlaintext: false), "have it encrypt"),
            (
                .findOutWhetherPeerSpeaksTLS(mayBePlaintext: true),
                "it may speak no TLS (--plaintext), or refuse sessions for now"
            ),
            (
                .findOutWhetherPeerSpeaksTLS(mayBePlaintext: false),
                "it may speak no TLS, or refuse sessions for now"
            ),
            (
                .allowOlderTLS(.client),
                "bring the client to TLS 1.3, or allow TLS 1.2 with --tls-min 1.2"
            ),
            (
                .askForNameOfServer, "connect to one of its names, or give one with --server-name"
            ),
            (.askForServer("uri:a:b"), "if this is the server, give --server-name uri:a:b"),
            (
                .trust(.server, isSelfSigned: false),
                "name the right CA with --ca, or the server's key with --pin"
            ),
            (
                .trust(.server, isSelfSigned: true),
                "if it is the right one, name the right CA with --ca, or the server's key with --pin"
            ),
            (
                .trust(.client, isSelfSigned: false),
                "name the right CA with --client-ca, or give the client a certificate of that CA"
            ),
            (.giveCertificate, "give one with --cert and --key, or with --certs"),
            (.giveTrustedCertificate, "give one that it trusts with --cert and --key"),
            (.updateOrGiveCertificate, "update the older end or give --cert and --key"),
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
                "name its folder with --certs or the file itself, or make it as the README says under \"Certificates\""
            ),
            (.nameOwnCertificate(.client, orReissue: false), "name the client's own with --cert"),
            (
                .nameOwnCertificate(.server, orReissue: true),
                "name the server's own with --cert, or have its CA issue one that is"
            ),
            (.nameIssuer, "give its issuer's certificate with --ca"),
            (.getListOrNameNone, "get it from your CA, or leave --crl out"),
            (.nameServer, "give one with --server-name"),
        ] as [(CredentialFiles.Remedy, String)])
    func credentialError_isToldWithItsRemedy(_ remedy: CredentialFiles.Remedy, _ words: String) {
        let fault = CredentialError(.refused, "it failed", remedy: remedy)
        #expect(fault.told == "it failed; \(words)")
        #expect((fault as any Error).told == "it failed; \(words)")
    }

    @Test func auditError_isToldWithItsRemedy() {
        let fault = AuditError(.standardError, "it failed", remedy: .nameFile)
        #expect(fault.told == "it failed; name a file with --audit")
        #expect((fault as any Error).told == "it failed; name a file with --audit")
    }

    @Test func faultAtAPlace_isToldWithIt() {
        let fault = StreamError(.refused, in: FilePlace("a"), "it failed", remedy: .speakTLS)
        #expect(fault.told == "a: it failed; leave out --plaintext here, or give it there")
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
