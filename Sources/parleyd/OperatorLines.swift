// The lines of a chat's operator, as they reach the network process.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Sockets
internal import System

/// Asks the broker, the only one that has standard input, for one line at a time. Confined to its
/// loop.
final class OperatorLines: LineSource {
    let isTerminal: Bool
    private let loop: EventLoop
    private let send: (PacketWriter) -> Void
    private let lost: () -> Void
    private var asking = Asking.no
    /// The answer, until the session that asked takes it.
    private var answer: LinePost.Result?
    private var waiter: CheckedContinuation<Void, Never>?

    private enum Asking {
        case no
        case yes
        /// The session that asked is gone: nobody else gets the answer.
        case inVain
    }

    /// - Parameters:
    ///   - send: sends a post to the broker.
    ///   - lost: called if a line was typed for a client that was gone by then.
    init(
        isTerminal: Bool, loop: EventLoop, send: @escaping (PacketWriter) -> Void,
        lost: @escaping () -> Void
    ) {
        self.isTerminal = isTerminal
        self.loop = loop
        self.send = send
        self.lost = lost
    }

    func next(limit: Int) async throws(StreamError) -> [UInt8]? {
        while true {
            switch answer.take() {
            case .line(let line)?: return line
            case .end?: return nil
            case .failed(let sentence)?: throw StreamError(.system, sentence)
            case .withdrawn?, nil: break
            }
            if asking == .no {
                asking = .yes
                send(AskPost(limit: limit).packet)
            }
            await wait()
            if Task.isCancelled {
                leave()
                throw StreamError(.cancelled, "the prompt was cancelled")
            }
        }
    }

    /// The broker has answered.
    func take(_ post: LinePost) {
        if asking == .inVain {
            if case .line = post.result { lost() }
        } else {
            answer = post.result
        }
        asking = .no
        wake()
    }

    /// The session that asked is gone: what was typed for it goes to nobody else.
    private func leave() {
        if case .line = answer.take() { lost() }
        guard asking == .yes else { return }
        asking = .inVain
        send(AskNoMorePost().packet)
    }

    /// The broker keeps what was not asked for.
    func takeAhead() -> [UInt8] { [] }
    func giveBack(_ bytes: [UInt8]) {}

    private func wait() async {
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if Task.isCancelled || asking == .no {
                    waiter.resume()
                } else {
                    self.waiter = waiter
                }
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
