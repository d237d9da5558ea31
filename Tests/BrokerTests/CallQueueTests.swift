// Questions of one loop's tasks that travel together.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct CallQueueTests {
    /// Each task gets the answer to its own question, and is itself afterwards.
    @Test(arguments: [(1, [1]), (3, [3]), (8, [8]), (20, [8, 8, 4])])
    func questionsOfATurn_leaveTogether(count: Int, messages: [Int]) async throws {
        let (a, b) = try pair()
        let answering = Background { answerAll(b) }
        try await onLoop { loop in
            let queue = try queue(a, loop)
            let tasks = (1...count).map { number in
                loop.meanwhile {
                    let before = unsafe withUnsafeCurrentTask { unsafe $0?.hashValue }
                    #expect(try ask(queue, number) == number)
                    #expect(unsafe withUnsafeCurrentTask { unsafe $0?.hashValue } == before)
                    await loop.nextTurn()
                    #expect(loop.isCurrent)
                    #expect(unsafe withUnsafeCurrentTask { unsafe $0?.hashValue } == before)
                    return try ask(queue, number + 100)
                }
            }
            for (index, task) in tasks.enumerated() {
                #expect(try await task.value == index + 101)
            }
        }
        let numbers = try await answering.value()
        #expect(numbers.prefix(messages.count).map(\.count) == messages)
        #expect(numbers.flatMap(\.self).sorted() == Array(1...count) + Array(101...100 + count))
    }

    @Test func questionThatLetsNobodyRun_leavesAtOnce_withThoseThatWait() async throws {
        let (a, b) = try pair()
        let answering = Background { answerAll(b) }
        try await onLoop { loop in
            let queue = try queue(a, loop)
            let tasks = [true, true, false, true].enumerated().map { number, lets in
                loop.meanwhile { try ask(queue, number + 1, lettingOthersRun: lets) }
            }
            for (index, task) in tasks.enumerated() {
                #expect(try await task.value == index + 1)
            }
        }
        #expect(try await answering.value() == [[1, 2, 3], [4]])
    }

    @Test func questionThatHasWaited_leavesWithoutOthers() async throws {
        let (a, b) = try pair()
        let answering = Background { answerAll(b) }
        try await onLoop { loop in
            let queue = try queue(a, loop, patience: .zero)
            let tasks = (1...3).map { number in loop.meanwhile { try ask(queue, number) } }
            for task in tasks { _ = try await task.value }
        }
        #expect(try await answering.value() == [[1], [2], [3]])
    }

    /// A task that asks twice in a turn doesn't let the stack grow with each of them.
    @Test func tasksOnTopOfOneAnother_haveABound() async throws {
        let (a, b) = try pair()
        let answering = Background { answerAll(b) }
        let deepest = try await onLoop { loop in
            let queue = try queue(a, loop)
            let depth = Depth()
            let tasks = (1...40).map { number in
                loop.meanwhile {
                    depth.enter()
                    defer { depth.leave() }
                    _ = try ask(queue, number, lettingOthersRun: false)
                    _ = try ask(queue, number + 100)
                }
            }
            for task in tasks { try await task.value }
            return depth.deepest
        }
        #expect(deepest > 1 && deepest <= CallLimit.together + 1)
        #expect(try await answering.value().flatMap(\.self).count == 80)
    }

    private final class Depth {
        private var now = 0
        private(set) var deepest = 0
        func enter() {
            now += 1
            deepest = max(deepest, now)
        }
        func leave() { now -= 1 }
    }

    /// They are as long as a handshake's messages may be.
    @Test func questionsThatFitNoPacket_leaveAlone() async throws {
        let (a, b) = try pair()
        let answering = Background { () -> Int in
            let server = CallServer(owning: Descriptor(owning: b), limit: CallLimit.question)
            var count = 0
            try? server.serve { question in
                guard question.count > 100_000 else { return nil }
                count += 1
                return ChainCall.answer(.accepted(seconds: UInt32(count)))
            }
            return count
        }
        try await onLoop { loop in
            let queue = try queue(a, loop)
            let tasks = (0..<3).map { _ in
                loop.meanwhile {
                    let long = SignatureCall(
                        handle: 1, key: 0, nonce: nil, scheme: 1, messages: bytes(160_000))
                    _ = try? queue.ask(long, lettingOthersRun: true)
                }
            }
            for task in tasks { try await task.value }
        }
        #expect(try await answering.value() > 0)
    }

    // MARK: Failures

    @Test func channelThatEnds_failsAllThatWait() async throws {
        let (a, b) = try pair()
        close(b)
        try await onLoop { loop in
            let queue = try queue(a, loop)
            let tasks = (1...5).map { number in
                loop.meanwhile {
                    let code = failureCode { () throws(PacketError) in
                        _ = try ask(queue, number)
                    }
                    await loop.nextTurn()
                    return code
                }
            }
            for task in tasks { #expect(try await task.value == .endedEarly) }
        }
    }

    @Test(
        arguments: [
            [7], [255], [255, 0, 0, 0, 1, 6],
            [255] + [0, 0, 0, 1, 6, 0, 0, 0, 1, 6, 0, 0, 0, 1, 6],
            [255, 0, 0, 0, 1, 6, 0, 0, 0, 1, 255], [255, 0, 0, 0, 1, 6, 0, 0, 0],
        ] as [[UInt8]])
    func answersThatAreNone_failAllThatWait_andEndTheChannel(answers: [UInt8]) async throws {
        let (a, b) = try pair()
        #expect(sendRaw(b, packet(answers.count, 0, answers)))
        try await onLoop { loop in
            let queue = try queue(a, loop)
            let tasks = (1...2).map { number in
                loop.meanwhile {
                    failureCode { () throws(PacketError) in _ = try ask(queue, number) }
                }
            }
            for task in tasks { #expect(try await task.value == .malformed) }
            #expect(
                failureCode { () throws(PacketError) in _ = try ask(queue, 3) } == .malformed)
        }
        #expect(receiveRaw(b)?.isEmpty == false)
        #expect(receiveRaw(b) == [])
        close(b)
    }
}

