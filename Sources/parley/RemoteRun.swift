// `parley run`: one remote command, a batch of them, or an interactive session.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Remote
internal import Sockets
internal import System

/// Runs remote commands over a stream. Confined to its loop.
final class RemoteRun<Stream: ByteStream> {
    /// parley's exit status.
    private(set) var status: Int32 = 0

    private let options: RunOptions
    private let console: RemoteTerminal
    private let client: RemoteClient<Stream>
    private let report: Report
    private let log: Log
    private let loop: EventLoop
    /// A command is running, and a first interrupt ends it.
    private var isWaiting = false
    private var isInterrupted = false
    private var hasTimedOut = false
    /// How many lines of the batch were read.
    private var lines = 0

    init(_ options: RunOptions, _ stream: Stream, console: RemoteTerminal, report: Report, log: Log)
    {
        self.options = options
        self.console = console
        self.report = report
        self.log = log
        loop = stream.channel.loop
        client = RemoteClient(stream, console: console)
    }

    func run() async throws(StreamError) {
        let result: Result<Void, StreamError>
        do throws(StreamError) {
            if let command = options.command {
                try await runOne(command)
            } else if options.isBatch {
                try await runBatch()
            } else {
                try await runInteractive()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await client.finish()
        try result.get()
    }

    /// Ctrl-C: ends the running command.
    ///
    /// At the prompt, clears the line.
    ///
    /// - Returns: false if there is none, or it was already asked to end.
    func interrupt() -> Bool {
        guard isWaiting else {
            return options.isConversational && console.transcript.interrupt()
        }
        guard !isInterrupted else { return false }
        isInterrupted = true
        client.cancel()
        return true
    }

    /// The time of `--timeout` is over: ends the running command, or all that are left of a batch.
    ///
    /// - Returns: false if no command is running.
    func timeOut() -> Bool {
        hasTimedOut = true
        guard isWaiting else { return false }
        client.cancel()
        return true
    }

    private func runOne(_ command: [String]) async throws(StreamError) {
        try client.send(command)
        status = try await answer(command).exitStatus
        if isInterrupted { status = Self.interrupted }
        if hasTimedOut { status = ExitStatus.cutShort }
    }

    private func runInteractive() async throws(StreamError) {
        if console.transcript.isEditing { try await learnWords() }
        while let line = try await nextLine() {
            isInterrupted = false
            do throws(StreamError) {
                guard let words = try parse(line) else { continue }
                switch LocalWord(words) {
                case .leave: return
                case .command(let command):
                    try client.send(command)
                    _ = try await answer(command)
                    if command == ["help"], !options.isJSON {
                        console.transcript.print(LocalWord.help)
                    }
                }
            } catch {
                guard error.code == .commandRefused else { throw error }
                log.writeFailure(options.server.named(error.told))
            }
        }
    }

    /// Learns what the Tab key completes and which lines are secret.
    private func learnWords() async throws(StreamError) {
        try client.send(["help"])
        console.collect()
        let outcome = try await client.answer()
        let help = String(decoding: console.collected(), as: UTF8.self)
        if case .refused(let refusal) = outcome, !options.isJSON {
            log.writeFailure(options.server.named("help: refused: \(refusal.sentence)"))
        }
        guard outcome.exitStatus == 0 else { return }
        let offered = OfferedCommand.all(in: help)
        console.words.set(
            offered.map(\.name), secret: Set(offered.filter(\.hasSecret).map(\.name)))
    }

    /// - Returns: nil at the end of input, and if the server ended the session properly.
    private func nextLine() async throws(StreamError) -> [UInt8]? {
        do throws(StreamError) {
            return try await ask("\(printable(options.server.name))> ")
        } catch {
            guard error.code == .endedEarly else { throw error }
            log.write(options.server.named("the server ended the session"))
            return nil
        }
    }

    /// Asks for a line, while the session is kept alive.
    private func ask(_ prompt: String) async throws(StreamError) -> [UInt8]? {
        try await console.transcript.ask(prompt, on: loop) {
            [client] () async throws(StreamError) in
            try await client.untilEnded()
            return false
        }
    }

    private func answer(_ command: [String]) async throws(StreamError) -> Outcome {
        isWaiting = true
        defer { isWaiting = false }
        console.begin { [client] in client.inputSent }
        let startedAt = loop.now
        let outcome = try await client.answer()
        console.end()
        await console.drained()
        report.tell(
            outcome, of: command, console,
            status: isInterrupted && options.command != nil
                ? Self.interrupted : hasTimedOut ? ExitStatus.cutShort : outcome.exitStatus,
            bytesIn: client.inputSent, duration: loop.now - startedAt)
        return outcome
    }

    /// - Returns: nil for an empty line and a comment.
    /// - Throws: `commandRefused`.
    private func parse(_ line: [UInt8]) throws(StreamError) -> [String]? {
        guard line.count <= RemoteTerminal.longestLine else {
            throw StreamError(
                .commandRefused,
                "a command line can have at most \(RemoteTerminal.longestLine) bytes, so this one was not sent"
            )
        }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw StreamError(
                .commandRefused, "a command must be UTF-8 text, so this one was not sent")
        }
        guard let first = text.unicodeScalars.first(where: { $0 != " " && $0 != "\t" }),
            first != "#"
        else { return nil }
        do throws(UsageError) {
            return try words(of: text)
        } catch {
            throw StreamError(.commandRefused, "\(error), so it was not sent")
        }
    }

    // MARK: A batch

    /// Lines that are available are pipelined while earlier commands run; their results come in
    /// order.
    private func runBatch() async throws(StreamError) {
        var sent: [[String]] = []
        var failure: StreamError?
        /// The outcome, if exactly one command was answered.
        var only: Outcome?
        var answered = 0
        while true {
            while !isInterrupted, !hasTimedOut, failure == nil,
                client.bytesUnanswered < RemoteRequest.bytesAhead / 2,
                let line = console.lineAtHand()
            {
                do throws(StreamError) {
                    if let command = try sendNext(line) { sent.append(command) }
                } catch {
                    failure = error
                }
            }
            if sent.isEmpty {
                if let failure { throw failure }
                guard !isInterrupted, !hasTimedOut, !console.isAtEnd,
                    let line = try await nextOfBatch(isFirst: answered == 0)
                else { break }
                if let command = try sendNext(line) { sent.append(command) }
            } else {
                let one = try await next(of: &sent, after: only)
                answered += 1
                only = answered == 1 ? one : nil
                if status == 0 { status = one.exitStatus }
            }
        }
        if isInterrupted { status = Self.interrupted }
        if hasTimedOut { status = ExitStatus.cutShort }
    }

    /// Waits for a line of the batch.
    ///
    /// - Parameter isFirst: no command was answered before, so none was run if the server refuses the session.
    private func nextOfBatch(isFirst: Bool) async throws(StreamError) -> [UInt8]? {
        do throws(StreamError) {
            return try await ask("")
        } catch {
            guard isFirst, error.code == .commandRefused else { throw error }
            throw error.saying("\(error.sentence); nothing of the batch was run")
        }
    }

    /// The outcome of the oldest command that was sent.
    ///
    /// - Parameter only: the only outcome before it, if there was exactly one.
    /// - Throws: `commandRefused` if that was the session's refusal.
    private func next(
        of sent: inout [[String]], after only: Outcome?
    ) async throws(StreamError) -> Outcome {
        do throws(StreamError) {
            return try await answer(sent.removeFirst())
        } catch {
            guard error.code == .endedEarly, case .refused(let refusal)? = only,
                refusal.code == .busy
            else { throw error }
            throw error.saying(
                "the server refused the session, so nothing of the batch was run",
                as: .commandRefused)
        }
    }

    /// - Returns: nil for an empty line and a comment.
    /// - Throws: `commandRefused` for an invalid command: nobody can be asked again, and the rest may
    ///   depend on it.
    private func sendNext(_ line: [UInt8]) throws(StreamError) -> [String]? {
        lines += 1
        do throws(StreamError) {
            return try send(line)
        } catch {
            throw error.saying("line \(lines): \(error.sentence); the batch stopped before it")
        }
    }

    private func send(_ line: [UInt8]) throws(StreamError) -> [String]? {
        guard let command = try parse(line) else { return nil }
        try client.send(command)
        return command
    }

    /// The exit status after Ctrl-C, as in a shell.
    private static var interrupted: Int32 { 128 + SIGINT }
}
