// What a server in two processes can't use of its files, refused where they are read.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import Synchronization
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct FaceRehearsalTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    @Test(
        arguments: [KeyKind.p256, .p384, .p521, .rsa, .pss, .ed25519, .ed448],
        [(false, TLSVersion.tls13), (true, .tls13), (true, .tls12)])
    func serverThatCanServe_isAccepted(
        _ kind: KeyKind, _ manner: (asksClient: Bool, minimum: TLSVersion)
    ) throws {
        let server = try ends.server(
            kind, asksClient: manner.asksClient, minimum: manner.minimum)
        #expect(credentialCode { () throws(CredentialError) in try server.rehearseFace() } == nil)
    }

    /// OpenSSL signs with these itself from 3.5 on.
    @Test(
        .enabled(if: PolicyTests.hasHybrid, "needs OpenSSL 3.5"),
        arguments: [(KeyKind.brainpool, "brainpoolP256r1"), (.mldsa44, "ML-DSA-44")])
    func keyOfAKindThatOnlyOpenSSLSignsWith_isRefused(_ kind: KeyKind, _ name: String) throws {
        try ends.issue("server", kind)
        let server = try ends.server(kind)
        let error = #expect(throws: CredentialError.self) { try server.rehearseFace() }
        #expect(error?.code == .unusableKey)
        let sentence = error?.sentence ?? ""
        #expect(sentence.contains("(\(name))"), "\(sentence)")
        #expect(sentence.contains("create a new key"), "\(sentence)")
        expectEmptyErrorQueue()
    }

    /// A chain is as long as clients take it, and not as a client's own may be.
    @Test(arguments: [("inter", 11, true), ("large", 2, true), ("large", 3, false)])
    func chain_isAsLongAsClientsTakeIt(_ more: String, _ count: Int, _ isTaken: Bool) throws {
        let name = "\(more)-\(count)"
        try issueLarge()
        try ends.authority.join(
            ["server-p256"] + [String](repeating: more, count: count), into: "\(name).pem")
        let credentials = try Credentials(
            certificate: ends.authority.path("\(name).pem"),
            key: ends.authority.path("server-p256.key"), purpose: .server)
        var options = TLSOptions()
        options.applicationProtocols = ["parley/1"]
        let server = try TLSContext(
            serverWith: credentials, clientTrust: ends.authority.trust("root"), options: options)
        guard isTaken else {
            let error = #expect(throws: CredentialError.self) { try server.rehearseFace() }
            #expect(error?.code == .longChain)
            let sentence = error?.sentence ?? ""
            #expect(sentence.contains("\(name).pem") && sentence.contains("102400"), "\(sentence)")
            return
        }
        try server.rehearseFace()
        let network = try OwnedNetwork(server)
        let made = try network.made(ends.client(.p256))
        #expect(try network.ask(made.proof) == .proven)
        expectEmptyErrorQueue()
    }

    /// One certificate of more than a client's whole chain may have.
    @Test func longCertificate_isServed() throws {
        try issueLarge()
        let credentials = try Credentials(
            certificate: ends.authority.path("large.pem"),
            key: ends.authority.path("large.key"), purpose: .server)
        #expect(credentials.chain[0].der.count > HandshakeKind.certificate.longest)
        let server = try TLSContext(
            serverWith: credentials, clientTrust: ends.authority.trust("root"))
        try server.rehearseFace()
        let network = try OwnedNetwork(server)
        #expect(try network.ask(network.made(ends.client(.p256)).proof) == .proven)
    }

    /// Of some 36 KiB.
    private func issueLarge() throws {
        try Self.large.withLock { isIssued in
            guard !isIssued else { return }
            let names = (1_000..<3_600).map { "DNS:\($0).example" }.joined(separator: ",")
            let extensions =
                "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:localhost,\(names)"
            try ends.authority.certificate("large", "x", extensions, by: "root")
            isIssued = true
        }
    }

    private static let large = Mutex(false)
}
