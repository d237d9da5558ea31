// Who asks for a command.
// SPDX-License-Identifier: Apache-2.0

/// One client certificate's identity, in the table's words.
public struct Identity: Sendable, Hashable, CustomStringConvertible {
    /// `dns:…`, `email:…` and `uri:…`, in the certificate's order and in canonical spelling.
    public let names: [String]
    /// `key:sha256:` and the base64 of the SHA-256 of the public key's DER SubjectPublicKeyInfo;
    /// empty if it is not known.
    public let key: String
    /// The bytes of all of them, for look-ups in a table's sets: for each of its commands, to print `help`.
    let texts: [[UInt8]]

    /// - Parameter names: a certificate's; those that no table could name are ignored.
    public init(names: [String], key: String) {
        self.names = names.compactMap { name in
            (try? IdentityText(name)).map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        self.key = key
        texts = (self.names + (key.isEmpty ? [] : [key])).map { Array($0.utf8) }
    }

    /// The first name, or the key if there is no name. Sessions and programs are attributed to it: limits per identity
    /// use it, so that two certificates with the same first name are one identity, whichever of its names the table
    /// uses.
    public var description: String { names.first ?? key }
}

extension Identity {
    /// Whether a text is one identity that a certificate can have: `dns:…`, `email:…`, `uri:…` or
    /// `key:sha256:…`.
    public static func isIdentity(_ text: String) -> Bool { fault(in: text) == nil }

    /// Why a text is not an identity: a sentence without its full stop; nil if it is one.
    public static func fault(in text: String) -> String? {
        do throws(IdentityText.Fault) {
            _ = try IdentityText(text)
            return nil
        } catch {
            return error.sentence
        }
    }
}
