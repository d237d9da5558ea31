// How many programs one identity may have running, and how fast it may start them.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets
import System
import Testing

@testable import Console
@testable import Remote
@testable import TestSupport
@testable import parleyd

@Suite struct ProgramShareTests {
    private static func table(_ commands: String) throws -> CommandTable {
        try CommandTable(text: "{commands: {\(commands)}}", name: "t")
    }

    private static func program(
        _ name: String, _ table: CommandTable
    ) throws -> ProgramEntry {
        guard case .program(let program)? = table[name]?.action else { throw Missing() }
        return program
    }

    private struct Missing: Error {}

    private static let ann = Identity(names: ["dns:ann", "dns:other"], key: "k")
    private static let ben = Identity(names: ["dns:ben"], key: "k")

    @Test(arguments: [
        ("a: {run: ['/bin/true']}", 4),
        ("a: {run: ['/bin/true'], concurrency: 1}", 1),
        ("a: {run: ['/bin/true'], concurrency: 8, perIdentity: 8}", 8),
        ("a: {run: ['/bin/true'], concurrency: 2, perIdentity: 10}", 2),
        (
            "a: {run: ['/bin/true'], perIdentity: 16}, b: {run: ['/bin/true'], perIdentity: 16}, c: {reply: 'x'}",
            16
        ),
        ("a: {run: ['/bin/true'], concurrency: 100}, b: {run: ['/bin/true']}", 29),
        ("c: {reply: 'x'}", 1),
    ])
    func aQuarterOfAllThatMayRun_isOneIdentitys(_ commands: String, _ most: Int) throws {
        #expect(try Self.table(commands).programsOfOneIdentity == most)
    }

    @Test func programsOfAllCommands_countForTheirIdentity() throws {
        let table = try Self.table(
            "a: {run: ['/bin/true'], perIdentity: 2}, b: {run: ['/bin/true'], perIdentity: 3}")
        let (a, b) = (try Self.program("a", table), try Self.program("b", table))
        let slots = ProgramSlots()
        func take(_ name: String, _ who: Identity, _ program: ProgramEntry) -> Holder {
            Holder(slots.take(name, who, program, maxPerIdentity: 4))
        }
        var held = [take("a", Self.ann, a), take("a", Self.ann, a)]
        #expect(take("a", Self.ann, a).limit == .perIdentity)
        held += [take("b", Self.ann, b), take("b", Self.ann, b)]
        #expect(held.allSatisfy { $0.limit == nil })
        #expect(take("b", Self.ann, b).limit == .identityPrograms)
        // Others have places of their own, and a place is free again with its holder.
        #expect(take("b", Self.ben, b).limit == nil)
        held.removeFirst()
        #expect(take("b", Self.ann, b).limit == nil)
        #expect(take("a", Self.ann, a).limit == nil)
        held = []
        #expect(take("a", Self.ann, a).limit == nil)
    }

    /// What `take` gives, which can't be copied.
    private final class Holder {
        let limit: Refusal.Limit?
        private let place: Place?

        init(_ taken: consuming Result<Place, Refusal>) {
            switch consume taken {
            case .success(let place):
                limit = nil
                self.place = consume place
            case .failure(let refusal):
                limit = refusal.limit
                place = nil
            }
        }
    }

    // MARK: Starts

