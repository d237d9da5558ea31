// The hosts that an entry of the configuration is for.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5

/// Names and patterns separated by blanks, as after `Host` in ssh_config(5): `*` stands for any characters, `?` for
/// one, and `!` before a pattern excludes what it matches. ASCII letters match in either case.
struct HostPatterns: Sendable {
    private let wanted: [[UInt8]]
    private let excluded: [[UInt8]]

    /// - Throws: `invalidName`, for what could never match.
    init(_ member: JSON5Node.Member) throws(Mistake) {
        var (wanted, excluded): ([[UInt8]], [[UInt8]]) = ([], [])
        for word in member.key.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }) {
            let isExcluded = word.first == UInt8(ascii: "!")
            let pattern = Array(isExcluded ? word.dropFirst() : word)
            if let fault = Self.fault(of: pattern) {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(String(decoding: word, as: UTF8.self))) cannot match a host: \(fault)"
                )
            }
            if isExcluded {
                excluded.append(lowercase(pattern))
            } else {
                wanted.append(lowercase(pattern))
            }
        }
        guard !wanted.isEmpty else {
            throw Mistake(
                .invalidName, at: member.offset,
                excluded.isEmpty
                    ? "an entry of 'hosts' has an empty name; expected a host's name, or a pattern such as '*.example.org'"
                    : "\(quoted(member.key)) only excludes hosts and so matches none; expected a pattern without ! as well, such as '*'"
            )
        }
        self.wanted = wanted
        self.excluded = excluded
    }

    /// - Parameter host: a name or an address, without a port.
    func match(_ host: String) -> Bool {
        let host = lowercase(Array(host.utf8))
        return wanted.contains { matches(host, $0) } && !excluded.contains { matches(host, $0) }
    }

    /// Those that are names and not patterns.
    var names: [String] {
        wanted.filter { !$0.contains { "*?".utf8.contains($0) } }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func fault(of pattern: [UInt8]) -> String? {
        if pattern.isEmpty { return "expected a name or a pattern after the !" }
        if pattern.count > longest { return "expected at most \(longest) bytes" }
        if pattern.contains(UInt8(ascii: ",")) { return "expected blanks between patterns" }
        if pattern.contains(where: { $0 <= 0x20 || $0 >= 0x7f || "/@[]!".utf8.contains($0) }) {
            return
                "expected a name or an address as parley takes it, without brackets, or * and ? in it"
        }
        let parts = pattern.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].allSatisfy({ (0x30...0x39).contains($0) }) {
            return "expected a host without a port, which is the key 'port'"
        }
        return nil
    }

    /// The longest name that the DNS allows (RFC 1035, section 2.3.4).
    private static let longest = 255
}

private func lowercase(_ text: [UInt8]) -> [UInt8] {
    text.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
}

/// Whether a pattern matches a whole text. Takes at most the product of their lengths: after a mismatch only the
/// last `*` takes one byte more.
private func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
    var (at, next) = (0, 0)
    var star: (at: Int, next: Int)?
    while at < text.count {
        if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
            star = (at, next + 1)
            next += 1
        } else if next < pattern.count,
            pattern[next] == UInt8(ascii: "?") || pattern[next] == text[at]
        {
            at += 1
            next += 1
        } else if let last = star {
            star = (last.at + 1, last.next)
            (at, next) = (last.at + 1, last.next)
        } else {
            return false
        }
    }
    return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
}
