// A public key's hash, as curl writes it.
// SPDX-License-Identifier: Apache-2.0
public import System

/// `sha256//` and the base64 of the SHA-256 of a public key's DER SubjectPublicKeyInfo, the form of
/// curl's `--pinnedpubkey`.
public struct Pin: Hashable, Sendable, CustomStringConvertible {
    public let keyHash: [UInt8]

    init(keyHash: [UInt8]) { self.keyHash = keyHash }

    /// Reads either form.
    ///
    /// - Throws: `invalidPin`.
    public init(_ text: String) throws(CredentialError) {
        guard let prefix = [Self.prefix, Self.identityPrefix].first(where: text.hasPrefix),
            let hash = Base64.bytes(Array(text.dropFirst(prefix.count).utf8)),
            hash.count == 32
        else {
            throw CredentialError(
                .invalidPin,
                "use sha256// or key:sha256: and 44 characters of base64; ask the server's administrator for it"
            )
        }
        keyHash = hash
    }

    public var description: String { Self.prefix + Base64.text(keyHash) }

    /// The same hash as in command tables and logs: `key:sha256:…`.
    public var identity: String { Self.identityPrefix + Base64.text(keyHash) }

    private static let prefix = "sha256//"
    private static let identityPrefix = "key:sha256:"
}
