// Whom a record calls.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Records

@Suite struct AuditQueueTests {
    private static func entry(_ kind: AuditEntry.Kind) -> AuditEntry {
        AuditEntry(JSONLine(), kind, isDurable: false)
    }

    private static var start: AuditEntry {
        entry(.start(StartRecord(), settled: { _ in }))
    }

    /// The test is the thread that takes its records.
    private static func queue() throws -> AuditQueue {
        let queue = try AuditQueue(AuditLimits())
        queue.add(try OpenedFile(.file("/dev/null")))
        _ = queue.takeFirst()
        return queue
    }

    /// Whether it is called, which takes as long as is waited for where it isn't.
    private static func isCalled(_ queue: AuditQueue, within time: Duration) -> Bool {
        let end = Moment.now + time
        queue.bell.wait(until: end)
        return Moment.now < end
    }

    /// A thread that has just written looks again by itself, so that each program costs one call, and not two.
    @Test func whatNobodyWaitsFor_callsNobodyWhoLooksAgainSoon() throws {
        let queue = try Self.queue()
        let past = Moment(nanoseconds: 0)
        #expect(queue.add(Self.start))
        #expect(queue.take(until: past)?.count == 1)
        // It rests for a moment.
        #expect(queue.take(until: past)?.count == 0)
        #expect(queue.add(Self.entry(.end(nil))))
        #expect(queue.add(Self.entry(.frequent)))
        #expect(queue.add(Self.entry(.own)))
        #expect(!Self.isCalled(queue, within: .milliseconds(50)))
        #expect(queue.add(Self.start))
        #expect(Self.isCalled(queue, within: .seconds(30)))
        #expect(queue.take(until: past)?.count == 4)
    }

    /// Else it would be written when somebody else comes.
    @Test func whoRestsForLong_isCalledByEveryRecord() throws {
        for kind in [AuditEntry.Kind.frequent, .own, .end(nil)] {
            let queue = try Self.queue()
            let past = Moment(nanoseconds: 0)
            for _ in 1...2 { #expect(queue.take(until: past)?.count == 0) }
            #expect(queue.add(Self.entry(kind)))
            #expect(Self.isCalled(queue, within: .seconds(30)))
        }
    }

    @Test func whatCameInAShortRest_isTakenAtItsEnd() throws {
        let queue = try Self.queue()
        #expect(queue.take(until: Moment(nanoseconds: 0))?.count == 0)
        #expect(queue.add(Self.entry(.end(nil))))
        #expect(queue.take(until: Moment.now + .seconds(30))?.count == 1)
    }

    /// The rest is short, and there is no end of it by a call.
    @Test func aShortRest_endsByItself() throws {
        let queue = try Self.queue()
        try startDetachedThread {
            // Its rest began before this.
            usleep(1_000)
            _ = queue.add(Self.entry(.end(nil)))
        }
        let began = Moment.now
        #expect(queue.take(until: began + .seconds(60))?.count == 1)
        #expect(Moment.now - began < .seconds(30))
    }
}
