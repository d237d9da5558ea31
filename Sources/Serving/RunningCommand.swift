// A program that runs for a remote session: its bytes both ways, and what ends it.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// One program from its start until its client was told of its end. What it left behind may still be
/// ended when `run` returns.
final class RunningCommand<Stream: ByteStream> {
    private let stream: Stream
    private let incoming: Incoming
    private let permitted: PermittedProgram
    private let name: String
    private let limits: ProgramEntry
    private let output: CommandOutput<Stream>
    private var phase = Phase.running
    private var input = Input.notWanted
    private var sequel = Ending.Sequel.next
    private var bytesIn = 0

    /// Where it is for its client; where the program is, `Program.Course` says.
    private enum Phase {
        case running
        /// All of it is being ended, for this reason, which was the first.
        case ending(Reason)
        /// Its exit is said, or about to be: only pongs may follow it.
        case told(Outcome)
    }

    /// Why the server ends it.
    enum Reason {
        case timedOut
        case overOutput
        /// Somebody who need not be told why: its client, or whoever ends the server. Its outcome is how
        /// the program ends.
        case ordered
    }

    private enum Input {
        /// The program is not known to run yet, or takes none.
        case notWanted
        /// Of what the program took, so much was asked for again.
        case wanted(replaced: Int)
        /// The client has ended it.
        case ended
    }

    private var channel: Channel { stream.channel }
    private var loop: EventLoop { channel.loop }
    private var program: Program { permitted.program }
    private var bell: Bell { permitted.bell }

    /// - Parameters:
    ///   - name: the command's, for the client.
    ///   - limits: the table's, of this program.
    init(
        _ stream: Stream, _ incoming: Incoming, _ permitted: PermittedProgram, name: String,
        limits: ProgramEntry
    ) {
        self.stream = stream
        self.incoming = incoming
        self.permitted = permitted
        self.name = name
        self.limits = limits
        output = CommandOutput(stream, limit: limits.outputLimit)
    }

    /// Returns when the program has ended, or could not be started, and its client knows.
    ///
    /// An exec can hang, as on a network file system that does not answer. So all that can end the
    /// command is set up before anybody knows whether the program runs.
    func run() async -> Ending {
        let timeLimit = TimeLimit(
            limits.timeout, on: loop, isHeldUp: { [output, program] in output.isHeldUp(program) },
            ended: { [unowned self] in end(.timedOut) })
        incoming.commandBegins()
        channel.driver = self
        channel.enter(.hearing)
        // Who sends no pings has no right to expect an answer.
        if channel.deadlines.keepalive == .zero { channel.clearDue() }
        let listener = loop.spawn { await self.listen() }
        let bound = LoopBound(self, to: loop)
        let outcome = await withTaskCancellationHandler {
            await pump()
        } onCancel: {
            bound.execute { $0.end(.ordered) }
        }
        listener.cancel()
        await listener.value
        withExtendedLifetime(timeLimit) {}
        channel.driver = nil
        channel.enter(.resting)
        do throws(StreamError) {
            try incoming.commandEnded()
        } catch {
            follow(.failure(error))
        }
        var usage = Usage()
        usage.pid = program.pid
        usage.bytesIn = bytesIn
        usage.bytesOut = output.count - output.errorCount
        usage.bytesError = output.errorCount
        usage.duration = loop.now - permitted.startedAt
        return Ending(outcome: outcome, usage: usage, sequel: sequel, isCut: output.isCut)
    }

    // MARK: Its end

    /// Ends the program with all that it started, for the first of all reasons. One that has ended by
    /// itself keeps its status.
    func end(_ reason: Reason) {
        if case .running = phase, program.end == nil { phase = .ending(reason) }
        program.terminate()
    }

    /// What its client is told as things are.
    private var outcome: Outcome {
        // Whatever began the ending: a place that is taken and a process that runs are to be known.
        guard program.course != .lost else { return .leftRunning }
        if let failure = program.failure {
            return .refused(Refusal(.unavailable, failure.sentence))
        }
        if case .ending(.timedOut) = phase { return .timedOut }
        // However it has ended: what is cut must not pass for all.
        if output.isOverLimit { return .overOutput }
        return program.end.map { .ended($0) } ?? .leftRunning
    }