    private static func moment(_ milliseconds: Int) -> Moment {
        Moment(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func starts_areAsManyASecondAsMay_andABurst() {
        var pace = IdentityPace(rate: 5)
        func take(_ name: String, at time: Int) -> Int {
            (0..<1_000).filter { _ in pace.take(name, at: Self.moment(time)) }.count
        }
        #expect(take("a", at: 0) == 50)
        #expect(take("a", at: 199) == 0)
        #expect(take("b", at: 199) == 50)
        #expect(take("a", at: 200) == 1)
        #expect(take("a", at: 1_200) == 5)
        #expect(take("a", at: 4_200) == 15)
        // However long it has waited, a burst is a burst.
        #expect(take("a", at: 1_000_000) == 50)
    }

    @Test func whoIsWithinThePace_isNeverRefused() {
        var pace = IdentityPace(rate: 200)
        #expect((0..<10_000).allSatisfy { pace.take("a", at: Self.moment($0 * 5)) })
    }

    @Test func whatIsSpent_isLeftAgainAfterItsTime() {
        var pace = IdentityPace(rate: 20_000_000)
        #expect(pace.left("a", at: Self.moment(0)) == 200_000_000)
        pace.spend(150_000_000, of: "a", at: Self.moment(0))
        #expect(pace.left("a", at: Self.moment(0)) == 50_000_000)
        #expect(pace.left("b", at: Self.moment(0)) == 200_000_000)
        // More than is left is owed.
        pace.spend(70_000_000, of: "a", at: Self.moment(0))
        #expect(pace.left("a", at: Self.moment(1_000)) == 0)
        #expect(pace.left("a", at: Self.moment(2_000)) == 20_000_000)
        #expect(pace.left("a", at: Self.moment(60_000)) == 200_000_000)
    }

    /// Whoever asks for what costs most to refuse, in however many sessions, keeps the server busy for a moment only.
    @Test func matching_hasAShareByIdentity() async throws {
        try await onLoop { loop in
            let options = try ServerOptions(["command", "--plaintext"])
            let office = try Office(
                options, nil, loop: loop, log: Log(program: "parleyd", loop: loop),
                policy: try Policy(options), loops: 1)
            let table = try Self.table(
                "a: {run: ['/bin/true', '{x}'], arguments: {x: '([a-z]|[a-y]|[a-x]|[a-w])*0'}}")
            let program = try Self.program("a", table)
            let (greedy, other) = (
                Identity(names: ["dns:a"], key: ""), Identity(names: ["dns:b"], key: "")
            )
            let value = String(repeating: "a", count: 32_000)
            func steps(_ identity: Identity, _ value: String) -> (Int, String?) {
                var work = office.matchingWork(of: identity)
                let answer = program.invocation(for: [value], &work)
                office.matched(work.spent, for: identity)
                guard case .failure(let bad) = answer else { return (work.spent, nil) }
                return (work.spent, bad.description)
            }
            // What it has asked for in other sessions.
            office.matched(options.identityLimits.matching * 10 - 5_000_000, for: greedy)
            var spent = 0
            for _ in 0..<100 { spent += steps(greedy, value).0 }
            #expect(spent >= 5_000_000 && spent < 6_000_000, "\(spent)")
            let (few, refusal) = steps(greedy, value)
            #expect(few < 10_000 && refusal?.contains("recent arguments") == true)
            #expect(steps(other, "0").1 == nil)
        }
    }

    @Test func identitiesThatHaveAllTheirStarts_areForgotten() {
        var pace = IdentityPace(rate: 1)
        for number in 0..<1_000 {
            let isTaken = pace.take("\(number)", at: Self.moment(number * 100))
            #expect(isTaken)
        }
        #expect(pace.count < 150, "\(pace.count)")
    }

    /// However many of its sessions ask at once: each waits for those before it.
    @Test func whoHasHadTooMany_waitsForItsTurn() {
        var pace = IdentityPace(rate: 10)
        let start = Self.moment(0)
        let waits = (0..<103).map { _ in pace.queue("a", at: start, limit: .seconds(1)) }
        #expect(waits.prefix(100).allSatisfy { $0 == .zero })
        #expect(waits.suffix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(300)])
        #expect(pace.queue("b", at: start, limit: .seconds(1)) == .zero)
        for _ in 0..<1_000 {
            #expect(pace.queue("a", at: start, limit: .seconds(1)) <= .seconds(1))
        }
        #expect(pace.queue("a", at: start + .seconds(1), limit: .seconds(1)) <= .milliseconds(100))
    }

    /// Nothing is read from the session meanwhile.
    @Test func anAnswerThatWaits_isToldBeforeItsSessionIsIdle() async throws {
        try await onLoop { loop in
            let options = try ServerOptions(["command", "--plaintext", "--idle-timeout", "0.3"])
            let office = try Office(
                options, nil, loop: loop, log: Log(program: "parleyd", loop: loop),
                policy: try Policy(options), loops: 1)
            let delays = (0..<2_000).map { _ in office.refusalDelay(of: Self.ann) }
            #expect(try #require(delays.max()) == .milliseconds(100))
        }
    }

    /// A table that is read again says how many there may be, and forgets nobody who runs.
    @Test func anotherTable_isCountedWithWhatRuns() async throws {
        try await onLoop { loop in
            let options = try ServerOptions(["command", "--plaintext"])
            let office = try Office(
                options, nil, loop: loop, log: Log(program: "parleyd", loop: loop),
                policy: try Policy(options), loops: 1)
            let narrow = try Self.table("a: {run: ['/bin/true'], concurrency: 4, perIdentity: 2}")
            try office.enforce(Policy(after: office.policy, table: narrow))
            #expect(office.maxPerIdentity == 2)
            let a = try Self.program("a", narrow)
            var held = (0..<2).map { _ in Holder(office.place("a", Self.ann, a)) }
            #expect(Holder(office.place("a", Self.ann, a)).limit == .perIdentity)
            let wide = try Self.table(
                "a: {run: ['/bin/true'], concurrency: 6, perIdentity: 3}, b: {run: ['/bin/true'], concurrency: 4, perIdentity: 3}"
            )
            try office.enforce(Policy(after: office.policy, table: wide))
            #expect(office.maxPerIdentity == 3)
            let (a2, b2) = (try Self.program("a", wide), try Self.program("b", wide))
            held.append(Holder(office.place("b", Self.ann, b2)))
            #expect(held.allSatisfy { $0.limit == nil })
            #expect(Holder(office.place("a", Self.ann, a2)).limit == .identityPrograms)
            held = []
            #expect(Holder(office.place("a", Self.ann, a2)).limit == nil)
        }
    }
}
