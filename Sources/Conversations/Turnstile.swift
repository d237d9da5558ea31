// Lets one session through at a time.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

/// A queue before something that only one session can have, such as an operator. Confined to its
/// loop; first come, first served.
public final class Turnstile {
    private let loop: EventLoop
    private var isTaken = false
    private var queue: [(number: Int, waiter: Waiter)] = []
    private var last = 0

    public init(loop: EventLoop) { self.loop = loop }

    /// Waits for its turn; `leave()` must follow.
    ///
    /// - Throws: `cancelled`, without having a turn then.
    public func enter() async throws(StreamError) {
        guard isTaken else {
            isTaken = true
            return
        }
        last += 1
        let number = last
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if Task.isCancelled { waiter.resume() } else { queue.append((number, waiter)) }
            }
        } onCancel: {
            bound.execute { $0.giveUp(number) }
        }
        guard Task.isCancelled else { return }
        // Cancelled after the turn had come: pass it on.
        if granted.remove(number) != nil { leave() }
        throw StreamError(.cancelled, "the wait for a turn was cancelled")
    }

    private func giveUp(_ number: Int) {
        guard let index = queue.firstIndex(where: { $0.number == number }) else { return }
        queue.remove(at: index).waiter.resume()
    }

    /// Waits for its turn while the stream's peer is connected; what the peer sends meanwhile is
    /// kept for the first read.
    ///
    /// - Throws: `endedEarly` if the peer ends first, or what its stream throws; `cancelled`. The
    ///   turn is not taken then.
    public func enter(while stream: some ByteStream) async throws(StreamError) {
        let bound = LoopBound((turnstile: self, stream: stream), to: loop)
        let outcome: Result<Void, StreamError> = await withTaskGroup(of: Event.self) { group in
            group.addTask {
                do throws(StreamError) {
                    return .turn(.success(try await bound.value.turnstile.enter()))
                } catch {
                    return .turn(.failure(error))
                }
            }
            group.addTask {
                do throws(StreamError) {
                    return .peer(.success(try await bound.value.stream.untilReadable()))
                } catch {
                    return .peer(.failure(error))
                }
            }
            var ended: StreamError?
            while let event = await group.next() {
                switch event {
                case .turn(.success):
                    group.cancelAll()
                    if ended == nil { return .success(()) }
                    // It came too late.
                    self.leave()
                case .turn(.failure(let error)):
                    group.cancelAll()
                    return .failure(ended ?? error)
                case .peer(.success(true)): continue
                case .peer(.success(false)):
                    ended =
                        ended ?? StreamError(.endedEarly, "the client left before its turn came")
                    group.cancelAll()
                case .peer(.failure(let error)):
                    ended = ended ?? error
                    group.cancelAll()
                }
            }
            return .failure(ended ?? StreamError(.cancelled, "the wait for a turn was cancelled"))
        }
        try outcome.get()
    }

    private enum Event: Sendable {
        case turn(Result<Void, StreamError>)
        case peer(Result<Bool, StreamError>)
    }

    /// Passes the turn on.
    public func leave() {
        granted.removeAll()
        guard !queue.isEmpty else {
            isTaken = false
            return
        }
        let next = queue.removeFirst()
        granted.insert(next.number)
        next.waiter.resume()
    }

    private var granted: Set<Int> = []
}
