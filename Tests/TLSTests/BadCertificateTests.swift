// Certificates that must not be accepted, at both roles: what each end says of it.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct BadCertificateTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    /// A certificate, and what the end that verifies it says; what it trusts is `ours/ca.pem`, and
    /// the revocation lists of both CAs are at hand.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var key: String?
        let code: StreamError.Code

        init(_ name: String, key: String? = nil, _ code: StreamError.Code) {
            self.name = name
            self.key = key
            self.code = code
        }

        var testDescription: String { "\(name): \(code)" }
    }

    static let servers: [Case] = [
        Case("server-expired.pem", .certificateExpired),
        Case("server-not-yet-valid.pem", .certificateNotYetValid),
        Case("server-wrong-name.pem", .wrongHost),
        Case("server-no-san.pem", .wrongHost),
        Case("server-nul.pem", .wrongHost),
        Case("server-control.pem", .wrongHost),
        Case("server-wrong-purpose.pem", .wrongPurpose),
        Case("server-revoked.pem", .certificateRevoked),
        Case("other/server.pem", key: "other/server.key", .unknownCA),
        Case("self/server.pem", key: "self/server.key", .selfSigned),
        Case("chain-leaf.pem", .unknownCA),
        Case("chain.pem", .unknownCA),
        Case("too-deep.pem", .certificateInvalid),
        Case("by-client-chain.pem", .certificateInvalid),
        Case("by-odd.pem", .unknownCA),
    ]

    static let clients: [Case] = [
        Case("client-expired.pem", .certificateExpired),
        Case("client-not-yet-valid.pem", .certificateNotYetValid),
        Case("client-wrong-purpose.pem", .wrongPurpose),
        Case("client-revoked.pem", .certificateRevoked),
        Case("client-self-signed.pem", .selfSigned),
        Case("other/client.pem", key: "other/client.key", .unknownCA),
    ]

    @Test(arguments: Role.allCases)
    func goodCertificate_isAccepted_byTheSameRules(of role: Role) throws {
        let pair = try MemoryPair(client: client(), server: server())
        try pair.establish()
        pair.expectSameVerdict()
        _ = try pair.end(role).write("x")
        #expect(try pair.end(role.other).read() == .text("x"))
    }

    @Test(arguments: servers)
    func badServer_isRefused(_ bad: Case) throws {
        let pair = try MemoryPair(client: client(), server: server(bad))
        pair.client.proceed()
        pair.server.proceed()
        let start = pair.client.sent.history.count
        pair.handshake()
        #expect(pair.client.progress == .failed(bad.code))
        #expect(pair.client.failure?.code.concernsTrust == true)
        #expect(pair.server.progress == .failed(.certificateRejected))
        // In the clear: it is sent before the client has keys to send by.
        try expectOneAlert(of: pair.client, since: start, size: 2)
        #expect(pair.client.stream.peerIdentity == nil)
        #expect(!pair.client.stream.isEstablished)
    }

    @Test(arguments: servers)
    func badServer_isRefused_inTLS12(_ bad: Case) throws {
        let pair = try MemoryPair(client: client(isOld: true), server: server(bad))
        pair.handshake()
        #expect(pair.client.progress == .failed(bad.code))
        #expect(pair.server.progress == .failed(.certificateRejected))
    }

    @Test(arguments: clients)
    func badClient_isRefused_andLearnsItAtItsFirstRead(_ bad: Case) throws {
        let pair = try MemoryPair(client: client(bad), server: server())
        pair.client.proceed()
        pair.server.proceed()
        let start = pair.server.sent.history.count
        pair.handshake()
        #expect(pair.server.progress == .failed(bad.code))
        #expect(pair.server.failure?.code.concernsTrust == true)
        try expectOneAlert(of: pair.server, since: start)
        #expect(pair.server.stream.peerIdentity == nil)
        pair.expectSameVerdict()
        // TLS 1.3: the client was done before the server had seen its certificate.
        #expect(pair.client.progress == .done)
        #expect(try pair.client.write("Hello") == .moved(5))
        #expect(
            failureCode { () throws(StreamError) in try pair.client.read() } == .certificateRejected
        )
        #expect(
            failureCode { () throws(StreamError) in try pair.client.close() }
                == .certificateRejected)
    }

    @Test(arguments: clients)
    func badClient_isRefused_inTLS12(_ bad: Case) throws {
        let pair = try MemoryPair(client: client(bad, isOld: true), server: server())
        pair.handshake()
        #expect(pair.server.progress == .failed(bad.code))
        #expect(pair.client.progress == .failed(.certificateRejected))
    }

    @Test func missingClientCertificate_isAskedFor() throws {
        let pair = try MemoryPair(
            client: certificates.client(nil), server: certificates.server())
        pair.client.proceed()
        pair.server.proceed()
        let start = pair.server.sent.history.count
        pair.handshake()
        #expect(pair.server.progress == .failed(.clientCertificateRequired))
        try expectOneAlert(of: pair.server, since: start)
        #expect(pair.client.progress == .done)
        #expect(
            failureCode { () throws(StreamError) in try pair.client.read() }
                == .clientCertificateRequired)
    }

    // MARK: What failures go back to

    @Test func expiredCertificate_keepsTheVerdictOfX509() throws {
        let bad = Case("server-expired.pem", .certificateExpired)
        let pair = try MemoryPair(client: client(), server: server(bad))
        pair.handshake()
        let cause = try #require(pair.client.failure?.cause)
        #expect(cause == .certificate(X509_V_ERR_CERT_HAS_EXPIRED, "certificate has expired"))
        // The server got an alert, which is OpenSSL's to tell.
        guard case .openSSL(let reasons)? = pair.server.failure?.cause else {
            Issue.record("\(String(describing: pair.server.failure?.cause))")
            return
        }
        #expect(reasons.contains { $0.contains("certificate expired") }, "\(reasons)")
    }

    @Test func missingFile_keepsTheErrno() {
        let path = certificates.path("nowhere.pem")
        let error = #expect(throws: CredentialError.self) { try Certificate.read(path) }
        #expect(error?.cause == .system(Errno(2)))
    }

    // MARK: What the texts must say

    @Test func wrongHost_saysWhichNamesTheCertificateHas() throws {
        let pair = try MemoryPair(
            client: client(), server: server(Case("server-wrong-name.pem", .wrongHost)))
        pair.handshake()
        let text = try #require(pair.client.failure).sentence
        for name in ["localhost", "dns:other.example", "ip:192.0.2.1"] {
            #expect(text.contains(name), "\(text)")
        }
    }

    @Test func unknownCA_saysWhichFileWasTrusted() throws {
        let other = Case("other/server.pem", key: "other/server.key", .unknownCA)
        let pair = try MemoryPair(client: client(), server: server(other))
        pair.handshake()
        let text = try #require(pair.client.failure).sentence
        #expect(text.contains(certificates.path("ours/ca.pem")), "\(text)")
    }

    @Test func unknownCA_saysThatTheSystemsStoreWasTrusted() throws {
        let pair = try MemoryPair(
            client: certificates.client(trusting: Trust(ca: nil)), server: certificates.server())
        pair.handshake()
        #expect(pair.client.progress == .failed(.unknownCA))
        let text = try #require(pair.client.failure).sentence
        #expect(text.contains("the system's store"), "\(text)")
    }

    @Test func unknownClientCA_saysWhichFileWasTrusted() throws {
        let pair = try MemoryPair(
            client: client(Case("other/client.pem", key: "other/client.key", .unknownCA)),
            server: server())
        pair.handshake()
        let text = try #require(pair.server.failure).sentence
        #expect(text.contains(certificates.path("ours/ca.pem")), "\(text)")
    }

    @Test func issuersName_canBePrinted_whateverItIs() throws {
        let pair = try MemoryPair(client: client(), server: server(Case("by-odd.pem", .unknownCA)))
        pair.handshake()
        let text = try #require(pair.client.failure).sentence
        #expect(text.contains("CN = odd"))
        #expect(text.utf8.allSatisfy { (0x20..<0x7f).contains($0) }, "\(text.debugDescription)")
    }

    // MARK: Chains and stores

    @Test func chain_isSentWhole() throws {
        let root = try Trust(ca: certificates.path("root.pem"))
        let server = try certificates.server("chain.pem")
        let pair = try MemoryPair(client: certificates.client(trusting: root), server: server)
        try pair.establish()
    }

    @Test func chain_isRefused_whereItHasAGap() throws {
        let root = try Trust(ca: certificates.path("root.pem"))
        let pair = try MemoryPair(
            client: certificates.client(trusting: root),
            server: certificates.server("chain-leaf.pem"))
        pair.handshake()
        #expect(pair.client.progress == .failed(.unknownCA))
    }

    @Test func selfSignedServer_isItsOwnAnchor() throws {
        let pair = try MemoryPair(
            client: certificates.client(trusting: Trust(ca: certificates.path("self/ca.pem"))),
            server: certificates.server("self/server.pem", key: "self/server.key"))
        try pair.establish()
    }

    @Test(arguments: ["both-cas.pem", "twice.pem"])
    func trust_mayBeSeveralCAs(_ file: String) throws {
        let trust = try Trust(ca: certificates.path(file))
        try MemoryPair(
            client: certificates.client(trusting: trust), server: certificates.server()
        ).establish()
    }

    // MARK: Contexts

    private func client(_ shown: Case? = nil, isOld: Bool = false) throws -> TLSContext {
        var options = TLSOptions()
        if isOld { options.minimum = .tls12 }
        let context = try certificates.client(
            shown?.name ?? "ours/client.pem", key: shown?.key ?? "ours/client.key",
            trusting: trust(), options: options)
        if isOld { context.limit(to: TLS1_2_VERSION) }
        return context
    }

    private func server(_ shown: Case? = nil) throws -> TLSContext {
        var options = TLSOptions()
        options.minimum = .tls12
        return try certificates.server(
            shown?.name ?? "ours/server.pem", key: shown?.key ?? "ours/server.key",
            trusting: trust(), options: options)
    }

    private func trust() throws -> Trust {
        try Trust(ca: certificates.path("ours/ca.pem"), crl: certificates.path("both.crl"))
    }

    /// A fatal alert and nothing else, now and after `close`.
    private func expectOneAlert(
        of end: MemoryEnd, since start: Int, size: Int = 2 + 17
    ) throws {
        // The client's ChangeCipherSpec, which is there for old boxes in between, says nothing.
        let records = { end.sent.records(since: start).filter { $0.type != 20 } }
        #expect(records().map(\.payload.count) == [size])
        #expect(failureCode { () throws(StreamError) in try end.close() } == end.failure?.code)
        #expect(records().count == 1)
    }
}
