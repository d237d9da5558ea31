// Writes the metrics file, so that the main loop waits for no disk.
// SPDX-License-Identifier: Apache-2.0
internal import Records
internal import Synchronization
internal import System

/// Writes each version of the metrics on a thread of its own. A version that is still waiting when the next one comes is
/// left out. Safe on any thread.
final class MetricsFile: Sendable {
    /// What the log is told.
    enum News: Sendable {
        /// It can't be written, and could be before; it is tried again with each version.
        case fails(FileError)
        /// It is written again.
        case works
    }

    private struct Order {
        /// The latest version that isn't written yet.
        var next: (metrics: Metrics, state: ServerState)?
        var isLast = false
        var isOver = false
    }

    private let order = Mutex(Order())
    /// Where the thread waits.
    private let bell: Doorbell
    /// Rung when the thread ends.
    private let over: Doorbell

    /// - Parameter told: called on the thread.
    /// - Throws: if there can be no thread.
    init(_ path: String, told: @escaping @Sendable (News) -> Void) throws(Errno) {
        bell = try Doorbell()
        over = try Doorbell()
        try startDetachedThread { [self] in run(path, told) }
    }

    /// Has a version written.
    func write(_ metrics: Metrics, _ state: ServerState) {
        order.withLock { $0.next = (metrics, state) }
        bell.ring()
    }

    /// Has the last version written, and waits for that.
    func finish(_ metrics: Metrics, _ state: ServerState, within patience: Duration) {
        order.withLock {
            $0.next = (metrics, state)
            $0.isLast = true
        }
        bell.ring()
        let end = Moment.now + patience
        while order.withLock({ !$0.isOver }), Moment.now < end { over.wait(until: end) }
    }

    private func run(_ path: String, _ told: @Sendable (News) -> Void) {
        var file = FileReplacement(path, beginning: Metrics.beginning)
        var hasFailed = false
        while true {
            let (next, isLast) = order.withLock { order in
                defer { order.next = nil }
                return (order.next, order.isLast)
            }
            if let next {
                do throws(FileError) {
                    try file.write(next.metrics.text(next.state))
                    if hasFailed { told(.works) }
                    hasFailed = false
                } catch {
                    if !hasFailed { told(.fails(error)) }
                    hasFailed = true
                }
            }
            if isLast { break }
            if next == nil { bell.wait() }
        }
        order.withLock { $0.isOver = true }
        over.ring()
    }
}
