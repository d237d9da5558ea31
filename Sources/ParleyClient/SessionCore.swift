// One session on the library's loop.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// A command to run.
struct CommandRequest: Sendable {
    let words: [String]
    let input: Input
    let timeout: Duration?
}

/// A session's state. Confined to its loop; its tasks hold it until it is closed.
final class SessionCore {
    private let place: String
    private let stream: TLSStream
    private let console: EventConsole
    private let client: RemoteClient<TLSStream>
    /// Why nothing more can be run.
    private var failure: ParleyError?
    /// Between commands: waits for the server's end and answers its pings.
    private var resting: Task<Void, Never>?
    /// Until its outcome is known.
    private var running: (number: Int, task: Task<Void, Never>)?
    private var closing: Task<Void, Never>?
    /// Asked for before the command was sent.
    private var mustCancel = false
    /// The client's own time-out was over.
    private var isOverdue = false

    private var loop: EventLoop { stream.channel.loop }

    init(_ stream: TLSStream, place: String) {
        self.stream = stream
        self.place = place
        console = EventConsole(loop: stream.channel.loop)
        client = RemoteClient(stream, console: console)
        rest()
    }

    /// What a command fails with that was not begun, or is not any more.
    var cancelled: ParleyError { .cancelled("\(place): the command was cancelled") }

    /// Begins a command.
    ///
    /// - Returns: why that is impossible.
    func start(_ number: Int, _ request: CommandRequest) -> ParleyError? {
        if let failure { return failure }
        guard running == nil else {
            return .busy(
                "\(place): another command is running in this session; wait for its end, or open another session"
            )
        }
        do throws(StreamError) { try RemoteRequest.check(request.words) } catch {
            return .invalid("\(place): \(error.sentence)")
        }
        console.begin(number, request.input)
        (mustCancel, isOverdue) = (false, false)
        running = (number, loop.spawn { await self.perform(request) })
        return nil
    }

    /// Has a command's next event delivered.
    func next(
        _ number: Int,
        _ reader: CheckedContinuation<Result<CommandEvent, ParleyError>, Never>
    ) {
        guard console.owner == number else {
            return reader.resume(returning: .failure(failure ?? cancelled))
        }
        console.next(reader)
    }

    /// Ends the running command on the server.
    func cancel() {
        guard running != nil else { return }
        mustCancel = true
        client.cancel()
    }

    /// Nobody waits for a command any more: if it still runs, it ends with the session.
    func abandon(_ number: Int) {
        guard console.owner == number else { return }
        guard running?.number == number else { return console.discard() }
        abort(.cancelled("\(place): the command was cancelled, and the session with it"))
    }

    /// Ends the session without waiting for the server.
    func abort(_ reason: ParleyError) {
        stream.channel.fail(StreamError(.cancelled, "the session was closed"))
        close(reason)
    }

    /// Ends the session, and what runs with it.
    @discardableResult
    func close(_ reason: ParleyError? = nil) -> Task<Void, Never> {
        if let closing { return closing }
        let reason = failure ?? reason ?? .closed("\(place): the session was closed")
        failure = reason
        console.end(.failure(reason))
        console.discard()
        let closing = loop.spawn { [self] in
            resting?.cancel()
            running?.task.cancel()
            await resting?.value
            await running?.task.value
            await client.finish()
            await stream.close()
        }
        self.closing = closing
        return closing
    }

    private func perform(_ request: CommandRequest) async {
        resting?.cancel()
        await resting?.value
        guard failure == nil else { return }
        do throws(StreamError) {
            try client.send(request.words)
            if mustCancel { client.cancel() }
            let timer = request.timeout.map { [unowned self] in
                Timer(after: $0, on: loop) {
                    self.isOverdue = true
                    self.client.cancel()
                }
            }
            let outcome = Outcome(try await client.answer())
            timer?.clearDue()
            running = nil
            guard failure == nil else { return }
            rest()
            console.end(isOverdue ? .failure(overdue(outcome, request.timeout)) : .success(outcome))
        } catch {
            let inputFailure = console.queue?.failure
            running = nil
            close(
                inputFailure.map { .inputFailed("\(place): the input failed: \($0)", $0) }
                    ?? ParleyError(error, at: place))
        }
    }

    private func overdue(_ outcome: Outcome, _ timeout: Duration?) -> ParleyError {
        .commandTimedOut(
            "\(place): the command was cancelled after \(timeout?.words ?? "")",
            CommandResult(outcome))
    }

    private func rest() {
        resting = loop.spawn { [self] in
            do throws(StreamError) {
                try await client.untilEnded()
                close(.sessionRefused("\(place): the server ended the session; connect again"))
            } catch {
                guard error.code != .cancelled else { return }
                close(ParleyError(error, at: place))
            }
        }
    }
}
