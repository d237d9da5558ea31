// The operator of a chat, whom the broker asks on behalf of the network process.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Sockets
internal import System

/// Reads standard input when a line is asked for, and no earlier. Confined to the main loop.
final class OperatorDesk {
    private let loop: EventLoop
    private let reader: LineReader
    private var reading: Task<Void, Never>?
    /// Sends an answer.
    var answer: (LinePost.Result) -> Void = { _ in }

    init(loop: EventLoop) {
        self.loop = loop
        reader = LineReader(loop: loop)
    }

    var isAtTerminal: Bool { reader.isTerminal }

    /// - Returns: false if a line is already being read.
    func ask(limit: Int) -> Bool {
        guard reading == nil else { return false }
        reading = loop.spawn { [unowned self] in
            let result: LinePost.Result
            do throws(StreamError) {
                result = try await reader.next(limit: limit).map { .line($0) } ?? .end
            } catch {
                result = error.code == .cancelled ? .withdrawn : .failed(error.sentence)
            }
            reading = nil
            answer(result)
        }
        return true
    }

    /// The line that was asked for is no longer needed.
    func askNoMore() { reading?.cancel() }
}
