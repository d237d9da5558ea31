// Whether the tests' helpers end what hangs, and tell what failed.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets

@Suite(.timeLimit(.minutes(1)))
struct HelperTests {
    @Test func onLoop_ends_whereItsBodyHangs() async {
        await #expect(throws: TookTooLong.self) {
            try await onLoop(within: .milliseconds(50)) { loop in
                await Bell().wait()
                withExtendedLifetime(loop) {}
            }
        }
    }

    @Test func onLoop_ends_whereItsThreadHangs() async {
        let gate = Gate()
        await #expect(throws: TookTooLong.self) {
            try await onLoop(within: .milliseconds(50)) { _ in gate.wait() }
        }
        gate.open()
    }

    @Test func onLoop_hasWhatItsBodyCameTo() async throws {
        #expect(try await onLoop { _ in 7 } == 7)
        await #expect(throws: DidNotHappen.self) {
            try await onLoop { _ in
                try await eventually("never", within: .milliseconds(20)) { false }
            }
        }
    }

    @Test func failureCode_isThatOfTheFailure_andNilWithoutOne() async {
        let failing = { () throws(StreamError) in throw StreamError(.reset, "it broke") }
        let passing = { () throws(StreamError) in 7 }
        #expect(failureCode(failing) == .reset)
        #expect(failureCode(passing) == nil)
        #expect(await failureCode { () async throws(StreamError) in try failing() } == .reset)
        #expect(await failureCode { () async throws(StreamError) in try passing() } == nil)
    }
}

/// Holds a thread up until it is opened.
private final class Gate: Sendable {
    private let reader, writer: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        (reader, writer) = (ends[0], ends[1])
    }

    func wait() {
        var byte: UInt8 = 0
        _ = unsafe read(reader, &byte, 1)
        close(reader)
    }

    func open() { close(writer) }
}
