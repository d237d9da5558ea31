// Reads the values of a host in the configuration.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSON5
internal import Sockets
internal import TLS

/// The values of one entry, each in the form in which an option takes it.
struct HostValues {
    private(set) var texts: [HostKey: [String]] = [:]
    /// Where a key is in the file's text, in bytes.
    private(set) var offsets: [HostKey: Int] = [:]

    /// - Parameter folder: what relative paths are relative to; empty for the current one.
    init(_ member: JSON5Node.Member, relativeTo folder: String) throws(Mistake) {
        let what = "the host \(quoted(member.key))"
        let fields = try Fields(member.value, what, known: HostKey.allCases.map(\.rawValue))
        for key in HostKey.allCases {
            guard let value = fields.first(of: [key.rawValue]) else { continue }
            texts[key] = try Self.texts(key, value.value, folder)
            offsets[key] = value.offset
        }
        try checkTogether(what)
    }

    /// A certificate of one entry and a key of another would not belong together.
    private func checkTogether(_ what: String) throws(Mistake) {
        for (one, other) in [(HostKey.cert, HostKey.key), (.key, .cert)] {
            guard let offset = offsets[one] else { continue }
            if offsets[.certs] != nil {
                throw Mistake(
                    .conflictingKey, at: offset,
                    "\(what) has both 'certs' and '\(one.rawValue)'; expected 'certs', the folder of client.pem and client.key, or 'cert' and 'key'"
                )
            }
            guard offsets[other] != nil else {
                throw Mistake(
                    .missingKey, at: offset,
                    "\(what) has '\(one.rawValue)' without '\(other.rawValue)'; expected both")
            }
        }
    }

    private static func texts(
        _ key: HostKey, _ node: JSON5Node, _ folder: String
    ) throws(Mistake) -> [String] {
        let what = "'\(key.rawValue)'"
        switch key {
        case .address: return [try address(node, what)]
        case .port:
            let expected = "a whole number from 1 to 65535"
            return [
                try number(node, what, expected) { (1...65_535).contains($0) && $0 == $0.rounded() }
            ]
        case .keepalive:
            let expected = "a number of seconds up to \(longestKeepalive), or 0 for never"
            return [try number(node, what, expected) { $0 >= 0 && $0 <= Double(longestKeepalive) }]
        case .serverName:
            let text = try node.string(
                what, "a name, or a URI such as uri:spiffe://example.org/server")
            do throws(CredentialError) { _ = try ServerName(text) } catch {
                throw invalid(node, what, "not a valid server name: \(error.sentence)")
            }
            return [text]
        case .certs, .cert, .key, .ca, .crl: return [try path(node, what, folder)]
        case .pin:
            guard case .array(let elements) = node.content else { return [try pin(node, what)] }
            guard !elements.isEmpty else { throw invalid(node, what, "empty; expected a pin") }
            var pins: [String] = []
            for element in elements { pins.append(try pin(element, "an element of \(what)")) }
            return pins
        }
    }

    private static func address(_ node: JSON5Node, _ what: String) throws(Mistake) -> String {
        let expected = "a name or an address, without a port"
        let text = try node.string(what, expected)
        guard let endpoint = Endpoint(text, defaultPort: 1), !text.utf8.contains(UInt8(ascii: "@"))
        else { throw invalid(node, what, "not a valid host; expected \(expected)") }
        guard endpoint.port == 1, Endpoint(text, defaultPort: 2)?.port == 2 else {
            throw invalid(node, what, "with a port; expected \(expected), which is the key 'port'")
        }
        return endpoint.host
    }

    private static func number(
        _ node: JSON5Node, _ what: String, _ expected: String, _ isValid: (Double) -> Bool
    ) throws(Mistake) -> String {
        let value = try node.number(what, expected)
        guard isValid(value) else {
            throw invalid(node, what, "out of range; expected \(expected)")
        }
        return value == value.rounded() ? String(Int(value)) : String(value)
    }

    private static func pin(_ node: JSON5Node, _ what: String) throws(Mistake) -> String {
        let text = try node.string(what, "a pin, or an array of pins")
        do throws(CredentialError) { _ = try Pin(text) } catch {
            throw invalid(node, what, "not a valid pin: \(error.sentence)")
        }
        return text
    }

    private static func path(
        _ node: JSON5Node, _ what: String, _ folder: String
    ) throws(Mistake) -> String {
        let text = try node.string(what, "a path")
        guard !text.isEmpty, !hasControlCharacters(text) else {
            throw invalid(node, what, "not a valid path; expected one without control characters")
        }
        if text.utf8.first == UInt8(ascii: "/") { return text }
        if text == "~" || text.utf8.starts(with: "~/".utf8) {
            guard let home = unsafe getenv("HOME").map({ unsafe String(cString: $0) }),
                home.utf8.first == UInt8(ascii: "/")
            else {
                throw invalid(
                    node, what,
                    "relative to a home directory, but HOME is not set; expected it to be")
            }
            return home + text.dropFirst()
        }
        return folder.isEmpty ? text : "\(folder)/\(text)"
    }

    private static func invalid(_ node: JSON5Node, _ what: String, _ why: String) -> Mistake {
        Mistake(.invalidValue, at: node.offset, "\(what) is \(why)")
    }

    /// In seconds; a year, as for the option.
    private static let longestKeepalive = 31_536_000
}
