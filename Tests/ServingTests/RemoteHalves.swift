// Both halves of parley/1 on one loop: a host that admits everybody, and a console that is slow at
// random.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets

@testable import Broker
@testable import Remote
@testable import Serving
@testable import TestSupport

/// What happens by chance in one round. Confined to its loop.
final class Chance {
    private let loop: EventLoop
    private var random: SplitMix

    init(seed: Int, loop: EventLoop) {
        self.loop = loop
        random = SplitMix(state: UInt64(seed))
    }

    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// Returns true once in that many times, at random.
    func once(in times: Int) -> Bool { number(1...times) == 1 }

    func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Gives the others some turns, or waits a moment.
    func pause() async {
        if once(in: 8) { return await wait(upTo: 2) }
        for _ in 0..<number(0...3) { await loop.nextTurn() }
    }

    /// Lets some time pass, at most that many milliseconds.
    func wait(upTo milliseconds: Int) async {
        let bell = Bell()
        let timer = Timer(after: .milliseconds(number(0...milliseconds)), on: loop) { bell.ring() }
        await bell.wait()
        withExtendedLifetime(timer) {}
    }
}

/// Takes output and gives input in pieces of any size, whenever it likes. Confined to its loop.
final class ErraticConsole: RemoteConsole {
    private(set) var output: [UInt8] = []
    private(set) var errorOutput: [UInt8] = []
    private let chance: Chance
    private var input: ArraySlice<UInt8> = []

    init(_ chance: Chance) { self.chance = chance }

    /// The next command begins, whose input is this.
    func begin(input: [UInt8]) {
        (output, errorOutput) = ([], [])
        self.input = input[...]
    }

    func write(output bytes: Span<UInt8>) { output += Array(copying: bytes) }
    func write(errorOutput bytes: Span<UInt8>) { errorOutput += Array(copying: bytes) }

    var isFull: Bool { chance.once(in: 5) }

    func drained() async { await chance.pause() }

    func input(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        await chance.pause()
        if Task.isCancelled { throw StreamError(.cancelled, "nobody wants it any more") }
        guard !input.isEmpty else { return nil }
        let piece = input.prefix(chance.once(in: 8) ? chance.number(1...count) : count)
        input = input.dropFirst(piece.count)
        return Array(piece)
    }

    func inputAtHand(
        _ count: Int, into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int {
        guard chance.once(in: 2), !input.isEmpty else { return 0 }
        let bytes = Array(input.prefix(chance.once(in: 4) ? chance.number(1...count) : count))
        for start in stride(from: 0, to: bytes.count, by: length) {
            for _ in 0..<gap { output.append(0xee) }
            for byte in bytes[start..<min(start + length, bytes.count)] { output.append(byte) }
        }
        input = input.dropFirst(bytes.count)
        return bytes.count
    }
}

/// Admits whoever asks, and counts. Confined to its loop.
final class OpenHost: RemoteHost {
    let replies: FixedReplies
    let answers = SharedAnswers()
    var objection: Refusal? { nil }
    private let desk: Desk
    private let halves: BrokerHalves

    init(_ commands: String, loop: EventLoop) throws {
        desk = try Desk(commands)
        replies = FixedReplies(desk.table)
        halves = try BrokerHalves(desk, loop: loop)
    }

    var admitted: Int { desk.admitted }
    var vacated: Int { desk.vacated }
    var abandoned: Int { desk.abandoned }
    /// How those ended of which nothing more is to be recorded.
    var outcomes: [Remote.Outcome] { desk.ends.map(\.0) }
    /// What they moved.
    var usages: [Usage] { desk.ends.map(\.1) }
    var left: Int { desk.ends.count }

    private final class Desk: TestDesk {
        var admitted = 0
        var vacated = 0
        var abandoned = 0
        var ends: [(Remote.Outcome, Usage)] = []

        override func admit(
            _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
        ) -> Result<Permit, Refusal> {
            admitted += 1
            return .success(Permit(Counted(self), environment: ["PATH": "/usr/bin:/bin"]))
        }
    }

    private final class Counted: AdmittedCommand {
        private let desk: Desk
        init(_ desk: Desk) { self.desk = desk }
        func whenRecorded(_ call: @escaping (Refusal?) -> Void) { call(nil) }
        func vacated() { desk.vacated += 1 }
        func ended(_ outcome: Remote.Outcome, _ usage: Usage) { desk.ends.append((outcome, usage)) }
        func abandoned() { desk.abandoned += 1 }
    }

    func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer {
        await halves.session.ask(request, wasCancelled: wasCancelled)
    }

    func refused(_ name: String, _ refusal: Refusal) {}
    func replied(_ name: Span<UInt8>) {}
    func wroteReplies() {}
}
