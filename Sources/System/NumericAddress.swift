// IP addresses as numbers and as text.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An IP address without a port, as parsed by inet_pton(3).
package enum NumericAddress {
    /// Whether a text is an IPv4 address of four numbers or an IPv6 address without a zone.
    package static func isOne(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    /// Whether a text is an IPv6 address without a zone.
    package static func isIPv6(_ text: String) -> Bool { reads(text, AF_INET6) }

    /// The text of an address of 4 or 16 bytes in network order.
    package static func text(_ bytes: [UInt8]) -> String {
        precondition(bytes.count == 4 || bytes.count == 16)
        // At once into the string: a session's line of the log has one.
        return unsafe String(unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                unsafe inet_ntop(
                    bytes.count == 4 ? AF_INET : AF_INET6, bytes, text.baseAddress!,
                    socklen_t(text.count))
                return unsafe strnlen(text.baseAddress!, text.count)
            }
        }
    }

    /// The 4 or 16 bytes of an address in network order; nil if the text isn't one.
    package static func bytes(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            guard let bytes = read(text, family) else { continue }
            return Array(bytes.prefix(count))
        }
        return nil
    }

    private static func isIPv4(_ text: String) -> Bool { reads(text, AF_INET) }

    private static func reads(_ text: String, _ family: Int32) -> Bool {
        read(text, family) != nil
    }

    /// 16 bytes, of which an IPv4 address uses the first four.
    private static func read(_ text: String, _ family: Int32) -> [UInt8]? {
        // Its reader would take a NUL for the end and ignore what follows.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        return unsafe inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
