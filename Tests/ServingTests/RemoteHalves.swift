// Both halves of parley/1 on one loop: a host that admits everybody, and a console that is slow at
// random.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets

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

    /// Whether something happens that happens once in so many times.
    func once(in times: Int) -> Bool { number(1...times) == 1 }

    func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Gives the others some turns, or waits a moment.
    func pause() async {
        if once(in: 8) { return await wait(upTo: 2) }
        for _ in 0..<number(0...3) { await loop.nextTurn() }
    }

    /// Lets some time pass, at most so many milliseconds.
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
}

/// Admits whoever asks, and counts. Confined to its loop.
final class OpenHost: RemoteHost {
    let table: CommandTable
    let replies: FixedReplies
    let identity = Identity(names: ["dns:client"], key: "key:sha256:none")
    let grace = Duration.seconds(5)
    let whoami = "dns:client\n"
    var objection: Refusal? { nil }
    private(set) var admitted = 0
    private(set) var vacated = 0
    private(set) var abandoned = 0
    /// How those ended of which nothing more is to be recorded.
    private(set) var outcomes: [Remote.Outcome] = []
    var left: Int { outcomes.count }

    init(_ commands: String) throws {
        table = try CommandTable(text: "{commands: {\(commands)}}", name: "t")
        replies = FixedReplies(table)
    }

    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal> {
        admitted += 1
        return .success(Permit(Counted(self), environment: ["PATH": "/usr/bin:/bin"]))
    }

    private final class Counted: AdmittedCommand {
        private let host: OpenHost
        init(_ host: OpenHost) { self.host = host }
        func vacated() { host.vacated += 1 }
        func ended(_ outcome: Remote.Outcome, _ usage: Usage) { host.outcomes.append(outcome) }
        func abandoned() { host.abandoned += 1 }
    }

    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {}
    func replied(_ name: Span<UInt8>) {}
    func wroteReplies() {}
}
