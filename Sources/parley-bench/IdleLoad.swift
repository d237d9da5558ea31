// Idle open sessions: what each costs in memory, and a reply among many of them in CPU time.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Records
internal import Sockets

/// Opens as many sessions as each level says, one message each; then, if there is time, they take
/// turns with one outstanding message. Prints a line for each level.
final class IdleLoad {
    private let load: Load
    private var sessions: [any ByteStream] = []
    private var next = 0
    private var start = Moment.never
    private var isTakingTurns = false
    private var pause: Event?
    private var isEnding = false

    init(_ load: Load) { self.load = load }

    func run() async {
        let options = load.options
        let before = ServerUsage(options.processes)
        for level in options.levels {
            await load.open(level - sessions.count) { stream in await self.greet(stream) }
            guard load.errors == 0 else { return await end() }
            await Event(loop: load.loop).wait(Self.settling)
            let resident = ServerUsage(options.processes).resident - before.resident
            var line = JSONLine()
            line.add("sessions", level)
            line.add("resident", resident)
            if options.seconds > .milliseconds(1) { line.add(await takeTurns()) }
            line.print()
        }
        await end()
        var line = JSONLine()
        await Event(loop: load.loop).wait(Self.settling)
        line.add("sessions", 0)
        line.add("resident", ServerUsage(options.processes).resident - before.resident)
        line.print()
    }

    /// A session's first exchange; what it receives later is answered in the same way.
    private func greet(_ stream: any ByteStream) async {
        let greeted = Event(loop: load.loop)
        load.loop.spawn { [self] in
            var reader = ReplyReader(load.options.reply)
            var isGreeted = false
            do throws(StreamError) {
                try await stream.write(load.options.request)
                try await stream.answer(upTo: 16_384) { [self] bytes, _ in
                    guard let whole = reader.take(bytes) else { return .last }
                    guard whole > 0 else { return .gather }
                    if isGreeted {
                        load.complete(since: start)
                        passOn()
                    } else {
                        isGreeted = true
                        greeted.set()
                    }
                    return .gather
                }
                if !isEnding { load.fail("a session ended, or a reply is wrong") }
            } catch {
                if !isEnding { load.fail(error.told) }
            }
            greeted.set()
        }
        if await !greeted.wait(load.options.limit) { load.fail("there was no reply") }
        sessions.append(stream)
    }

    private func takeTurns() async -> JSONLine {
        next = 0
        isTakingTurns = true
        let paused = Event(loop: load.loop)
        pause = paused
        passOn()
        await Event(loop: load.loop).wait(load.options.warmUp)
        let measured = load.measurement()
        await Event(loop: load.loop).wait(load.options.seconds)
        let line = load.line(measured, connections: sessions.count)
        isTakingTurns = false
        await paused.wait(load.options.limit)
        return line
    }

    private func passOn() {
        guard isTakingTurns, load.errors == 0 else {
            pause?.set()
            return
        }
        next = (next + 1) % sessions.count
        start = Moment.now
        do throws(StreamError) {
            // A request is far smaller than a socket's buffer, which is empty.
            let request = load.options.request
            guard case .moved(let count) = try sessions[next].attemptWrite(request.span),
                count == request.count
            else { throw StreamError(.reset, "a request could not be sent") }
        } catch {
            load.fail(error.told)
            pause?.set()
        }
    }

    private func end() async {
        isEnding = true
        let done = Event(loop: load.loop)
        guard !sessions.isEmpty else { return }
        let door = Door(sessions.count)
        for stream in sessions {
            load.loop.spawn {
                _ = try? stream.attemptClose()
                stream.channel.shutdownWrite()
                if door.leave() { done.set() }
            }
        }
        await done.wait(load.options.limit)
        sessions = []
    }

    /// Time for a server to free what a handshake used.
    private static let settling = Duration.milliseconds(300)
}
