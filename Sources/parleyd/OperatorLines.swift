// The lines of a chat's operator, as the network process gets them.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Sockets
internal import System

/// Asks the broker, which alone has standard input, for a line at a time. Confined to its loop.
final class OperatorLines: LineSource {
    let isTerminal: Bool
    private let loop: EventLoop
    private let send: (PacketWriter) -> Void
    /// A line is asked for, which may not be needed any more.
    private var isAsking = false
    /// The answer, until somebody takes it: what was typed isn't lost with the session that asked for it.
    private var answer: LinePost.Result?
    private var waiter: CheckedContinuation<Void, Never>?

    /// - Parameter send: sends a post to the broker.
    init(isTerminal: Bool, loop: EventLoop, send: @escaping (PacketWriter) -> Void) {
        self.isTerminal = isTerminal
        self.loop = loop
        self.send = send
    }

    func next(limit: Int) async throws(StreamError) -> [UInt8]? {
        while true {
            switch answer.take() {
            case .line(let line)?: return line
            case .end?: return nil
            case .failed(let sentence)?: throw StreamError(.system, sentence)
            case .withdrawn?, nil: break
            }
            if !isAsking {
                isAsking = true
                send(AskPost(limit: limit).packet)
            }
            await wait()
            if Task.isCancelled {
                if isAsking { send(AskNoMorePost().packet) }
                throw StreamError(.cancelled, "the prompt was cancelled")
            }
        }
    }

    /// The broker has answered.
    func take(_ post: LinePost) {
        isAsking = false
        answer = post.result
        wake()
    }

    /// The broker keeps what was not asked for.
    func takeAhead() -> [UInt8] { [] }
    func giveBack(_ bytes: [UInt8]) {}

    private func wait() async {
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if Task.isCancelled || !isAsking { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            bound.execute { $0.wake() }
        }
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }
}
