// A host and a port as written by a user, and their addresses.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import System

/// A host, which is a name or an address, and a port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// Without the brackets of an IPv6 address; never empty.
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 address; nil if it is none
    /// of them.
    public init?(_ text: String, defaultPort: UInt16) {
        let host: Substring
        var port = defaultPort
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = Self.port(rest.dropFirst()) else {
                    return nil
                }
                port = number
            }
        } else if let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon {
            guard let number = Self.port(text[text.index(after: colon)...]) else { return nil }
            host = text[..<colon]
            port = number
        } else {
            host = text[...]
        }
        // Colons mean an IPv6 address, which may have a zone (RFC 4007, section 11); a zone with a
        // bracket could not be read back.
        if host.contains(":") {
            let address = String(host.prefix { $0 != "%" })
            guard !host.contains("]"), NumericAddress.isIPv6(address) else { return nil }
        }
        guard !host.isEmpty, host.utf8.count <= Self.longestName,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
        else { return nil }
        self.init(host: String(host), port: port)
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// A port number in digits only, 0 to 65535.
    public static func port(_ text: some StringProtocol) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt16(text)
    }

    /// The host's addresses in the resolver's order, which is the order to try them in. A name is looked
    /// up on another thread, since the resolver may block for any time.
    ///
    /// - Throws: `unknownHost`.
    public func addresses() async throws(StreamError) -> [SocketAddress] {
        try await lookedUp().get()
    }

    func lookedUp() async -> Result<[SocketAddress], StreamError> {
        let numeric = lookUp(flags: AI_NUMERICHOST)
        if case .success = numeric { return numeric }
        return await withCheckedContinuation { waiting in
            do throws(Errno) {
                try startDetachedThread { waiting.resume(returning: self.lookUp(flags: 0)) }
            } catch {
                waiting.resume(returning: .failure(StreamError(noThread: error)))
            }
        }
    }

    /// The addresses to listen on: the host must be an address or resolve at once.
    ///
    /// - Throws: `unknownHost`.
    public func localAddresses() throws(StreamError) -> [SocketAddress] {
        try lookUp(flags: AI_PASSIVE).get()
    }

    private func lookUp(flags: Int32) -> Result<[SocketAddress], StreamError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard failure == 0 else {
            let reason = unsafe String(cString: gai_strerror(failure))
            return .failure(
                StreamError(
                    .unknownHost, "cannot find an address for \(host) (\(reason)); check the name"))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            var storage = sockaddr_storage()
            let length = unsafe min(
                Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.copyMemory(
                    from: UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: length))
            }
            if let address = SocketAddress(storage), !addresses.contains(address) {
                addresses.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return .success(addresses)
    }

    /// The longest name that the DNS allows (RFC 1035, section 2.3.4).
    private static let longestName = 255
}
