// Both halves of parley/1 against a model that says which bytes must have arrived, in random order.
// SPDX-License-Identifier: Apache-2.0
import Commands
import System
import Testing

@testable import Conversations
@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.serialized, .timeLimit(.minutes(5)))
struct RemoteHalvesTests {
    /// The argument is the seed, which a failure shows.
    @Test(arguments: 0..<12)
    func everyByteArrives_inAnyOrderOfEvents(seed: Int) async throws {
        Signals.ignoreFailedWrites()
        try await onLoop(within: .seconds(60)) { loop in
            let round = try Round(seed: seed, loop: loop)
            await round.run()
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct RemoteInputTests {
    @Test func whatIsWanted_whileInputIsWaitedFor_isAdded() async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop)
            let console = LateConsole()
            let client = RemoteClient(PlainStream(near), console: console)
            let server = PlainStream(far)
            try client.send(["cat"])
            let answer = loop.spawn { try? await client.answer() }
            try await server.write(Parley1.frame(.inputWanted, [0, 0, 0, 5]))
            await console.asked.wait()
            // The client has looked at what is wanted and waits for its input.
            try await server.write(Parley1.frame(.inputWanted, [0, 0, 0, 3]))
            await turns(20)
            console.given.ring()
            await console.asked.wait()
            console.given.ring()
            await console.ended.wait()
            try await server.write(Parley1.frame(.exit, [0, 0]))
            #expect(await answer.value == .ended(.status(0)))
            #expect(client.inputSent == 8)
            await client.finish()
            server.channel.shutdownWrite()
        }
    }
}

/// Gives as much input as may be sent, twice, each time when the test says so.
private final class LateConsole: RemoteConsole {
    let asked = Bell()
    let given = Bell()
    let ended = Bell()
    private var count = 0
    var isFull: Bool { false }
    func drained() async {}
    func write(output bytes: Span<UInt8>) {}
    func write(errorOutput bytes: Span<UInt8>) {}

    func input(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        asked.ring()
        await given.wait()
        self.count += count
        if self.count == 8 { ended.ring() }
        return [UInt8](repeating: 1, count: count)
    }
}

/// A command, and what must come of it.
private struct Errand {
    let words: [String]
    var input: [UInt8] = []
    var output: [UInt8] = []
    var errorOutput: [UInt8] = []
    var outcome = Remote.Outcome.ended(.status(0))
    /// A cancel was sent after it and before its outcome.
    var isCancelled = false

    static func random(_ chance: Chance) -> Errand {
        switch chance.number(0...9) {
        // Beyond the first window, so that a server must want more, and often.
        case 0...3:
            let text = chance.bytes(chance.once(in: 3) ? chance.number(0...9) : 500_000)
            return Errand(words: ["cat"], input: text, output: text)
        case 4:
            let text = chance.bytes(chance.number(0...400_000))
            return Errand(
                words: ["head"], input: text, output: Array(text.prefix(5_000)))
        case 5:
            let text = chance.bytes(chance.number(0...500_000))
            return Errand(words: ["count"], input: text, output: Array("\(text.count)\n".utf8))
        case 6, 7:
            let (lines, errors) = (chance.number(1...30_000), chance.number(1...3_000))
            return Errand(
                words: ["numbers", "\(lines)", "\(errors)"], output: numbers(lines),
                errorOutput: numbers(errors), outcome: .ended(.status(3)))
        case 8: return Errand(words: ["Hello"], output: Array("Greetings!\n".utf8))
        default:
            return Errand(
                words: ["head", "one too many"],
                outcome: .refused(Refusal(.badArgument, "")))
        }
    }

    private static func numbers(_ count: Int) -> [UInt8] {
        (1...count).flatMap { Array("\($0)\n".utf8) }
    }
}

/// One session from its beginning to its end. Confined to its loop.
private final class Round {
    private let loop: EventLoop
    private let chance: Chance
    private let console: ErraticConsole
    private let host: OpenHost
    private let stream: PlainStream
    private let client: RemoteClient<PlainStream>
    private let server: Task<StreamError?, Never>
    private var sent: [Errand] = []
    private var isOver = false

