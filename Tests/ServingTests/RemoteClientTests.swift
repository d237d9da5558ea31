// What the client's half of parley/1 says of a session that ends too early.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RemoteClientTests {
    @Test func silenceInACommand_isAnEarlyEnd_thatKeepsItsReason() async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop)
            let client = RemoteClient(
                PlainStream(near), console: ErraticConsole(Chance(seed: 1, loop: loop)))
            try client.send(["cat"])
            near.fail(
                StreamError(
                    .idleTimedOut, "nothing was heard", remedy: .waitLongerForConnection,
                    cause: .system(Errno(ETIMEDOUT))))
            do throws(StreamError) {
                _ = try await client.answer()
                Issue.record("there was an answer")
            } catch {
                #expect(error.code == .endedEarly)
                #expect(error.sentence == "nothing was heard; the command's outcome is unknown")
                #expect(error.remedy == .waitLongerForConnection)
                #expect(error.cause == .system(Errno(ETIMEDOUT)))
            }
            await client.finish()
            far.shutdownWrite()
        }
    }

    /// The server has no place for the session, and says so before it was asked for anything.
    @Test func aRefusalWithoutACommand_isTheSessions() async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop)
            let client = RemoteClient(
                PlainStream(near), console: ErraticConsole(Chance(seed: 1, loop: loop)))
            try await PlainStream(far).write(Refusal(.busy, "no place\u{1b}").frame)
            do throws(StreamError) {
                try await client.untilEnded()
                Issue.record("it has not ended")
            } catch {
                #expect(error.code == .commandRefused)
                #expect(error.sentence == "the server refused the session: no place\\u{1b}")
            }
            await client.finish()
            far.shutdownWrite()
        }
    }
}
