// The client: connects, holds one conversation, and ends with a status.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import ParleyClient
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// One run of parley, all of it on one loop.
final class Client {
    /// SIGQUIT as well, whose default action would leave a terminal raw.
    static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    let options: ClientOptions
    let loop: EventLoop
    let log: Log
    let transcript: ConsoleTranscript
    private var signal: Int32?
    /// The output that can't be written, and the errno that says why.
    private var outputFailure: (name: String, reason: Int32)?
    private var status: Int32 = 0
    private let input: LineReader
    /// Nil except for `run`.
    private let report: Report?
    /// The descriptor of `--status-fd`.
    private let outcomes: Output?
    /// Ends the running remote command; returns false if there is none.
    private var interrupt: (() -> Bool)?
    /// Ends it because its time is over; returns false if there is none.
    private var timeOut: (() -> Bool)?
    private var limit: CallLimit?
    private var hadSession = false

    init(_ options: ClientOptions) throws {
        var options = options
        try options.security?.openKeyLog()
        self.options = options
        loop = try EventLoop()
        // It has one peer, which keeps nobody waiting.
        loop.share = TransferBuffer.capacity
        log = Log(program: "parley", loop: loop)
        input = LineReader(loop: loop)
        transcript = ConsoleTranscript(
            output: Output(.output, loop: loop), input: input, log: log, isQuiet: options.isQuiet)
        let outcomes = options.run?.statusDescriptor.map { [loop] in Output(number: $0, loop: loop)
        }
        self.outcomes = outcomes
        report = options.run.map { [log] in Report($0, log, outcomes: outcomes) }
    }

    /// - Returns: the exit status.
    func run() throws -> Int32 {
        let context = try options.security?.clientContext()
        let server = options.isPair ? try options.security?.serverContext() : nil
        // With --json, standard error is for objects only.
        if options.run?.isJSON != true {
            for warning in context?.warnings ?? [] { log.write(warning) }
        }
        let work = loop.spawn { [self] in
            do throws(StreamError) {
                if options.isPair {
                    try await pair(server: server, client: context)
                } else {
                    try await converse(context)
                }
            } catch {
                fail(error)
            }
            await transcript.output.flushed()
            await log.output.flushed()
            await report?.flushed()
            loop.stop()
        }
        limit = options.run?.timeout.map { [loop] in
            CallLimit($0, on: loop) { [unowned self] in
                timeOut?() ?? false
            } endAll: {
                work.cancel()
            }
        }
        let failed: (String) -> (Int32) -> Void = { [unowned self] name in
            { reason in
                self.outputFailure = (name, reason)
                work.cancel()
            }
        }
        transcript.output.failed = failed("standard output")
        outcomes?.failed = failed("the --status-fd descriptor")
        // A remote command's error output is part of its output.
        if options.run != nil {
            let failed = failed("standard error")
            // A caller that has closed it wants none.
            log.output.failed = { if $0 != EBADF { failed($0) } }
        }
        let signals = try Signals(Self.signals, loop: loop) { [unowned self] arrival in
            let signal = arrival.signal
            if signal == SIGINT, let interrupt, interrupt() { return }
            // A second signal does not wait for the end of the session.
            if self.signal != nil { loop.stop() }
            self.signal = signal
            work.cancel()
        }
        loop.run()
        LineEditor.restoreTerminal()
        log.flush()
        _ = signals
        if signal == nil, let limit, limit.isOver, let run = options.run, let report {
            let status = limit.tell(run, report, log, hadSession: hadSession)
            log.flush()
            report.flush()
            return status
        }
        if let signal {
            if options.run?.tellsObjects == true, report?.hasTold == false {
                report?.tell(
                    code: "signal", "parley was ended by signal \(signal)", status: 128 + signal,
                    isSaid: false)
                log.flush()
                report?.flush()
            }
            return 128 + signal
        }
        switch outputFailure {
        case nil: return status
        // A reader that closes our output has what it wanted.
        case (_, EPIPE)?: return 128 + SIGPIPE
        case (let name, let reason)?:
            let sentence =
                "cannot write to \(name) (\(Errno(reason))); redirect it elsewhere"
            Log.end(
                "parley", sentence, status: ExitStatus.failure, run: options.run,
                server: options.server)
        }
    }

