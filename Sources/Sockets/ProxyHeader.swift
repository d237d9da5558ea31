// What a load balancer says about the client whose bytes it passes on: PROXY protocol, version 2.
// SPDX-License-Identifier: Apache-2.0

/// Reads such a header in the pieces in which it arrives (specification, section 2.2). It never reads beyond the
/// header, and keeps no more than the maximum length.
package struct ProxyHeader {
    private var bytes: [UInt8] = []

    package init() {}

    /// How many bytes may be added next; zero where the header is complete.
    package var missing: Int { (length ?? Self.fixed) - bytes.count }

    /// Adds bytes, at most `missing`.
    ///
    /// - Throws: `noProxyHeader` or `badProxyHeader` as soon as this can't be a header, or not one that is
    ///   accepted.
    package mutating func add(_ more: some Collection<UInt8>) throws(StreamError) {
        precondition(more.count <= missing)
        bytes += more
        let beginning = bytes.prefix(Self.signature.count)
        guard Self.signature.starts(with: beginning) else {
            if beginning.starts(with: Self.versionOne) { throw Self.old }
            guard Self.versionOne.starts(with: beginning) else { throw Self.none }
            return
        }
        guard bytes.count >= Self.fixed else { return }
        guard bytes[12] >> 4 == 2 else { throw .badProxyHeader("has an unknown version") }
        guard bytes[12] & 0xf <= 1 else { throw .badProxyHeader("has an unknown command") }
        guard let length, length <= Self.longest else {
            throw .badProxyHeader("is longer than \(Self.longest) bytes")
        }
        if let size = addressSize, length < Self.fixed + 2 * (size + 2) {
            throw .badProxyHeader("is too short for the addresses that it should have")
        }
    }

    /// The client whose connection this is; nil if it is the load balancer's own (`LOCAL`), or the header does not name
    /// a TCP client. Only for a complete header.
    package var client: SocketAddress? {
        guard missing == 0, bytes[12] & 0xf == 1, let size = addressSize else { return nil }
        let port = bytes[(Self.fixed + 2 * size)...].prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
        return SocketAddress(bytes[Self.fixed...].prefix(size), port: port)
    }

    /// The length of each of the two addresses, for TCP over IPv4 and over IPv6.
    private var addressSize: Int? {
        guard bytes[12] & 0xf == 1 else { return nil }
        return switch bytes[13] {
        case 0x11: 4
        case 0x21: 16
        default: nil
        }
    }

    /// The length of the whole header, once its first part has arrived.
    private var length: Int? {
        guard bytes.count >= Self.fixed else { return nil }
        return Self.fixed + Int(bytes[14]) << 8 + Int(bytes[15])
    }

    private static let none = StreamError(
        .noProxyHeader,
        "the load balancer sent no PROXY protocol header, which is required here; enable it there, in version 2"
    )

    private static let old = StreamError(
        .badProxyHeader,
        "the load balancer sent a PROXY protocol header of version 1, but only version 2 is supported; switch it to version 2 (in HAProxy: send-proxy-v2)"
    )

    private static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)
    private static let versionOne: [UInt8] = Array("PROXY".utf8)
    /// Signature, version, command, family, length.
    private static let fixed = 16
    /// The specification's limit for senders, so that a header fits into the smallest segment.
    static let longest = 536
}

extension Channel {
    /// Takes a load balancer's header from the start of the connection, and nothing after it. What comes next counts
    /// as the first bytes of the peer, and the peer's address becomes the client's, if the header has one.
    ///
    /// - Returns: whether it has one.
    /// - Throws: `noProxyHeader` or `badProxyHeader`; `endedEarly` if the connection ended within it.
    package final func takeProxyHeader() async throws(StreamError) -> Bool {
        var header = ProxyHeader()
        while header.missing > 0 {
            let room = unsafe UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(loop.input)[..<header.missing])
            let count = unsafe receive(into: room)
            switch count {
            case 1...: try header.add(unsafe Array(room[..<count]))
            case Channel.wouldBlock: try await wait(for: .read)
            case 0:
                throw StreamError(
                    .endedEarly,
                    "the load balancer ended the connection before its PROXY protocol header was complete"
                )
            default: throw .broken(in: "the read", errno: Int32(-count))
            }
        }
        beginAgain(as: header.client)
        return header.client != nil
    }

    /// Waits until there is something to receive, or the end, without taking it.
    package final func untilReceivable() async throws(StreamError) {
        while unread == 0, !hasHungUp { try await wait(for: .read) }
    }
}

extension StreamError {
    fileprivate static func badProxyHeader(_ what: String) -> StreamError {
        StreamError(
            .badProxyHeader,
            "the load balancer's PROXY protocol header \(what); have it send one of version 2 for TCP"
        )
    }
}

extension StreamError.Code {
    /// A load balancer that must send a PROXY protocol header sent something else.
    package static var noProxyHeader: Self { Self(rawValue: "noProxyHeader") }
    /// The header is malformed, or of an unsupported version.
    package static var badProxyHeader: Self { Self(rawValue: "badProxyHeader") }
}
