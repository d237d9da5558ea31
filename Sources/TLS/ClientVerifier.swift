// Decides whether a client's chain is accepted, if this process can't.
// SPDX-License-Identifier: Apache-2.0

/// Verifies the chains of a server's clients elsewhere. One may serve any number of contexts.
public protocol ClientVerifier: Sendable {
    /// The objection to a client; nil if it may continue. Called during the handshake on its loop's
    /// thread, which waits for it. OpenSSL itself checks that the client has the chain's key.
    ///
    /// - Parameters:
    ///   - certificate: the client's Certificate message with its header, for `ClientChain`.
    ///   - connection: whose handshake it is.
    func objection(to certificate: [UInt8], of connection: TLSTransport) -> ChainRefusal?
}
