// Who asks for a command.
// SPDX-License-Identifier: Apache-2.0

/// One client certificate's identity, in the table's words.
public struct Identity: Sendable, Hashable, CustomStringConvertible {
    /// `dns:…`, `email:…` and `uri:…`, in the certificate's order and in the spelling in which
    /// names are compared.
    public let names: [String]
    /// `key:sha256:` and the base64 of the SHA-256 of the public key's DER SubjectPublicKeyInfo;
    /// empty where it is not known.
    public let key: String
    /// The bytes of all of them, by which a table's sets are asked: for each of its commands, where `help` is.
    let texts: [[UInt8]]

    /// - Parameter names: a certificate's; those that no table could name don't count.
    public init(names: [String], key: String) {
        self.names = names.compactMap { name in
            (try? IdentityText(name)).map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        self.key = key
        texts = (self.names + (key.isEmpty ? [] : [key])).map { Array($0.utf8) }
    }

    /// The first name, or the key where there is no name. It is whose a session and a program are: limits of one identity
    /// count by it, so that two certificates of one first name are one identity, whichever of its names the table goes by.
    public var description: String { names.first ?? key }
}

extension Identity {
    /// Whether a text is one identity that a certificate can have: `dns:…`, `email:…`, `uri:…` or
    /// `key:sha256:…`.
    public static func isIdentity(_ text: String) -> Bool { fault(in: text) == nil }

    /// What keeps a text from being one: a sentence without its full stop; nil where nothing does.
    public static func fault(in text: String) -> String? {
        do throws(IdentityText.Fault) {
            _ = try IdentityText(text)
            return nil
        } catch {
            return error.sentence
        }
    }
}
