// The questions of a loop, of which those that are asked at the same time travel together.
// SPDX-License-Identifier: Apache-2.0
package import Sockets
internal import System

/// Asks on a channel for one loop, and waits for the answers. A question costs two switches between processes, whether
/// or not they share a core; so before the loop's thread is blocked by one, the loop's other tasks may run on top of
/// the one that asks, and what they ask leaves with it. Confined to its loop.
package final class CallQueue {
    private let channel: CallChannel
    private let loop: EventLoop
    private let patience: Duration
    /// Those that were not sent yet, in the order in which they were asked.
    private var waiting: [Question] = []
    /// Of what they take in a message, in bytes.
    private var size = 0
    /// When the first of them was asked.
    private var since = Moment.never
    /// How many tasks have let others run and are not done with that.
    private var depth = 0

    private final class Question {
        let packet: PacketWriter
        var answer: Result<[UInt8], PacketError>?
        init(_ packet: PacketWriter) { self.packet = packet }
    }

    /// - Parameters:
    ///   - channel: nobody else may ask on it.
    ///   - patience: how long others may run before a question leaves, while new ones become ready all the time.
    package init(_ channel: CallChannel, loop: EventLoop, patience: Duration) {
        self.channel = channel
        self.loop = loop
        self.patience = patience
    }

    /// Asks, and waits for the answer.
    ///
    /// - Parameter lettingOthersRun: whether the loop's other tasks may run first, as far as they are ready. To whoever
    ///   asks, it looks as if they had run before.
    /// - Throws: as `CallChannel.call` does; `malformed` if the answer doesn't belong to this question.
    package func ask<C: Call>(
        _ call: C, lettingOthersRun: Bool = false
    ) throws(PacketError) -> C.Answer {
        let question = Question(call.packet)
        let room = Bundle.room(question.packet)
        if size + room > CallLimit.bundle { send() }
        if waiting.isEmpty { since = Moment.now }
        waiting.append(question)
        size += room
        if lettingOthersRun, depth < CallLimit.together {
            depth += 1
            loop.runOthers {
                question.answer == nil && waiting.count < CallLimit.together
                    && Moment.now - since < patience
            }
            depth -= 1
        }
        if question.answer == nil { send() }
        guard let answer = question.answer else { preconditionFailure("a question was not sent") }
        return try C.answer(reading: answer.get())
    }

    private func send() {
        let questions = waiting
        (waiting, size) = ([], 0)
        do throws(PacketError) {
            let answers = try channel.call(questions.map(\.packet), limit: CallLimit.answer)
            for (question, answer) in zip(questions, answers) { question.answer = .success(answer) }
        } catch {
            for question in questions { question.answer = .failure(error) }
        }
    }
}