    private func converse(_ context: TLSContext?) async throws(StreamError) {
        let socket: Socket
        do throws(StreamError) {
            socket = try await Socket.connect(
                to: options.endpoint, within: options.connectTimeout, deadlines: options.deadlines,
                loop: loop)
        } catch {
            // Standard output belongs to the remote program alone.
            if error.code == .refused, options.run == nil {
                transcript.print("Connection failed. Is the server running?")
            }
            throw error.code == .refused && mayListenElsewhere
                ? error.saying(
                    "\(error.sentence); parleyd command listens only on 127.0.0.1 unless started with --host"
                ) : error
        }
        let stream = try await open(socket, context)
        do throws(StreamError) {
            try await ask(stream)
        } catch {
            await stream.close()
            throw error
        }
        // A client that asked nothing learns only here that it was not accepted.
        if let failure = await stream.close(), failure.code.concernsTrust { throw failure }
    }

    /// Whether a running server may still refuse a connection to this address: by default it listens
    /// only on the loopback interface.
    private var mayListenElsewhere: Bool {
        options.conversation == .command && options.endpoint.host != "localhost"
            && !options.endpoint.host.utf8.starts(with: "127.".utf8)
    }

    /// Wraps a connection, and says how it is protected if a person is watching.
    func open(_ socket: Socket, _ context: TLSContext?) async throws(StreamError)
        -> any ByteStream
    {
        guard let context, let name = options.serverName else {
            socket.enter(.idle)
            return PlainStream(socket)
        }
        let stream = try await TLSStream.open(context, serverName: name, over: socket)
        // A caller that reads --json's objects from standard error wants nothing else there.
        if !options.isQuiet, options.run?.isJSON != true,
            let warning = Expiry.firstWarning(of: context.expiries)
        {
            log.write(warning)
        }
        let isWatched =
            options.run.map { $0.isConversational && input.isTerminal } ?? (options.messages == nil)
        if isWatched, !options.isQuiet {
            log.write(
                "connected to \(options.server.place(socket.peer)) (\(stream.version), \(stream.cipher), \(stream.peerName ?? "no name"))"
            )
        }
        return stream
    }

    private func ask(_ stream: any ByteStream) async throws(StreamError) {
        if let run = options.run { return try await ask(run, stream) }
        let lines = options.isQuiet ? nil : transcript
        switch options.conversation {
        case .hello: try await Hello.ask(stream, transcript: lines)
        case .greeting: try await Greeting.ask(stream, transcript: lines)
        case .command:
            if let messages = options.messages {
                // The user asked for the replies, not for the console's lines.
                let replies = ConsoleTranscript(output: transcript.output, input: nil, log: log)
                try await Command.ask(messages, on: stream, transcript: replies)
            } else {
                try await Command.ask(stream, transcript: transcript)
            }
        case .chat: try await Chat.ask(stream, transcript: transcript)
        }
    }

    private func ask(_ options: RunOptions, _ stream: any ByteStream) async throws(StreamError) {
        guard let tls = stream as? TLSStream, let report else { return }
        try tls.requireRemoteSessions()
        let console = RemoteTerminal(
            options, output: transcript.output, log: log, input: input,
            isQuiet: self.options.isQuiet)
        let run = RemoteRun(options, tls, console: console, report: report, log: log)
        interrupt = { [unowned run] in run.interrupt() }
        timeOut = { [unowned run] in run.timeOut() }
        hadSession = true
        defer { (interrupt, timeOut) = (nil, nil) }
        try await run.run()
        status = run.status
        // What has ended in time stays so, however long the session's own end takes.
        if limit?.isOver == false { limit = nil }
    }

    private func fail(_ error: StreamError) {
        // Cancelled by a signal or a closed output, which needs no explanation.
        guard signal == nil, outputFailure == nil, limit?.isOver != true else { return }
        status = ExitStatus(error).number
        guard let report else { return log.write(options.server.named(error.told)) }
        report.tell(code: error.code.rawValue, error.told, status: status)
    }
}
