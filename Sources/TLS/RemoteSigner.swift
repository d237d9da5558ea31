// Who signs with a key that this process has not.
// SPDX-License-Identifier: Apache-2.0

/// Signs with private keys that are elsewhere. One may serve any number of keys, contexts and threads.
public protocol RemoteSigner: Sendable {
    /// The signature that is asked for, as TLS has it (RFC 8446, section 4.2.3). Called in the
    /// handshake on its loop's thread, which waits for it. What it leaves in OpenSSL's error queue is
    /// taken away.
    ///
    /// - Throws: `SigningRefusal`, by which that handshake fails and no other.
    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8]
}

/// What is to be signed, and for whom.
public struct SigningRequest {
    /// The key's number at the signer.
    public let key: Int
    public let scheme: SignatureScheme
    /// All of it, nothing hashed: in TLS 1.3 what RFC 8446, section 4.4.3 has, in TLS 1.2 both
    /// randoms and the key exchange's parameters (RFC 8422, section 5.4). At most 512 bytes.
    public let content: [UInt8]
    /// The `TLSStream` in whose handshake it is asked for; nil where a key is tried before it is used.
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
