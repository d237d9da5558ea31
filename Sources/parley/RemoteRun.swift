// `parley run`: one remote command, a batch of them, or an interactive session.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Sessions
internal import Sockets

/// What `run` was told beside the options of every protocol.
struct RunOptions {
    /// The command and its arguments; nil for an interactive session or a batch.
    let command: [String]?
    let isBatch: Bool
    let isJSON: Bool

    /// Whether somebody types commands.
    var isConversational: Bool { command == nil && !isBatch }
}

/// Runs remote commands over a stream. Confined to its loop.
final class RemoteRun<Stream: ByteStream>: @unchecked Sendable {
    /// What parley ends with.
    private(set) var status: Int32 = 0

    private let options: RunOptions
    private let stream: Stream
    private let console: RemoteTerminal
    private let client: RemoteClient<Stream>
    private let report: Report
    private let log: Log
    private let loop: EventLoop
    /// A command is under way, which a first interrupt ends.
    private var isWaiting = false
    private var isInterrupted = false

    init(_ options: RunOptions, _ stream: Stream, console: RemoteTerminal, report: Report, log: Log)
    {
        self.options = options
        self.stream = stream
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

    /// Ctrl-C: ends the command that runs.
    ///
    /// - Returns: false where there is none, or it was asked to end already.
    func interrupt() -> Bool {
        guard isWaiting, !isInterrupted else { return false }
        isInterrupted = true
        client.cancel()
        return true
    }

    private func runOne(_ command: [String]) async throws(StreamError) {
        try client.send(command)
        status = try await answer(command).exitStatus
        if isInterrupted { status = 128 + 2 }
    }

    private func runInteractive() async throws(StreamError) {
        while let line = try await nextLine() {
            guard let command = parse(line) else { continue }
            do throws(StreamError) {
                try client.send(command)
            } catch {
                log.write(error.description)
                continue
            }
            isInterrupted = false
            _ = try await answer(command)
        }
    }

    /// - Returns: nil at the end of input, and where the server has ended the session in order.
    private func nextLine() async throws(StreamError) -> [UInt8]? {
        do throws(StreamError) {
            return try await console.transcript.ask("parley> ", on: stream)
        } catch {
            guard error.code == .endedEarly else { throw error }
            log.write("the server has ended the session")
            return nil
        }
    }

    private func answer(_ command: [String]) async throws(StreamError) -> Outcome {
        isWaiting = true
        defer { isWaiting = false }
        console.begin()
        let startedAt = loop.now
        let outcome = try await client.answer()
        await console.drained()
        report.tell(
            outcome, of: command, console, bytesIn: client.inputSent,
            nanoseconds: loop.now &- startedAt)
        return outcome
    }

    /// - Returns: nil for an empty line, a comment, and what is no command, which is told.
    private func parse(_ line: [UInt8]) -> [String]? {
        guard let text = String(validating: line, as: UTF8.self) else {
            log.write("a command must be UTF-8 text, so this one was not sent")
            return nil
        }
        guard line.count <= RemoteTerminal.longestLine else {
            log.write(
                "a command is longer than \(RemoteTerminal.longestLine) bytes, so it was not sent")
            return nil
        }
        guard let first = text.first(where: { $0 != " " && $0 != "\t" }), first != "#" else {
            return nil
        }
        do throws(UsageError) {
            let command = try words(of: text)
            guard !command[0].isEmpty else { throw UsageError("a command's name is missing") }
            return command
        } catch {
            log.write("\(error), so it was not sent")
            return nil
        }
    }

    // MARK: A batch

    /// Commands are sent ahead while earlier ones run; their results come in order.
    private func runBatch() async throws(StreamError) {
        let queue = BatchQueue()
        let reader = loop.spawn { await self.readCommands(queue) }
        defer {
            reader.cancel()
            queue.close()
        }
        while let command = await queue.next() {
            let one = try await answer(command).exitStatus
            queue.changed.ring()
            if status == 0 { status = one }
        }
        if let failure = queue.failure { throw failure }
        if isInterrupted { status = 128 + 2 }
    }

    private func readCommands(_ queue: BatchQueue) async {
        do throws(StreamError) {
            while !isInterrupted, let line = try await console.line() {
                guard let command = parse(line) else {
                    // Nobody can be asked again, and the rest may count on it.
                    if !line.isEmpty, Self.isCommand(line) {
                        throw StreamError(
                            .commandRefused, "the batch ends at the line that was not sent")
                    }
                    continue
                }
                try Remote.check(command)
                while client.bytesUnanswered > Remote.bytesAhead / 2 {
                    await queue.changed.wait()
                    if queue.isClosed { return }
                }
                try client.send(command)
                queue.add(command)
            }
        } catch {
            if error.code != .cancelled { queue.failure = error }
        }
        queue.end()
    }

    private static func isCommand(_ line: [UInt8]) -> Bool {
        guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }) else { return false }
        return first != UInt8(ascii: "#")
    }
}

/// The commands that were sent and have no answer yet, between the two tasks of a batch.
private final class BatchQueue: @unchecked Sendable {
    /// Rings when there is room for further commands.
    let changed = Bell()
    private(set) var isClosed = false
    var failure: StreamError?
    private var commands: [[String]] = []
    private var hasEnded = false
    private let added = Bell()

    func add(_ command: [String]) {
        commands.append(command)
        added.ring()
    }

    func end() {
        hasEnded = true
        added.ring()
    }

    func close() {
        isClosed = true
        changed.ring()
    }

    func next() async -> [String]? {
        while commands.isEmpty {
            if hasEnded { return nil }
            await added.wait()
        }
        return commands.removeFirst()
    }
}
