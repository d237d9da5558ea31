// An identity as written in a table.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// A text that a certificate's name or key can match, in the canonical spelling that is compared.
/// Anything that could never match is a fault: a `deny` that matches nobody would silently let
/// everyone in.
struct IdentityText {
    struct Fault: Error {
        /// What is wrong; what was expected. Without control characters.
        let sentence: String
    }

    let bytes: [UInt8]

    /// All forms, for a sentence.
    static let forms = "dns:, email:, uri: and key:sha256: with 44 characters of base64"

    /// - Parameter text: such as `dns:web.example.org`.
    init(_ text: String) throws(Fault) {
        bytes = try Self.read(text, hint: Self.hint)
    }

    /// - Parameter hint: what is added to a fault.
    private static func read(_ text: String, hint: (String) -> String) throws(Fault) -> [UInt8] {
        guard let kind = kinds.first(where: { text.utf8.starts(with: $0.prefix.utf8) }) else {
            throw Fault(
                sentence:
                    "\(quoted(text)) is not an identity\(hint(text)); expected one of \(Self.forms)"
            )
        }
        let value = Array(text.utf8.dropFirst(kind.prefix.utf8.count))
        func fault(_ what: String, _ expected: String) -> Fault {
            Fault(sentence: "\(quoted(text)) \(what); expected \(expected)")
        }
        guard !value.isEmpty else { throw fault("has nothing after its prefix", kind.example) }
        // A certificate's name with any of these is ignored, whoever signed it.
        if let scalar = text.unicodeScalars.first(where: { $0.value <= 0x20 || $0.value >= 0x7f }) {
            let what = scalar == " " ? "a space" : quoted(String(scalar))
            throw fault(
                "has \(what), so no certificate can match it",
                "ASCII without spaces, such as \(kind.example)")
        }
        if let what = kind.flaw(value) { throw fault(what + hint(text), kind.example) }
        return canonical(Array(text.utf8))
    }

    /// The canonical spelling, in which names are compared: DNS names and the domains of e-mail
    /// addresses in lower case (RFC 5280, section 7), and the scheme and host of a URI.
    static func canonical(_ text: [UInt8]) -> [UInt8] {
        if text.starts(with: "dns:".utf8) { return lowered(text[...]) }
        if text.starts(with: "email:".utf8) {
            let domain = text.lastIndex(of: UInt8(ascii: "@")) ?? text.count
            return text[..<domain] + lowered(text[domain...])
        }
        guard text.starts(with: "uri:".utf8) else { return text }
        let colon = text[4...].firstIndex(of: UInt8(ascii: ":")) ?? text.count
        guard text[colon...].starts(with: "://".utf8) else {
            return lowered(text[..<colon]) + text[colon...]
        }
        let end = text[(colon + 3)...].firstIndex { "/?#".utf8.contains($0) } ?? text.count
        // The user part before the host is not part of the host.
        let host = text[..<end].lastIndex(of: UInt8(ascii: "@")) ?? colon
        return lowered(text[..<colon]) + text[colon..<host] + lowered(text[host..<end])
            + text[end...]
    }

    /// What a text that is not an identity was probably meant to be.
    static func hint(_ text: String) -> String {
        // Without its own hint, which could recurse.
        func isIdentity(_ text: String) -> Bool { (try? read(text) { _ in "" }) != nil }
        for prefix in ["sha256//", "key:sha256//"] where text.utf8.starts(with: prefix.utf8) {
            let key = "key:sha256:\(text.dropFirst(prefix.count))"
            if isIdentity(key) { return ", but a pin; did you mean '\(key)'" }
        }
        let value = text.utf8.starts(with: "dns:".utf8) ? String(text.dropFirst(4)) : text
        if NumericAddress.isOne(value) || text.utf8.starts(with: "ip:".utf8) {
            return ", because an address proves nothing; use a name or key from a certificate"
        }
        guard !value.utf8.contains(UInt8(ascii: ":")) else { return "" }
        let isMail = value.utf8.contains(UInt8(ascii: "@"))
        let meant = (isMail ? "email:" : "dns:") + value
        guard isMail || value.utf8.contains(UInt8(ascii: ".")), meant != text, isIdentity(meant)
        else { return "" }
        return "; did you mean \(quoted(meant))"
    }

    // MARK: Kinds

    private struct Kind {
        let prefix: String
        let example: String
        /// What is wrong with a value, which is neither empty nor anything but printable ASCII.
        let flaw: @Sendable ([UInt8]) -> String?
    }

    private static let kinds = [
        Kind(prefix: "dns:", example: "a name such as dns:web.example.org") { value in
            if NumericAddress.isOne(String(decoding: value, as: UTF8.self)) {
                return "is an address"
            }
            return hostFlaw(value[...])
        },
        Kind(prefix: "email:", example: "an address such as email:alice@example.org") { value in
            let at = value.lastIndex(of: UInt8(ascii: "@"))
            return at.map { $0 > 0 && $0 + 1 < value.count } == true
                ? nil : "is not an e-mail address"
        },
        Kind(prefix: "uri:", example: "a URI such as uri:spiffe://example.org/deploy") { value in
            let scheme = value.prefix { $0 != UInt8(ascii: ":") }
            let isScheme =
                scheme.first.map(isLetter) ?? false
                && scheme.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
            return isScheme && scheme.count + 1 < value.count ? nil : "has no scheme"
        },
        Kind(prefix: "key:", example: "key:sha256: and 44 characters of base64") { value in
            let prefix = "sha256:".utf8
            return value.starts(with: prefix)
                && Base64.bytes(Array(value.dropFirst(prefix.count)))?.count == 32
                ? nil : "is not a SHA-256 in base64"
        },
    ]

    private static func hostFlaw(_ host: ArraySlice<UInt8>) -> String? {
        let other = host.first { !isLetter($0) && !isDigit($0) && !"-_.*".utf8.contains($0) }
        if let other {
            return "has \(quoted(String(UnicodeScalar(other)))), which a host name cannot have"
        }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.contains(where: \.isEmpty)
            ? "starts or ends with a dot, or has two in a row" : nil
    }

    private static func lowered(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
