// A client's chain that was verified outside a handshake, or why it was not accepted.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets

/// A client's chain that a handshake accepts: the same purpose, times, CAs, CRLs and security level.
/// This does not show that the client has the key; that takes a `HandshakeProof`.
public struct VerifiedChain: Sendable {
    /// The client's own certificate.
    public let leaf: Certificate
    /// The holder of its key.
    public let identity: PeerIdentity
    /// When it must be verified again, in seconds since 1970: a certificate of the chain or a CRL of
    /// its CAs expires, or the next CRL becomes valid.
    public let end: Int
    /// When it was verified.
    private let start: Int

    /// Verifies the chain, which takes about 200 µs.
    ///
    /// - Parameters:
    ///   - chain: what the client has shown.
    ///   - context: a server's, which determines what is trusted; under another context the chain
    ///     must be verified again.
    /// - Throws: `ChainRefusal`.
    public init(_ chain: ClientChain, under context: TLSContext) throws(ChainRefusal) {
        try self.init(chain, under: context, at: CertificateTime.now)
    }

    init(
        _ chain: ClientChain, under context: TLSContext, at now: Int
    ) throws(ChainRefusal) {
        precondition(context.role == .server)
        guard let trust = context.trust else { throw .nobodyTrusted }
        guard let certificates = try? chain.certificates() else { throw .unreadable }
        guard let stack = unsafe OPENSSL_sk_new_null() else { throw .outOfMemory }
        // `certificates` owns the certificates and keeps them alive.
        defer { unsafe OPENSSL_sk_free(stack) }
        for certificate in certificates {
            guard unsafe OPENSSL_sk_push(stack, UnsafeRawPointer(certificate.pointer)) > 0 else {
                throw .outOfMemory
            }
        }
        var verification = Verification(under: context, serverName: nil, at: now)
        let code = withExtendedLifetime(certificates) {
            unsafe verification.verify(certificates[0], sentWith: stack)
        }
        guard code == X509_V_OK else { throw ChainRefusal(code, verification.objection) }
        leaf = certificates[0]
        identity = leaf.identity
        start = now
        let ends = verification.chain.map(\.expiry)
        let turn = trust.crls?.nextTurn(for: verification.chain, after: now)
        end = (ends + [turn ?? .max]).min() ?? now
    }

    /// How long it need not be verified again, in seconds.
    public var secondsLeft: Int { max(0, end - CertificateTime.now) }

    /// Whether it need not be verified again at a time. If the clock was set back, that may be
    /// before the chain was verified.
    func holds(at now: Int) -> Bool { start <= now && now < end }
}
