// Lets one session through at a time.
// SPDX-License-Identifier: Apache-2.0

/// A queue before something that only one session can have, such as an operator. Confined to its
/// loop; first come, first served.
public final class Turnstile: @unchecked Sendable {
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
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if Task.isCancelled { waiter.resume() } else { queue.append((number, waiter)) }
            }
        } onCancel: {
            loop.execute {
                guard let index = self.queue.firstIndex(where: { $0.number == number }) else {
                    return
                }
                self.queue.remove(at: index).waiter.resume()
            }
        }
        guard Task.isCancelled else { return }
        // Cancelled after the turn had come: it is passed on.
        if granted.remove(number) != nil { leave() }
        throw StreamError(.cancelled, "the wait for a turn was cancelled")
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
