// Hellos that are longer than any that is taken.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TLS
@testable import TestSupport

@Suite struct HelloGaugeTests {
    private static let most = 16_384

    /// A handshake message's beginning in records of `size` bytes each.
    private static func records(_ message: [UInt8], size: Int = .max) -> [UInt8] {
        var (bytes, rest) = ([UInt8](), message[...])
        while !rest.isEmpty {
            let part = rest.prefix(min(size, 16_384))
            bytes += [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 255)] + part
            rest = rest.dropFirst(part.count)
        }
        return bytes
    }

    private static func hello(_ claim: Int, has count: Int = 0) -> [UInt8] {
        [1, UInt8(claim >> 16), UInt8(claim >> 8 & 255), UInt8(claim & 255)]
            + [UInt8](repeating: 3, count: count)
    }

    private func verdict(_ bytes: [UInt8], piece: Int = .max) -> HelloGauge.Verdict {
        var (gauge, rest) = (HelloGauge(), bytes[...])
        while !rest.isEmpty {
            let next = Array(rest.prefix(piece))
            rest = rest.dropFirst(next.count)
            let verdict = unsafe next.withUnsafeBytes { unsafe gauge.note($0) }
            if verdict != .goesOn { return verdict }
        }
        return .goesOn
    }

    @Test(arguments: [1, 2, 3, 4, 5, 1_000], [1, 2, 5, 6, 1_000])
    func aClaim_isKnownByItsFirstFourBytes_howeverTheyAreCut(_ size: Int, _ piece: Int) {
        let good = Self.hello(Self.most, has: Self.most)
        #expect(verdict(Self.records(good, size: size), piece: piece) == .goesOn)
        for claim in [Self.most + 1, 131_000, 0xff_ffff] {
            let bytes = Self.records(Self.hello(claim), size: size)
            #expect(verdict(bytes, piece: piece) == .isTooLong)
            #expect(verdict(Array(bytes.dropLast()), piece: piece) == .goesOn)
        }
    }

    /// A second one comes where the first had no share of a group that the server has.
    @Test func theSecondHello_isLookedAtToo() {
        let first = Self.records(Self.hello(3, has: 3))
        let second = Self.records(Self.hello(Self.most + 1))
        for between: [UInt8] in [
            [], [20, 3, 3, 0, 1, 1], [21, 3, 1, 0, 2, 1, 100], [22, 3, 1, 0, 0],
        ] {
            #expect(verdict(first + between + second) == .isTooLong)
        }
        // In one record with it.
        #expect(verdict(Self.records(Self.hello(3, has: 3) + Self.hello(131_000))) == .isTooLong)
    }

    @Test(
        arguments: [
            // What comes after hellos has limits of its own, and what is encrypted looks like anything.
            [22, 3, 3, 0, 4, 11, 255, 255, 255], [23, 3, 3, 0, 4, 1, 255, 255, 255],
            // None of TLS.
            [22, 2, 1, 0, 4, 1, 255, 255, 255], Array("GET / HTTP/1.1\r\n".utf8),
        ] as [[UInt8]])
    func whatIsNoHello_isLeftToOpenSSL(_ bytes: [UInt8]) {
        #expect(verdict(bytes) == .isDone)
    }

    @Test(arguments: [1, 3, 1_000], [true, false])
    func aLongHello_isRefused_withAnAlert(_ size: Int, _ trickles: Bool) throws {
        let pair = try MemoryPair.trusting()
        let bytes = Self.records(Self.hello(131_000, has: 40), size: size)
        pair.server.toReceive.pending = bytes
        pair.server.toReceive.trickles = trickles
        for _ in bytes { pair.server.proceed() }
        #expect(pair.server.progress == .failed(.helloTooLong))
        #expect(pair.server.sent.pending == [21, 3, 3, 0, 2, 2, 47])
        let failure = try #require(pair.server.failure)
        #expect(failure.sentence.contains("16384"))
        // It stays refused, and says so once.
        #expect(throws: StreamError.self) { try pair.server.stream.attemptHandshake() }
        #expect(pair.server.sent.pending.count == 7)
    }

    /// A hello as long as one may be is OpenSSL's to judge.
    @Test func theLongestHello_reachesOpenSSL() throws {
        let pair = try MemoryPair.trusting()
        pair.server.toReceive.pending = Self.records(Self.hello(Self.most, has: 100))
        pair.server.proceed()
        #expect(pair.server.progress == .waiting)
        pair.server.toReceive.pending = Self.records([UInt8](repeating: 3, count: Self.most - 100))
        pair.server.proceed()
        #expect(pair.server.progress == .failed(.tlsFailed))
    }

    @Test func aGoodHandshake_letsGoOfTheGauge() throws {
        let pair = try MemoryPair.established()
        #expect(pair.server.stream.gauge == nil && pair.client.stream.gauge == nil)
    }
}
