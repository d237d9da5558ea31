// New keys while data flows (RFC 8446, section 4.6.3).
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KeyUpdateTests {
    /// The size of a KeyUpdate in a record: header, one byte, content type, tag.
    private static let size = 4 + 1 + 1 + 16

    @Test(arguments: Role.allCases)
    func keys_areUpdatedInBothDirections(askedFor role: Role) throws {
        let pair = try MemoryPair.established()
        let (asking, asked) = (pair.end(role), pair.end(role.other))
        _ = try asked.write("before")
        asking.updateKeys()

        var start = asking.sent.history.count
        #expect(try asking.write("one") == .moved(3))
        #expect(asking.sent.records(since: start).map(\.payload.count) == [Self.size, 3 + 17])
        #expect(try asked.read() == .text("one"))

        start = asked.sent.history.count
        #expect(try asked.write("two") == .moved(3))
        #expect(asked.sent.records(since: start).map(\.payload.count) == [Self.size, 3 + 17])
        #expect(try asking.read() == .text("before"))
        #expect(try asking.read() == .text("two"))

        // Once is enough.
        start = asked.sent.history.count
        #expect(try asked.write("three") == .moved(5))
        #expect(asked.sent.records(since: start).count == 1)
        #expect(try asking.read() == .text("three"))
    }

    @Test func keys_areUpdated_whereBothAskAtOnce() throws {
        let pair = try MemoryPair.established()
        pair.client.updateKeys()
        pair.server.updateKeys()
        for text in ["one", "two", "three"] {
            #expect(try pair.client.write(text) == .moved(text.utf8.count))
            #expect(try pair.server.write(text) == .moved(text.utf8.count))
            #expect(try pair.server.read() == .text(text))
            #expect(try pair.client.read() == .text(text))
        }
    }

    @Test func keys_areUpdatedManyTimes_whileDataFlowsBothWays() throws {
        let pair = try MemoryPair.established()
        for round in 0..<100 {
            let (up, down) = (pattern(0..<1_000 + round), pattern(0..<2_000 + round))
            let asking = pair.end(round % 3 == 0 ? .server : .client)
            asking.updateKeys()
            #expect(try pair.client.write(up) == .moved(up.count))
            #expect(try pair.server.write(down) == .moved(down.count))
            #expect(try pair.server.read() == .bytes(up))
            #expect(try pair.client.read() == .bytes(down))
        }
    }

    @Test func update_waitsForTheRecordThatIsUnderWay() throws {
        let pair = try MemoryPair.established()
        let bytes = pattern(0..<5_000)
        pair.client.sent.capacity = 1_000
        #expect(try pair.client.write(bytes) == .blocked(.write))
        // The peer wants new keys of an end that is in the middle of a record.
        pair.server.updateKeys()
        #expect(try pair.server.write("new") == .moved(3))
        #expect(try pair.client.read() == .text("new"))
        #expect(try pair.client.read() == .blocked(.read))
        pair.client.sent.capacity = .max
        #expect(try pair.client.write(bytes) == .moved(5_000))
        #expect(try pair.server.read() == .bytes(bytes))
        #expect(try pair.client.write("after") == .moved(5))
        #expect(try pair.server.read() == .text("after"))
    }

    @Test func update_blocksAndGoesOn_likeAnyOtherWrite() throws {
        let pair = try MemoryPair.established()
        pair.client.updateKeys()
        pair.client.sent.capacity = 10
        #expect(try pair.client.write("x") == .blocked(.write))
        pair.client.sent.capacity = .max
        #expect(try pair.client.write("x") == .moved(1))
        #expect(try pair.server.read() == .text("x"))
    }

    @Test func update_isNothing_inTLS12() throws {
        var options = TLSOptions()
        options.minimum = .tls12
        let certificates = try CertificateFixture.shared
        let client = try certificates.client(options: options)
        client.limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: client, server: certificates.server(options: options))
        try pair.establish()
        pair.client.updateKeys()
        #expect(try pair.client.write("x") == .moved(1))
        #expect(try pair.server.read() == .text("x"))
    }
}

extension MemoryEnd {
    fileprivate func updateKeys() {
        stream.updateKeys()
        expectEmptyErrorQueue()
    }
}
