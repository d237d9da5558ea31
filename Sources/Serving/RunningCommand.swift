// A program that runs for a remote session: its bytes in both directions, and what ends it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Remote
internal import Sockets
internal import System

/// One program from its start until its client was told of its end. What it left behind may still be
/// being ended when `run` returns.
final class RunningCommand<Stream: ByteStream> {
    private let stream: Stream
    private let incoming: Incoming
    private let program: RemoteProgram
    private let output: CommandOutput<Stream>
    private var phase = Phase.running
    private var input = Input.notWanted
    private var sequel = Ending.Sequel.next
    private var bytesIn = 0

    /// How far it is for its client; `RemoteProgram.Course` says how far the program is.
    private enum Phase {
        case running
        /// Its exit was sent, or is about to be: only pongs may follow it.
        case told
    }

    private enum Input {
        /// The program is not known to be running yet, or takes no input.
        case notWanted
        /// How much of what the program took was asked for again.
        case wanted(replaced: Int)
        /// The client has ended it.
        case ended
    }

    private var channel: Channel { stream.channel }
    private var loop: EventLoop { channel.loop }
    private var bell: Bell { program.bell }

    init(_ stream: Stream, _ incoming: Incoming, _ program: RemoteProgram) {
        self.stream = stream
        self.incoming = incoming
        self.program = program
        output = CommandOutput(stream, limit: program.outputLimit)
    }

    /// Returns when the program has ended, or could not be started, and its client knows.
    func run() async -> Ending {
        program.isHeldUp = { [output, unowned program] in output.isHeldUp(program) }
        incoming.commandBegins()
        channel.driver = self
        channel.enter(.hearing)
        // A client that sends no pings has no right to expect an answer.
        if channel.deadlines.keepalive == .zero { channel.clearDue() }
        let listener = loop.spawn { await self.listen() }
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await pump()
        } onCancel: {
            bound.execute { $0.program.stop(.ordered) }
        }
        listener.cancel()
        await listener.value
        channel.driver = nil
        channel.enter(.resting)
        do throws(StreamError) {
            try incoming.commandEnded()
        } catch {
            follow(.failure(error))
        }
        program.told(
            Traffic(
                bytesIn: bytesIn, bytesOut: output.count - output.errorCount,
                bytesError: output.errorCount, isOverLimit: output.isOverLimit))
        return Ending(sequel: sequel, isCut: output.isCut)
    }

    /// The session can't continue; the first reason given counts.
    private func follow(_ sequel: Ending.Sequel) {
        if case .next = self.sequel { self.sequel = sequel }
    }

    private func leave(_ sequel: Ending.Sequel) {
        follow(sequel)
        program.stop(.ordered)
        output.giveUp()
        bell.ring()
    }

    // MARK: What the client sends meanwhile

    private func listen() async {
        do throws(StreamError) {
            while !Task.isCancelled {
                guard !incoming.isFull else {
                    // Only the end of the connection is still of interest.
                    if channel.hasHungUp {
                        throw StreamError(
                            .endedEarly, "the client disconnected before it had all its answers")
                    }
                    if !channel.isHolding { channel.enter(.holding) }
                    try await channel.wait(for: .read)
                    continue
                }
                let taken =
                    if case .wanted = input {
                        try await stream.readMany { self.taken($0) }
                    } else {
                        // Runs ahead of it, of which not much is read.
                        try await stream.read(upTo: EventLoop.recordPayload) { self.taken($0) }
                    }
                guard let taken else { return leave(.clientLeft) }
                try taken.get()
            }
        } catch {
            // Whoever cancels it has told the client everything.
            if !Task.isCancelled { leave(.failure(error)) }
        }
    }

    private func taken(_ bytes: Span<UInt8>) -> Result<Void, StreamError> {
        do throws(StreamError) {
            try incoming.takeAll(bytes) {
                pass(on: $0, of: $1)
            } _: { arrival in
                switch arrival {
                case .inputEnd:
                    // Its account is closed: nothing more may be asked for on it.
                    input = .ended
                    program.input?.finish()
                case .cancel: program.stop(.ordered)
                case .ping:
                    output.addPong()
                    bell.ring()
                case .run, .input, .pong, .noted: break
                }
            }
            // Not before: the input's end may have come with it.
            replaceInput()
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func pass(on inputs: [Range<Int>], of bytes: Span<UInt8>) {
        for range in inputs { bytesIn += range.count }
        program.input?.write(inputs, of: bytes)
    }

    private func wantInput(_ count: Int) {
        incoming.want(count)
        output.add(inputWanted: count)
        bell.ring()
    }

    /// Asks for as much input as the program has taken, so that never more than the window is
    /// untaken.
    private func replaceInput() {
        if case .told = phase { return }
        guard case .wanted(let replaced) = input, let pipe = program.input, !pipe.isClosed
        else { return }
        // Full frames.
        let due = (pipe.taken - replaced) / Frame.payloadLimit * Frame.payloadLimit
        guard due >= 4 * Frame.payloadLimit else { return }
        input = .wanted(replaced: replaced + due)
        wantInput(due)
    }

    // MARK: What the program sends

    private func pump() async {
        var moved = 0
        while true {
            // A program that is refused wants no input.
            if case .notWanted = input, program.hasRun, program.input != nil {
                input = .wanted(replaced: 0)
                wantInput(Self.window)
            }
            let course = program.course
            replaceInput()
            var step = Step()
            do throws(StreamError) {
                step = try move(course)
                if let rest = step.rest { try await output.send(rest) }
            } catch {
                leave(.failure(error))
            }
            // A ping that came while the exit was on its way is still answered.
            if case .told = phase, output.isQuiet(program) { return }
            moved += step.read
            if step.gathered == 0, step.read == 0 {
                moved = 0
                await bell.wait()
            } else if moved >= CommandOutput<Stream>.turn {
                // A program that always has more must not keep other sessions waiting.
                moved = 0
                await loop.nextTurn()
            }
        }
    }

    /// Gathers frames and sends them as far as the client accepts them at once.
    private func move(_ course: RemoteProgram.Course) throws(StreamError) -> Step {
        let buffer = TransferBuffer(of: loop)
        var (filled, count) = (0, 0)
        // A little more would leave in a record and a call of its own.
        buffer.fill(&filled, upTo: TransferBuffer.payload) {
            count = output.gather(program, into: &$0)
        }
        if output.isOverLimit { program.stop(.overOutput) }
        if case .done(let outcome) = course, output.isQuiet(program) {
            buffer.fill(&filled) { sayExit(outcome, &$0) }
        }
        let rest = filled > 0 ? try output.attempt(buffer, filled) : nil
        return Step(gathered: filled, read: count, rest: rest)
    }

    private struct Step {
        /// Bytes of frames.
        var gathered = 0
        /// Bytes of output, of which some may be over the limit.
        var read = 0
        /// What is still to be sent, behind what the stream has taken; nil if all was sent.
        var rest: [UInt8]?
    }

    /// Gathers the exit, if there is room.
    private func sayExit(_ outcome: Outcome, _ room: inout OutputSpan<UInt8>) {
        if case .told = phase { return }
        var outcome = outcome
        // However it has ended: output that was cut off must not pass for all of it.
        if output.isOverLimit, case .ended = outcome { outcome = .overOutput }
        let exit = outcome.frame
        guard room.freeCapacity >= exit.count else { return }
        room.append(contentsOf: exit.span)
        phase = .told
    }

    /// How many bytes of input may be on their way to the program: enough for a fast program at the
    /// end of a long line.
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
