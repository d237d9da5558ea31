// Runs a call for a limited time.
// SPDX-License-Identifier: Apache-2.0

/// Runs `body` until it is done or time is up, whichever comes first; if it is too late, it is left
/// to end by itself.
///
/// - Returns: nil if time was up.
package func within<R: Sendable>(
    _ span: Duration, on loop: EventLoop, _ body: @escaping () async -> R
) async -> R? {
    let race = Race<R>(loop: loop)
    race.setDue(loop.now + span)
    loop.spawn {
        let result = await body()
        race.finish(result)
    }
    return await race.outcome()
}

private final class Race<R: Sendable>: EventSource {
    private var waiter: Waiter?
    private var result: R?
    private var isOver = false

    func finish(_ result: R?) {
        guard !isOver else { return }
        isOver = true
        self.result = result
        clearDue()
        waiter?.resume()
    }

    override func expired() { finish(nil) }

    func outcome() async -> R? {
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if isOver || Task.isCancelled { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            bound.execute { $0.finish(nil) }
        }
        return result
    }
}
