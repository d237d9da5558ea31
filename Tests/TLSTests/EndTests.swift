// The ends of a stream: close_notify, truncation, and a channel that breaks.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EndTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: A clean end

    @Test(arguments: Role.allCases)
    func read_isEnded_afterCloseNotify(by role: Role) throws {
        let pair = try MemoryPair.established()
        let (closer, reader) = (pair.end(role), pair.end(role.other))
        _ = try closer.write("last words")
        #expect(try closer.close() == .moved(0))
        closer.channel.shutdownWrite()
        #expect(try reader.read() == .text("last words"))
        #expect(try reader.read() == .ended)
        #expect(try reader.read() == .ended)
        #expect(try reader.close() == .moved(0))
        #expect(try closer.read() == .ended)
    }

    @Test func closeNotify_isOneRecord_howeverOftenItIsAsked() throws {
        let pair = try MemoryPair.established()
        let start = pair.client.sent.history.count
        #expect(try pair.client.close() == .moved(0))
        _ = try pair.client.close()
        #expect(pair.client.sent.records(since: start).map(\.payload.count) == [2 + 17])
    }

    @Test func eachHalf_endsByItself() throws {
        let pair = try MemoryPair.established()
        #expect(try pair.client.close() == .moved(0))
        #expect(try pair.server.read() == .ended)
        // RFC 8446, section 6.1: the other direction goes on.
        #expect(try pair.server.write("still here") == .moved(10))
        #expect(try pair.client.read() == .text("still here"))
        #expect(try pair.server.close() == .moved(0))
        #expect(try pair.client.read() == .ended)
    }

    @Test func alert_thatBlamesTheHandshake_hasAnotherReasonInASession() throws {
        let pair = try MemoryPair.established()
        #expect(pair.server.stream.failure(alert: 40, "handshake failure").code == .tlsFailed)
        let unknown = pair.server.stream.failure(alert: 153, "error 167773313")
        #expect(unknown.sentence.hasSuffix("alert: number 153"))
    }

    /// Nobody knows whose doing it is, and so it is not held against a peer.
    @Test(arguments: [ERR_LIB_SSL, ERR_LIB_EVP])
    func wantOfMemory_isNoFailureOfTLS(library: Int32) throws {
        let pair = try MemoryPair.trusting()
        let reasons = [
            OpenSSLReason(
                library: library, reason: parley_ERR_R_MALLOC_FAILURE(), text: "malloc failure"),
            OpenSSLReason(library: ERR_LIB_SSL, reason: 1, text: "another"),
        ]
        #expect(pair.server.stream.failure(reasons, "the handshake").code == .system)
        #expect(
            pair.server.stream.failure(Array(reasons.dropFirst()), "the handshake").code
                == .tlsFailed)
        for refusal in [ChainRefusal(.unavailable), .outOfMemory, ChainRefusal(unavailable: "x")] {
            #expect(refusal.failure.code == .system)
        }
    }

    @Test func closeNotify_waitsForRoom() throws {
        let pair = try MemoryPair.established()
        pair.client.sent.capacity = 5
        #expect(try pair.client.close() == .blocked(.write))
        #expect(try pair.server.read() == .blocked(.read))
        pair.client.sent.capacity = .max
        #expect(try pair.client.close() == .moved(0))
        #expect(try pair.server.read() == .ended)
    }

    @Test func close_saysNothing_beforeTheHandshake() throws {
        let pair = try MemoryPair.trusting()
        #expect(try pair.client.close() == .ended)
        #expect(pair.client.sent.history.isEmpty)
    }

    // MARK: Truncation

    @Test(arguments: Role.allCases)
    func read_isTruncated_whereTheEndHasNoCloseNotify(by role: Role) throws {
        let pair = try MemoryPair.established()
        let (vanished, reader) = (pair.end(role), pair.end(role.other))
        _ = try vanished.write("so far")
        vanished.channel.shutdownWrite()
        #expect(try reader.read() == .text("so far"))
        #expect(failureCode { () throws(StreamError) in try reader.read() } == .truncated)
        // The first failure stays.
        #expect(failureCode { () throws(StreamError) in try reader.read() } == .truncated)
        #expect(failureCode { () throws(StreamError) in try reader.write("x") } == .truncated)
        // OpenSSL has sent a fatal alert; a close_notify after it would deny that.
        let start = reader.sent.history.count
        #expect(failureCode { () throws(StreamError) in try reader.close() } == .truncated)
        #expect(reader.sent.history.count == start)
    }

    @Test(arguments: [1, 4, 5, 6, 20])
    func read_isTruncated_withinARecord(after count: Int) throws {
        let pair = try MemoryPair.established()
        _ = try pair.client.write("cut in two")
        pair.client.sent.pending = Array(pair.client.sent.pending.prefix(count))
        pair.client.channel.shutdownWrite()
        #expect(failureCode { () throws(StreamError) in try pair.server.read() } == .truncated)
    }

    @Test func read_isTruncated_afterAWriteThatNeverEnded() throws {
        let pair = try MemoryPair.established()
        pair.client.sent.capacity = 100
        #expect(try pair.client.write(pattern(0..<1_000)) == .blocked(.write))
        // The rest of the record is not to be had, so that no alert may come in its place.
        pair.client.sent.capacity = .max
        _ = failureCode { () throws(StreamError) in try pair.client.close() }
        pair.client.channel.shutdownWrite()
        #expect(failureCode { () throws(StreamError) in try pair.server.read() } == .truncated)
    }

    // MARK: A broken channel

    @Test(arguments: [ECONNRESET, ETIMEDOUT, EHOSTUNREACH])
    func read_tellsOfABrokenChannel(_ number: Int32) throws {
        let pair = try MemoryPair.established()
        _ = try pair.client.write("before")
        pair.server.toReceive.receiveFailure = number
        #expect(try pair.server.read() == .text("before"))
        #expect(failureCode { () throws(StreamError) in try pair.server.read() } == .reset)
        // The first failure stays.
        pair.server.toReceive.receiveFailure = nil
        #expect(failureCode { () throws(StreamError) in try pair.server.read() } == .reset)
        #expect(failureCode { () throws(StreamError) in try pair.server.close() } == .reset)
    }

    @Test func write_tellsOfAReset() throws {
        let pair = try MemoryPair.established()
        pair.client.sent.sendFailure = EPIPE
        #expect(failureCode { () throws(StreamError) in try pair.client.write("x") } == .reset)
        pair.client.sent.sendFailure = nil
        #expect(failureCode { () throws(StreamError) in try pair.client.write("x") } == .reset)
        #expect(failureCode { () throws(StreamError) in try pair.client.close() } == .reset)
    }

    @Test func write_tellsOfTheRejection_thatCameBeforeTheReset() throws {
        let pair = try MemoryPair(
            client: certificates.client("client-expired.pem"), server: certificates.server())
        pair.handshake()
        try #require(pair.client.progress == .done)
        try #require(pair.server.progress == .failed(.certificateExpired))
        pair.client.sent.sendFailure = EPIPE
        pair.client.toReceive.receiveFailure = ECONNRESET
        #expect(
            failureCode { () throws(StreamError) in try pair.client.write("x") }
                == .certificateRejected)
    }

    @Test func write_tellsOfAReset_whateverElseCameBeforeIt() throws {
        let pair = try MemoryPair.established()
        _ = try pair.server.write("unread")
        _ = try pair.server.close()
        pair.client.sent.sendFailure = ECONNRESET
        #expect(failureCode { () throws(StreamError) in try pair.client.write("x") } == .reset)
    }

    // MARK: Within the handshake

    @Test(arguments: Role.allCases, [0, 1, 3, 5, 100, 1_000_000])
    func handshake_tellsOfItsEnd(to role: Role, after count: Int) throws {
        let pair = try MemoryPair.trusting()
        let (victim, peer) = (pair.end(role), pair.end(role.other))
        if role == .client { pair.client.proceed() }
        peer.proceed()
        // The server is not done with all that the client says first, nor the reverse without it.
        let all = peer.sent.pending
        peer.sent.pending = Array(
            all.prefix(min(count, role == .client ? all.count - 1 : all.count)))
        peer.channel.shutdownWrite()
        victim.proceed()
        victim.proceed()
        // Of a client that has said nothing a server can't say that it began a handshake.
        let expected: StreamError.Code =
            role == .server && count == 0 ? .leftWithoutAWord : .handshakeEnded
        #expect(victim.progress == .failed(expected))
        let start = victim.sent.history.count
        #expect(failureCode { () throws(StreamError) in try victim.close() } == expected)
        #expect(victim.sent.history.count == start)
    }

    @Test(arguments: Role.allCases)
    func handshake_tellsOfAReset(to role: Role) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        if role == .server { victim.toReceive.pending = [0x16] }
        victim.toReceive.receiveFailure = ECONNRESET
        victim.proceed()
        #expect(victim.progress == .failed(.reset))
    }
}
