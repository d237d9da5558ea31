// Who says whether a client's chain is accepted, where that isn't known in this process.
// SPDX-License-Identifier: Apache-2.0

/// Verifies the chains of a server's clients elsewhere. One may serve any number of contexts.
public protocol ClientVerifier: Sendable {
    /// What there is against a client; nil where it may go on. Called in the handshake on its loop's
    /// thread, which waits for it. That the client has the chain's key is OpenSSL's to find out.
    ///
    /// - Parameters:
    ///   - certificate: the client's Certificate message with its header, for `ClientChain`.
    ///   - connection: whose handshake it is.
    func objection(to certificate: [UInt8], of connection: TLSTransport) -> ChainRefusal?
}
