// What counts as one peer for limits.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// The addresses that one peer can choose from at will: a single IPv4 address, or the /64 of an IPv6 address, the
/// smallest block that networks assign. An IPv4 address that arrives over IPv6 counts as that IPv4 address.
public struct Neighbourhood: Hashable, Sendable, CustomStringConvertible {
    private let bits: UInt64
    private let isIPv4: Bool

    public init(of address: SocketAddress) {
        let (high, low) = address.halves
        isIPv4 = high == 0 && low >> 32 == SocketAddress.mapped
        bits = isIPv4 ? low & 0xffff_ffff : high
    }

    /// `192.0.2.7`, `2001:db8::/64`.
    public var description: String {
        let shifts = stride(from: isIPv4 ? 24 : 56, through: 0, by: -8)
        let bytes = shifts.map { UInt8(truncatingIfNeeded: bits >> $0) }
        return isIPv4
            ? NumericAddress.text(bytes)
            : NumericAddress.text(bytes + [UInt8](repeating: 0, count: 8)) + "/64"
    }
}