private func queue(
    _ end: Int32, _ loop: EventLoop, patience: Duration = .seconds(20)
) throws -> CallQueue {
    CallQueue(
        try CallChannel(owning: Descriptor(owning: end), time: .seconds(20)), loop: loop,
        patience: patience)
}

/// A question with a number, which is its answer.
private func ask(
    _ queue: CallQueue, _ number: Int, lettingOthersRun: Bool = true
) throws(PacketError) -> Int {
    let question = StandingCall(handle: Handle(number))
    switch try queue.ask(question, lettingOthersRun: lettingOthersRun) {
    case .accepted(let seconds): return Int(seconds)
    case .objection: return 0
    }
}

/// Answers until the other end is closed.
///
/// - Returns: the numbers that came, by message.
private func answerAll(_ end: Int32) -> [[Int]] {
    let descriptor = Descriptor(owning: end)
    var room = bytes(Piece.maxBytes)
    var messages: [[Int]] = []
    while true {
        let count = unsafe recv(descriptor.number, &room, room.count, 0)
        guard count > Piece.headLength else { return messages }
        let message = Array(room[Piece.headLength..<count])
        var numbers: [Int] = []
        var answers = Bundle(longest: .max)
        do throws(PacketError) {
            var questions: [[UInt8]] = []
            if var bundle = try OpenedBundle(message) {
                while let one = try bundle.next() { questions.append(one) }
            } else {
                questions = [message]
            }
            for question in questions {
                var reader = try PacketReader(question)
                let number = try StandingCall(whole: &reader).handle
                numbers.append(Int(number))
                answers.add(StandingCall.answer(.accepted(seconds: number)))
            }
        } catch {
            return messages
        }
        messages.append(numbers)
        guard let all = answers.take(),
            sendRaw(descriptor.number, packet(all.bytes.count, 0, all.bytes))
        else { return messages }
    }
}
