// An IPv4 or IPv6 address with a port.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import System

/// A socket's address: where it is bound, or where its peer is.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    public enum Family: Sendable { case ipv4, ipv6 }

    public let family: Family
    public let port: UInt16
    /// IPv6 only (RFC 3493): zero otherwise.
    public let flowInfo: UInt32
    /// IPv6 only: the interface of a link-local address, else zero.
    public let scope: UInt32
    /// In network byte order: an IPv4 address fills the first four bytes.
    private let bytes: (UInt64, UInt64)

    /// The numeric address; an IPv4 address that arrived over IPv6 as `::ffff:…`.
    public var host: String {
        NumericAddress.text(
            unsafe withUnsafeBytes(of: bytes) {
                unsafe Array($0.prefix(family == .ipv4 ? 4 : 16))
            })
    }

    /// `127.0.0.1:80`, `[::1]:80`; an IPv4 address that arrived over IPv6 as IPv4.
    public var description: String {
        let host = host
        if family == .ipv4 { return "\(host):\(port)" }
        if host.hasPrefix("::ffff:"), host.contains(".") { return "\(host.dropFirst(7)):\(port)" }
        return "[\(host)]:\(port)"
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.family == b.family && a.port == b.port && a.scope == b.scope && a.flowInfo == b.flowInfo
            && a.bytes == b.bytes
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(port)
        hasher.combine(bytes.0)
        hasher.combine(bytes.1)
    }
}

extension SocketAddress {
    /// Reads what the kernel wrote; nil for any other family.
    init?(_ storage: sockaddr_storage) {
        var storage = storage
        switch Int32(storage.ss_family) {
        case AF_INET:
            let address = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.load(as: sockaddr_in.self)
            }
            family = .ipv4
            port = UInt16(bigEndian: address.sin_port)
            (flowInfo, scope) = (0, 0)
            bytes = (UInt64(address.sin_addr.s_addr), 0)
        case AF_INET6:
            let address = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.load(as: sockaddr_in6.self)
            }
            family = .ipv6
            port = UInt16(bigEndian: address.sin6_port)
            flowInfo = UInt32(bigEndian: address.sin6_flowinfo)
            scope = address.sin6_scope_id
            var raw = address.sin6_addr
            bytes = unsafe withUnsafeBytes(of: &raw) {
                unsafe ($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self))
            }
        default: return nil
        }
    }

    /// Calls `body` with the address in the kernel's format.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: bytes.0)
            return unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_flowinfo = flowInfo.bigEndian
            address.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.storeBytes(of: bytes.0, as: UInt64.self)
                unsafe $0.storeBytes(of: bytes.1, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// An address of 4 or 16 bytes in network byte order; nil for any other length.
    package init?(_ address: some Collection<UInt8>, port: UInt16) {
        func number<N: FixedWidthInteger>(_ bytes: some Collection<UInt8>) -> N {
            bytes.reduce(0) { $0 << 8 | N(truncatingIfNeeded: $1) }.bigEndian
        }
        switch address.count {
        case 4:
            family = .ipv4
            bytes = (UInt64(number(address) as UInt32), 0)
        case 16:
            family = .ipv6
            bytes = (number(address.prefix(8)), number(address.dropFirst(8)))
        default: return nil
        }
        self.port = port
        (flowInfo, scope) = (0, 0)
    }

    /// The address as the two halves of an IPv6 address; an IPv4 one as `::ffff:…` (RFC 4291, section 2.5.5.2).
    package var halves: (high: UInt64, low: UInt64) {
        switch family {
        case .ipv4:
            let number = UInt32(truncatingIfNeeded: bytes.0)
            return (0, Self.mapped << 32 | UInt64(UInt32(bigEndian: number)))
        case .ipv6: return (UInt64(bigEndian: bytes.0), UInt64(bigEndian: bytes.1))
        }
    }

    /// The start of the second half of an IPv4-mapped address; the first half is zero.
    package static let mapped: UInt64 = 0xffff

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress {
        SocketAddress(family: family, port: port, flowInfo: flowInfo, scope: scope, bytes: bytes)
    }

    var domain: Int32 { family == .ipv4 ? AF_INET : AF_INET6 }

    /// Asks the kernel with `getsockname` or `getpeername`.
    static func ask(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, &length) }
        }
        return result >= 0 ? SocketAddress(storage) : nil
    }
}
