// Servers and clients with keys of every kind, whose handshakes are proved.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// A kind of key that a certificate may have, by its name in the tests.
enum KeyKind: String, CaseIterable {
    case p256, p384, p521, rsa, pss, ed25519, ed448, brainpool, mldsa44

    /// As `openssl req -newkey` has it.
    fileprivate var key: Authority.Key {
        switch self {
        case .p256: .curve("P-256")
        case .p384: .curve("P-384")
        case .p521: .curve("P-521")
        case .brainpool: .curve("brainpoolP256r1")
        case .rsa: .new(["rsa:2048"])
        case .pss: .new(["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"])
        case .ed25519, .ed448: .new([rawValue])
        case .mldsa44: .new(["ML-DSA-44"])
        }
    }
}

/// A root that trusts itself, one intermediate, and what they issue.
struct ProofEnds {
    let authority: Authority

    static var shared: Self { get throws { try made.get() } }
    private static let made = Result {
        let authority = try Authority { authority in
            try authority.certificate("root")
            try authority.certificate("inter", by: "root")
        }
        let ends = Self(authority: authority)
        for kind in [.p256, .p384, .p521, .rsa, .pss, .ed25519, .ed448] as [KeyKind] {
            try ends.issue("server", kind)
        }
        for kind in [.p256, .p384, .p521, .rsa, .pss, .ed25519, .ed448] as [KeyKind] {
            try ends.issue("client", kind)
        }
        try ends.issue("other", .p256)
        try ends.issue("chained", .p256)
        return ends
    }

    /// Issues `server-rsa`, `client-p256`, or `chained-p256`, of which the last comes with the
    /// intermediate that signs it, in `chained-p256-chain`.
    func issue(_ role: String, _ kind: KeyKind) throws {
        let isChained = role == "chained"
        try authority.certificate(
            "\(role)-\(kind.rawValue)", nil,
            role == "server" ? Authority.server : Authority.client,
            by: isChained ? "inter" : "root", key: kind.key, chain: isChained ? ["inter"] : [])
    }

    /// A server whose handshakes are proved.
    func server(
        _ kind: KeyKind, asksClient: Bool = true, minimum: TLSVersion = .tls13
    ) throws -> TLSContext {
        var options = TLSOptions()
        options.provesHandshakes = true
        options.minimum = minimum
        options.applicationProtocols = ["parley/1"]
        let credentials = try Credentials(
            certificate: authority.path("server-\(kind.rawValue).pem"),
            key: authority.path("server-\(kind.rawValue).key"), purpose: .server)
        return try TLSContext(
            serverWith: credentials, clientTrust: asksClient ? authority.trust("root") : nil,
            options: options)
    }

    /// - Parameter adjust: what else its context is told.
    func client(
        _ kind: KeyKind, as role: String = "client", speaking protocols: [String] = ["parley/1"],
        _ adjust: (TLSContext) -> Void = { _ in }
    ) throws -> TLSContext {
        var options = TLSOptions()
        options.minimum = .tls12
        options.applicationProtocols = protocols
        let context = try CertificateFixture.shared.client(
            nil, trusting: authority.trust("root"), options: options)
        let name = "\(role)-\(kind.rawValue)"
        try authority.show(role == "chained" ? "\(name)-chain" : name, name, in: context)
        adjust(context)
        return context
    }

    /// Does a handshake in memory, and records it.
    func record(
        _ server: TLSContext, _ client: TLSContext, sendsNonce: Bool = true
    ) throws -> RecordedHandshake {
        let pair = try MemoryPair(client: client, server: server)
        let tap = try HandshakeTap(pair.server.stream, sendsNonce: sendsNonce)
        try pair.establish()
        return try tap.recorded()
    }

    func record(_ server: KeyKind, _ client: KeyKind) throws -> RecordedHandshake {
        try record(self.server(server), self.client(client))
    }

    /// What the server's key signs, as a broker does.
    func sign(_ content: [UInt8], _ kind: KeyKind, scheme: UInt16) throws -> [UInt8] {
        defer { expectEmptyErrorQueue() }
        let key = try PrivateKey(authority.path("server-\(kind.rawValue).key"))
        let scheme = try #require(SignatureScheme(rawValue: scheme))
        return try #require(key.sign(content, scheme))
    }
}
