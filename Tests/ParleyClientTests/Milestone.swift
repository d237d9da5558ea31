// What one task of a test waits for, and another one does.
// SPDX-License-Identifier: Apache-2.0

/// Something that happens once.
struct Milestone: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func reach() { continuation.finish() }

    /// Waits until it has happened, or the task is cancelled.
    func reached() async { for await _ in stream {} }
}
