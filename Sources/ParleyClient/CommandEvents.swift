// A command as an asynchronous sequence.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A command's output as it comes, and its outcome at last.
///
/// Iterating runs the command. Whoever takes the events slowly slows the program down: at most some 64 KiB wait here.
/// Leaving the loop before ``CommandEvent/ended(_:)``, and cancelling its task, end the command on the server and close
/// the session.
public struct CommandEvents: AsyncSequence, Sendable {
    /// What is iterated over.
    public typealias Element = CommandEvent
    /// What iterating throws.
    public typealias Failure = ParleyError

    let hold: SessionHold
    let request: CommandRequest

    /// An iterator, whose first event begins the command.
    public func makeAsyncIterator() -> Iterator { Iterator(hold: hold, request: request) }

    /// Iterates over one run of the command.
    public struct Iterator: AsyncIteratorProtocol {
        let hold: SessionHold
        let request: CommandRequest
        private var run: CommandRun?
        private var isOver = false

        init(hold: SessionHold, request: CommandRequest) {
            self.hold = hold
            self.request = request
        }

        /// The next event; nil after ``CommandEvent/ended(_:)``.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(ParleyError) -> CommandEvent? {
            guard !isOver else { return nil }
            let first = run == nil ? request : nil
            let run = run ?? CommandRun(hold)
            self.run = run
            let result = await run.next(starting: first)
            switch result {
            case .success(.ended), .failure: isOver = true
            case .success: break
            }
            return try result.get()
        }
    }
}

/// A run that ends when nobody waits for it any more.
final class CommandRun: Sendable {
    private let hold: SessionHold
    private let number: Int
    /// The task was cancelled, possibly before the command began.
    private let isCancelled = Atomic(false)

    init(_ hold: SessionHold) {
        self.hold = hold
        number = hold.number()
    }

    deinit {
        hold.execute { [number] in $0.abandon(number) }
    }

    /// - Parameter request: for the first event.
    func next(
        starting request: CommandRequest?, isolation actor: isolated (any Actor)? = #isolation
    ) async -> Result<CommandEvent, ParleyError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                hold.execute { [self] core in
                    let error = request.flatMap { request in
                        isCancelled.load(ordering: .relaxed)
                            ? core.cancelled : core.start(number, request)
                    }
                    if let error {
                        reader.resume(returning: .failure(error))
                    } else {
                        core.next(number, reader)
                    }
                }
            }
        } onCancel: {
            isCancelled.store(true, ordering: .relaxed)
            hold.execute { [number] in $0.abandon(number) }
        }
    }
}
