// When a program starts, and what becomes of it where nobody takes what it says.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Programs
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct StartTests {
    /// A command that leaves a mark where it has run.
    private final class Mark: Sendable {
        private let folder: TemporaryFolder
        init() throws { folder = try TemporaryFolder() }
        var commands: String {
            """
            mark: {run: ["/usr/bin/touch", "\(folder["mark"])"], allow: ["anyone"]},
            loud: {run: ["/bin/cat", "/dev/zero"], timeout: 0.3, output: 100000000, allow: ["anyone"]},
            hi: {reply: "hi"}
            """
        }
        var isThere: Bool { unsafe access(folder["mark"], F_OK) == 0 }
    }

    private static let ends = EndsPost(handle: 1, haveCome: true)
    private static let noEnds = EndsPost(handle: 1, haveCome: false)

    /// As long as a program needs by far.
    private static func pause(_ loop: EventLoop) async {
        let later = Bell()
        let timer = Timer(after: .milliseconds(100), on: loop) { later.ring() }
        await later.wait()
        withExtendedLifetime(timer) {}
    }

    /// What a program has written would be lost otherwise, and it would have run all the same.
    @Test func aProgram_startsWhenItsPipesHaveCome() async throws {
        try await onLoop { loop in
            let mark = try Mark()
            let office = try TestOffice(mark.commands)
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("mark")
            try await network.hears(.started)
            let came = network.descriptors.count
            #expect(came == 2)
            await Self.pause(loop)
            #expect(!mark.isThere && network.kinds == [.started])
            network.say(Self.ends)
            // It takes no input: that it runs nobody has to know.
            try await network.hears(.started, .done)
            #expect(mark.isThere)
            #expect(try network.last(DonePost.self).outcome == .ended(.status(0)))
            network.say(ToldPost(handle: 1, traffic: Traffic()))
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(office.vacated == 1 && network.end == nil)
        }
    }

    /// Its client is asked for input then, which would be lost with a program that can't be started.
    @Test func aProgramThatTakesInput_isSaidToRun() async throws {
        try await onLoop { loop in
            let office = try TestOffice(
                #"cat: {run: ["/bin/cat"], input: true, allow: ["anyone"]}"#)
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("cat")
            try await network.hears(.started)
            network.say(Self.ends)
            try await network.hears(.started, .running)
            // Its input ends with this.
            #expect(network.descriptors.count == 3)
            _ = network.takeDescriptors()
            try await network.hears(.started, .running, .done)
        }
    }

    @Test func aProgramWhosePipesHaveNotCome_isRefused_andTheNextRunIsNot() async throws {
        try await onLoop { loop in
            let mark = try Mark()
            let office = try TestOffice(mark.commands)
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("mark")
            try await network.hears(.started)
            network.say(Self.noEnds)
            try await network.hears(.started, .refused)
            #expect(try network.last(RefusedPost.self).refusal.code == .unavailable)
            #expect(office.vacated == 1 && office.ends.count == 1)
            guard case .refused? = office.ends.first?.outcome else {
                Issue.record("it ended as \(office.ends)")
                return
            }
            network.run("hi")
            try await network.hears(.started, .refused, .answered)
            #expect(!mark.isThere && network.end == nil)
        }
    }

    // MARK: A network process that says nothing

    @Test(arguments: [true, false])
    func pipesThatNobodyTakes_giveThePlaceBack(_ comeLate: Bool) async throws {
        try await onLoop { loop in
            let mark = try Mark()
            let office = try TestOffice(mark.commands)
            let network = try TestNetwork(office, loop, ends: .milliseconds(50))
            network.begin()
            network.run("mark")
            try await eventually("it is refused") { office.ends.count == 1 }
            #expect(office.vacated == 1 && network.kinds == [.started])
            // It may say so later.
            network.say(comeLate ? Self.ends : Self.noEnds)
            if comeLate {
                try await network.hears(.started, .done)
                guard case .refused = try network.last(DonePost.self).outcome else {
                    Issue.record("it has started")
                    return
                }
                network.say(ToldPost(handle: 1, traffic: Traffic()))
            } else {
                try await network.hears(.started, .refused)
            }
            network.run("hi")
            try await eventually("the next run is answered") { network.kinds.last == .answered }
            #expect(!mark.isThere && network.end == nil)
            #expect(office.ends.count == 1 && office.vacated == 1)
        }
    }

    /// It doesn't read what the program writes, and answers no question.
    @Test func aProgramThatNobodyHears_isTimedOut_andItsEndIsRecorded() async throws {
        try await onLoop { loop in
            let office = try TestOffice(try Mark().commands)
            let network = try TestNetwork(office, loop, told: .milliseconds(50))
            network.begin()
            network.run("loud")
            try await network.hears(.started)
            network.say(Self.ends)
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(office.ends.first?.outcome == .timedOut)
            #expect(office.ends.first?.usage.traffic == nil)
            #expect(office.vacated == 1 && office.abandoned == 0 && network.end == nil)
            #expect(network.kinds.contains(.probe))
            network.say(ToldPost(handle: 1, traffic: Traffic()))
            network.run("hi")
            try await eventually("the next run is answered") { network.kinds.last == .answered }
            #expect(office.ends.count == 1)
        }
    }

    /// The broker gives descriptors, and takes none.
    @Test func descriptorsForTheBroker_areClosed_andEndTheProcessesRights() async throws {
        try await onLoop { loop in
            let office = try TestOffice(try Mark().commands)
            let network = try TestNetwork(office, loop)
            let token = try Token()
            let began = BeganPost(handle: 1, number: 1, address: "", conversation: "parley/1")
            network.channel.send(began.packet, descriptors: Descriptors(token.take()))
            try await eventually("the channel is ended") { network.end != nil }
            guard case .failed(let error) = network.end else {
                Issue.record("it ended as \(network.end as Any)")
                return
            }
            #expect(error.code == .descriptors)
            #expect(office.desks == 0 && token.comesToBeClosed)
        }
    }

    /// A session's connection may be closed at any time.
    @Test func aSessionThatCloses_withPipesOnTheirWay_givesThePlaceBack() async throws {
        try await onLoop { loop in
            let mark = try Mark()
            let office = try TestOffice(mark.commands)
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("mark")
            try await network.hears(.started)
            network.say(ClosedPost(handle: 1))
            try await eventually("it is closed") { office.closed == 1 }
            #expect(office.vacated == 1 && office.abandoned == 1)
            await Self.pause(loop)
            #expect(!mark.isThere && office.ends.isEmpty && network.end == nil)
        }
    }
}
