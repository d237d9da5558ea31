// Signs with a key that this process does not have.
// SPDX-License-Identifier: Apache-2.0

/// Signs with remote private keys. One signer may serve any number of keys, contexts and threads.
public protocol RemoteSigner: Sendable {
    /// The requested signature, in TLS's form (RFC 8446, section 4.2.3). Called during the handshake
    /// on its loop's thread, which waits for it; other connections' calls of OpenSSL may be made meanwhile, on top of
    /// this one. What it leaves in OpenSSL's error queue is removed.
    ///
    /// - Throws: `SigningRefusal`, which fails only that handshake.
    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8]
}

/// What is to be signed, and for whom.
public struct SigningRequest {
    /// The key's number at the signer.
    public let key: Int
    public let scheme: SignatureScheme
    /// All of it, unhashed: in TLS 1.3 as in RFC 8446, section 4.4.3, in TLS 1.2 both randoms and
    /// the key exchange's parameters (RFC 8422, section 5.4). At most 512 bytes.
    public let content: [UInt8]
    /// The `TLSStream` whose handshake needs it; nil if a key is tried before its use.
    public let connection: TLSTransport?
}

/// Why there is no signature.
public struct SigningRefusal: Error, Hashable, Sendable {
    /// For a sentence's end, after a colon; safe to print.
    public let reason: String

    public init(_ reason: String) {
        self.reason = reason
    }
}
