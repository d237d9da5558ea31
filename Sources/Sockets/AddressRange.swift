// A range of addresses, as written in options.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// The addresses that share a prefix (CIDR, RFC 4632): `192.0.2.0/24`, `2001:db8::/32`, or a single address.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The prefix, followed by zeros; the prefix of an IPv4 range begins with `::ffff:`.
    package let high: UInt64
    package let low: UInt64
    /// How many bits the prefix has, counted as for IPv6: 0 to 128.
    package let length: Int

    /// Why a text is not a range, as the rest of a sentence about it.
    public struct Mistake: Error, CustomStringConvertible {
        public let description: String
    }

    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    public init(_ text: String) throws(Mistake) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = NumericAddress.bytes(String(parts[0])),
            let address = SocketAddress(bytes, port: 0)
        else {
            throw Mistake(
                description:
                    "is not an address range; write it as 192.0.2.0/24 or 2001:db8::/32"
            )
        }
        let most = bytes.count * 8
        var bits = most
        if parts.count == 2 {
            guard let number = Endpoint.port(parts[1]).map({ Int($0) }), number <= most else {
                throw Mistake(
                    description: "needs a number of bits from 0 to \(most) after the slash")
            }
            bits = number
        }
        let (high, low) = address.halves
        self.init(high: high, low: low, length: bits + 128 - most)
        guard (self.high, self.low) == (high, low) else {
            throw Mistake(
                description:
                    "has bits beyond its prefix; did you mean \(self), or the single address \(parts[0])?"
            )
        }
    }

    /// - Parameter length: 0 to 128; the bits after the prefix are ignored.
    package init(high: UInt64, low: UInt64, length: Int) {
        precondition((0...128).contains(length))
        // Shifting a number by all its bits gives zero.
        self.high = high & ~(UInt64.max >> min(length, 64))
        self.low = low & ~(UInt64.max >> max(length - 64, 0))
        self.length = length
    }

    /// IPv4 addresses are only in ranges of IPv4 addresses, even if they arrived over IPv6.
    public func contains(_ address: SocketAddress) -> Bool {
        let (high, low) = address.halves
        let isIPv4 = high == 0 && low >> 32 == SocketAddress.mapped
        guard !isIPv4 || length >= 96 else { return false }
        let other = AddressRange(high: high, low: low, length: length)
        return (other.high, other.low) == (self.high, self.low)
    }

    /// In a form that can be read again.
    public var description: String {
        let isIPv4 = high == 0 && low >> 32 == SocketAddress.mapped && length >= 96
        let bytes = [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
        }
        return isIPv4
            ? "\(NumericAddress.text(Array(bytes.suffix(4))))/\(length - 96)"
            : "\(NumericAddress.text(bytes))/\(length)"
    }
}
