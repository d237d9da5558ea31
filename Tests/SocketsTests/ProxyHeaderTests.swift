// What a balancer may say of its client's address.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ProxyHeaderTests {
    private static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)
    private static let four: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 80]
    private static let six: [UInt8] =
        [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        + [UInt8](repeating: 9, count: 16) + [0x12, 0x34, 0, 80]

    private static func header(
        _ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + rest
    }

    /// What is read of it in pieces of a size; nil where it has no client.
    private func read(_ bytes: [UInt8], piece: Int = .max) throws -> SocketAddress? {
        var (header, rest) = (ProxyHeader(), bytes[...])
        while header.missing > 0 {
            let next = rest.prefix(min(piece, header.missing))
            try #require(!next.isEmpty, "more is asked for than there is")
            try header.add(next)
            rest = rest.dropFirst(next.count)
        }
        #expect(rest.isEmpty)
        return header.client
    }

    @Test(
        arguments: [
            (header(0x21, 0x11, four), "192.0.2.1:4660"),
            (header(0x21, 0x11, four + [4, 0, 1, 9]), "192.0.2.1:4660"),
            (header(0x21, 0x21, six), "[2001:db8::1]:4660"),
            (header(0x21, 0x11, four + [UInt8](repeating: 4, count: 508)), "192.0.2.1:4660"),
            // The balancer's own, and what is about no TCP client.
            (header(0x20, 0x11, four), nil), (header(0x20, 0, []), nil), (header(0x21, 0, []), nil),
            (header(0x21, 0, [1, 2, 3]), nil), (header(0x21, 0x12, four), nil),
            (header(0x21, 0x31, [UInt8](repeating: 0, count: 216)), nil),
            (header(0x21, 0xff, []), nil),
        ] as [([UInt8], String?)])
    func aHeader_isReadInPiecesOfAnySize(_ bytes: [UInt8], _ client: String?) throws {
        for piece in [1, 2, 3, 7, 15, 16, 17, 100, .max] {
            #expect(try read(bytes, piece: piece)?.description == client)
        }
    }

    @Test(arguments: [
        // Of another version, with another command, too long, too short for its addresses.
        header(0x11, 0x11, four), header(0x31, 0x11, four), header(0x22, 0x11, four),
        header(0x2f, 0x11, four), header(0x21, 0x11, [], length: 521),
        header(0x20, 0, [], length: 65_535), header(0x21, 0x11, Array(four.dropLast())),
        header(0x21, 0x21, Array(six.dropLast())), header(0x21, 0x21, four),
        Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".utf8), Array("PROXY UNKNOWN\r\n".utf8),
    ])
    func aBadHeader_isRefused_withoutWaitingForMore(_ bytes: [UInt8]) throws {
        for piece in [1, 5, .max] {
            #expect(throws: StreamError.self) { try read(bytes, piece: piece) }
            do { _ = try read(bytes, piece: piece) } catch let error as StreamError {
                #expect(error.code == .badProxyHeader)
                #expect(error.sentence.contains("version 2"))
            }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{5}", "\r\n\r\n\0\r\nQUIP\n", "PROXI", "x",
    ])
    func whatIsNone_isRefused_atItsFirstStrangeByte(_ text: String) throws {
        var header = ProxyHeader()
        do throws(StreamError) {
            for byte in text.utf8 { try header.add([byte]) }
            Issue.record("it is taken")
        } catch {
            #expect(error.code == .noProxyHeader)
        }
    }

    @Test func aHeader_isTakenOffTheWire_andNothingAfterIt() async throws {
        try await onLoop { loop in
            let bytes = Self.header(0x21, 0x11, Self.four) + Array("abc".utf8)
            for piece in [1, 16, 20, bytes.count] {
                let (near, far) = try Socket.pair(loop, loop)
                let taking = loop.meanwhile { try await near.takeProxyHeader() }
                var rest = bytes[...]
                while !rest.isEmpty {
                    _ = far.sendNow(Array(rest.prefix(piece)))
                    rest = rest.dropFirst(piece)
                    await turns(2)
                }
                #expect(try await taking.value)
                #expect(near.peer?.description == "192.0.2.1:4660")
                #expect(near.unread == 3 && near.opening.isEmpty)
                #expect(try await PlainStream(near).read(upTo: 9) { $0.count } == 3)
            }
        }
    }

    @Test func anEndWithinAHeader_isTold() async throws {
        try await onLoop { loop in
            let (near, far) = try Socket.pair(loop, loop)
            _ = far.sendNow(Self.signature)
            far.shutdownWrite()
            await #expect(throws: StreamError.self) { try await near.takeProxyHeader() }
            #expect(near.peer == nil)
        }
    }
}