    init(seed: Int, loop: EventLoop) throws {
        self.loop = loop
        let chance = Chance(seed: seed, loop: loop)
        self.chance = chance
        console = ErraticConsole(chance)
        host = try OpenHost(commands, loop: loop)
        let capacity = [4_000, 40_000, 200_000, .max][chance.number(0...3)]
        // Pings all the time, and no session that is given up as idle.
        var deadlines = Deadlines()
        deadlines.keepalive = .seconds(0.002)
        let ends = MemoryChannel.pair(loop, capacity: capacity, deadlines: deadlines)
        stream = PlainStream(ends.0)
        client = RemoteClient(stream, console: console)
        let serving = PlainStream(ends.1)
        let remote = RemoteServer(serving, host: host)
        server = loop.spawn {
            var failure: StreamError?
            do throws(StreamError) { try await remote.serve() } catch { failure = error }
            await serving.close()
            return failure
        }
    }

    func run() async {
        let mischief = loop.spawn { await self.disturb() }
        let leavesEarly = chance.once(in: 4)
        var left = chance.number(1...6)
        do throws(StreamError) {
            while left > 0 || !sent.isEmpty {
                while left > 0, sent.isEmpty || chance.once(in: 2) {
                    left -= 1
                    let errand = Errand.random(chance)
                    try client.send(errand.words)
                    sent.append(errand)
                }
                if leavesEarly, left == 0 { break }
                console.begin(input: sent[0].input)
                let outcome = try await client.answer()
                check(sent.removeFirst(), outcome)
                await chance.pause()
            }
        } catch {
            Issue.record("the client failed: \(error)")
        }
        isOver = true
        await mischief.value
        await client.finish()
        await stream.close()
        let failure = await server.value
        if sent.isEmpty { #expect(failure == nil) }
        // What a program left behind may end after its session has.
        while host.left < host.admitted || host.vacated < host.admitted {
            await chance.wait(upTo: 5)
        }
        #expect(host.vacated == host.admitted)
        #expect(host.left == host.admitted)
    }

    private func check(_ errand: Errand, _ outcome: Remote.Outcome) {
        guard !errand.isCancelled else {
            // It may have ended before the cancel came.
            if case .refused(let refusal) = outcome {
                #expect(refusal.code == .cancelled || errand.outcome.isRefused)
                #expect(console.output.isEmpty && console.errorOutput.isEmpty)
            }
            #expect(errand.output.starts(with: console.output))
            return #expect(errand.errorOutput.starts(with: console.errorOutput))
        }
        if errand.outcome.isRefused {
            #expect(outcome.isRefused)
        } else {
            #expect(outcome == errand.outcome)
        }
        // Compared first: what differs may be long.
        let isWhole = console.output == errand.output
        #expect(isWhole, "\(console.output.count) of \(errand.output.count) bytes")
        #expect(console.errorOutput == errand.errorOutput)
    }

    /// Says cancel now and then.
    private func disturb() async {
        while !isOver {
            await chance.wait(upTo: 20)
            guard !isOver, chance.once(in: 40) else { continue }
            for index in sent.indices { sent[index].isCancelled = true }
            client.cancel()
        }
    }
}

extension Remote.Outcome {
    fileprivate var isRefused: Bool { if case .refused = self { true } else { false } }
}

private let commands = """
    Hello: { reply: "Greetings!" },
    cat: { run: ["/bin/cat"], input: true, allow: ["anyone"] },
    head: { run: ["/usr/bin/head", "-c", "5000"], input: true, allow: ["anyone"] },
    count: { run: ["/bin/sh", "-c", "wc -c | tr -d ' '"], input: true, allow: ["anyone"] },
    numbers: { run: ["/bin/sh", "-c", "seq $1; seq $2 >&2; exit 3", "sh", "{lines}", "{errors}"],
      arguments: { lines: "[0-9]+", errors: "[0-9]+" }, allow: ["anyone"] },
    """
