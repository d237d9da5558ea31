// IP addresses as numbers and as text.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An IP address without a port, as inet_pton(3) reads it.
package enum NumericAddress {
    /// Whether a text is an IPv4 address in four numbers or an IPv6 address without a zone.
    package static func isOne(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    /// Whether a text is an IPv6 address without a zone.
    package static func isIPv6(_ text: String) -> Bool { reads(text, AF_INET6) }

    /// The text of an address of 4 or 16 bytes in network order.
    package static func text(_ bytes: [UInt8]) -> String {
        precondition(bytes.count == 4 || bytes.count == 16)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        unsafe inet_ntop(
            bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func isIPv4(_ text: String) -> Bool { reads(text, AF_INET) }

    private static func reads(_ text: String, _ family: Int32) -> Bool {
        // Its reader would take a NUL for the end, and what is behind it for good.
        guard !text.utf8.contains(0) else { return false }
        var bytes = (UInt64(0), UInt64(0))
        return unsafe inet_pton(family, text, &bytes) == 1
    }
}