    /// The session can't go on, for the first of all reasons.
    private func follow(_ sequel: Ending.Sequel) {
        if case .next = self.sequel { self.sequel = sequel }
    }

    private func leave(_ sequel: Ending.Sequel) {
        follow(sequel)
        end(.ordered)
        output.giveUp()
        bell.ring()
    }

    // MARK: What the client sends meanwhile

    private func listen() async {
        do throws(StreamError) {
            while !Task.isCancelled {
                guard !incoming.isFull else {
                    // Only the connection's end is still of interest.
                    if channel.hasHungUp {
                        throw StreamError(.endedEarly, "the client left before its answers")
                    }
                    if !channel.isHolding { channel.enter(.holding) }
                    try await channel.wait(for: .read)
                    continue
                }
                let taken = try await stream.read(upTo: 16_384) { bytes in
                    self.taken(bytes)
                }
                guard let taken else { return leave(.clientLeft) }
                try taken.get()
            }
        } catch {
            // Who cancels it has told the client everything.
            if !Task.isCancelled { leave(.failure(error)) }
        }
    }

    private func taken(_ bytes: Span<UInt8>) -> Result<Void, StreamError> {
        var offset = 0
        do throws(StreamError) {
            while try incoming.next(bytes, at: &offset, take) {}
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func take(_ arrival: Arrival, _ payload: Span<UInt8>) {
        switch arrival {
        case .input:
            bytesIn += payload.count
            program.input?.write(payload)
            replaceInput()
        case .inputEnd:
            input = .ended
            program.input?.finish()
        case .cancel: end(.ordered)
        case .ping:
            output.addPong()
            bell.ring()
        case .run, .pong, .noted: break
        }
    }

    private func wantInput(_ count: Int) {
        incoming.want(count)
        output.add(inputWanted: count)
        bell.ring()
    }

    /// Asks for as much input as the program has taken, so that what it has not taken is never more
    /// than the window.
    private func replaceInput() {
        if case .told = phase { return }
        guard case .wanted(let replaced) = input, let pipe = program.input, !pipe.isClosed
        else { return }
        let due = pipe.taken - replaced
        guard due >= Self.window / 4 else { return }
        input = .wanted(replaced: replaced + due)
        wantInput(due)
    }

    // MARK: What the program says

    /// - Returns: what the client was told, or would have been.
    private func pump() async -> Outcome {
        var moved = 0
        while true {
            // A program that is refused wants no input.
            if case .notWanted = input, program.pid != nil, program.input != nil {
                input = .wanted(replaced: 0)
                wantInput(Self.window)
            }
            let isDone = program.isDone
            replaceInput()
            var filled = 0
            var count = 0
            loop.withOutput(&filled) { room in
                count = output.gather(program, into: &room)
            }
            if output.isOverLimit { end(.overOutput) }
            if isDone, output.isQuiet(program) { sayExit(&filled) }
            do throws(StreamError) {
                if filled > 0 { try await output.send(filled) }
            } catch {
                leave(.failure(error))
            }
            // A ping that came while the exit was on its way has its pong.
            if case .told(let outcome) = phase, output.isQuiet(program) { return outcome }
            moved += count
            if filled == 0, count == 0 {
                moved = 0
                await bell.wait()
            } else if moved >= CommandOutput<Stream>.turn {
                // A program that always has more must not keep other sessions waiting.
                moved = 0
                await loop.nextTurn()
            }
        }
    }

    /// Gathers the exit, where there is room.
    private func sayExit(_ filled: inout Int) {
        if case .told = phase { return }
        let outcome = outcome
        var answer = outcome
        if case .refused = outcome { answer = .refused(.cannotStart(name)) }
        let exit = answer.frame
        loop.withOutput(&filled) { room in
            guard room.freeCapacity >= exit.count else { return }
            room.append(contentsOf: exit.span)
            phase = .told(outcome)
        }
    }

    /// Input that is on its way to the program, in bytes: enough for a fast program at the end of
    /// a long line.
    private static var window: Int { 262_144 }
}

extension RunningCommand: Driver {
    func channelChanged() {}

    func keepAlive() {
        output.addPing()
        bell.ring()
    }

    var owesPeer: Bool { output.isCut }
}
