// A program that runs for a remote session: its bytes both ways, and what ends it.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
internal import Sockets

/// One program from its start until its client was told of its end. What it left behind may still be
/// ended when `run` returns.
final class RunningCommand<Stream: ByteStream>: @unchecked Sendable {
    private(set) var usage = Usage()
    /// Why the session can't go on.
    private(set) var failure: StreamError?
    private(set) var clientHasEnded = false
    let output: CommandOutput<Stream>

    private let stream: Stream
    private let incoming: Incoming
    private let name: String
    private let limits: ProgramEntry
    private let admitted: any AdmittedCommand
    private let bell = Bell()
    private var program: Program?
    private var inputHasEnded = false
    private var inputReplaced = 0
    private var isOver = false
    /// Its exit is said, or about to be: only pongs may follow it.
    private var hasSaidExit = false
    /// Why the server ended it.
    private var verdict: Outcome?
    private var timers: [Timer] = []
    private var timeLimit: TimeLimit?
    /// The client has sent so much ahead that it is not read any more.
    private var isDeaf = false

    private var channel: Channel { stream.channel }
    private var loop: EventLoop { channel.loop }

    /// - Parameters:
    ///   - name: the command's, for the client.
    ///   - limits: the table's, of this program.
    ///   - admitted: is told of its end.
    init(
        _ stream: Stream, _ incoming: Incoming, name: String, limits: ProgramEntry,
        admitted: any AdmittedCommand
    ) {
        self.stream = stream
        self.incoming = incoming
        self.name = name
        self.limits = limits
        output = CommandOutput(stream, limit: limits.outputLimit)
        self.admitted = admitted
    }

    /// Starts the program, and returns when it has ended or could not be started and its client knows.
    ///
    /// An exec can hang, as on a network file system that does not answer. So all that can end the
    /// command is set up before anybody knows whether the program runs.
    func run(_ start: ProgramStart) async {
        let startedAt = loop.now
        let program: Program
        do throws(StreamError) {
            program = try Program(start, loop: loop) { [bell] in bell.ring() }
        } catch {
            admitted.vacate()
            let refusal = Refusal.cannotStart(name)
            do throws(StreamError) { try await output.send(refusal.frame) } catch { fail(error) }
            return admitted.left(.refused(Refusal(.unavailable, error.description)), usage)
        }
        self.program = program
        program.whenOver { [admitted] in admitted.vacate() }
        timeLimit = TimeLimit(
            limits.timeout, on: loop, isHeldUp: { [output] in output.isHeldUp(program) },
            ended: { [unowned self] in end(.timedOut) })
        incoming.commandBegins()
        channel.driver = self
        channel.enter(.hearing)
        // Who sends no pings has no right to expect an answer.
        if channel.deadlines.keepalive == 0 { channel.clearDue() }
        let listener = loop.spawn { await self.listen() }
        await withTaskCancellationHandler {
            await pump(program)
        } onCancel: {
            loop.execute { self.end(nil) }
        }
        isOver = true
        listener.cancel()
        await listener.value
        timers = []
        timeLimit = nil
        channel.driver = nil
        channel.enter(.resting)
        do throws(StreamError) { try incoming.commandEnded() } catch { failure = failure ?? error }
        usage.pid = program.pid
        usage.bytesOut = output.count
        usage.nanoseconds = loop.now - startedAt
        seeOff(program)
    }

    /// Has its end recorded when it is known how everything ended that it left behind.
    private func seeOff(_ program: Program) {
        let outcome = outcome(of: program)
        program.seeOff()
        program.whenSettled { [usage, admitted, unowned program] in
            var usage = usage
            usage.leftEnded = program.leftEnded
            usage.isLeftRunning = program.course == .lost
            admitted.left(outcome, usage)
        }
    }

    private func outcome(of program: Program) -> Outcome {
        // Whatever began the ending: a place that is taken and a process that runs are to be known.
        guard program.course != .lost else { return .leftRunning }
        if let failure = program.failure {
            return .refused(Refusal(.unavailable, failure.description))
        }
        return verdict ?? program.end.map { .ended($0) } ?? .leftRunning
    }

    // MARK: Its end

    /// Ends the program with all that it started. One that has ended by itself keeps its status.
    private func end(_ verdict: Outcome?) {
        guard let program else { return }
        if self.verdict == nil, program.end == nil { self.verdict = verdict }
        program.terminate()
    }

    private func fail(_ error: StreamError) {
        if failure == nil { failure = error }
        leave()
    }

    private func leave() {
        end(nil)
        output.giveUp()
        bell.ring()
    }

    // MARK: What the client sends meanwhile

    private func listen() async {
        do throws(StreamError) {
            while !isOver {
                guard !incoming.isFull else {
                    // Only the connection's end is still of interest.
                    if channel.hasHungUp {
                        throw StreamError(.endedEarly, "the client left before its answers")
                    }
                    if !isDeaf { channel.enter(.holding) }
                    isDeaf = true
                    try await channel.wait(for: .read)
                    continue
                }
                let taken = try await stream.read(upTo: 16_384) { bytes in
                    self.taken(bytes)
                }
                guard let taken else {
                    clientHasEnded = true
                    return leave()
                }
                try taken.get()
            }
        } catch {
            if !isOver { fail(error) }
        }
    }

    private func taken(_ bytes: Span<UInt8>) -> Result<Void, StreamError> {
        var offset = 0
        do throws(StreamError) {
            while try incoming.next(bytes, at: &offset, take) != nil {}
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func take(_ arrival: Arrival, _ payload: Span<UInt8>) {
        switch arrival {
        case .input:
            usage.bytesIn += payload.count
            program?.input?.write(payload)
            replaceInput()
        case .inputEnd:
            inputHasEnded = true
            program?.input?.finish()
        case .cancel:
            end(nil)
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
        guard let input = program?.input, !inputHasEnded, !input.isClosed, !hasSaidExit
        else { return }
        let due = input.taken - inputReplaced
        guard due >= Self.window / 4 else { return }
        inputReplaced += due
        wantInput(due)
    }

    // MARK: What the program says

    private func pump(_ program: Program) async {
        var moved = 0
        var hasStarted = false
        while true {
            // A program that is refused wants no input.
            if !hasStarted, program.pid != nil {
                hasStarted = true
                if program.input != nil { wantInput(Self.window) }
            }
            let hasEnded = program.isDone
            replaceInput()
            var filled = 0
            var count = 0
            loop.withOutput(&filled) { room in
                count = output.gather(program, into: &room)
            }
            if output.isOverLimit {
                // Also where the program has ended by itself meanwhile: what is cut must not pass
                // for all.
                verdict = verdict ?? .overOutput
                end(nil)
            }
            if hasEnded, !hasSaidExit, output.isQuiet(program) {
                var answer = outcome(of: program)
                if case .refused = answer { answer = .refused(.cannotStart(name)) }
                let exit = answer.frame
                loop.withOutput(&filled) { room in
                    guard room.freeCapacity >= exit.count else { return }
                    for byte in exit { room.append(byte) }
                    hasSaidExit = true
                }
            }
            do throws(StreamError) {
                if filled > 0 { try await output.send(filled) }
            } catch {
                fail(error)
            }
            // A ping that came while the exit was on its way has its pong.
            if hasSaidExit, output.isQuiet(program) { return }
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
