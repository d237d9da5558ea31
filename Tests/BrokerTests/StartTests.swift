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
    private static let ends = EndsPost(handle: 1, haveCome: true)
    private static let noEnds = EndsPost(handle: 1, haveCome: false)

    private static let loud = """
        loud: {run: ["/bin/cat", "/dev/zero"], timeout: 0.3, output: 100000000, allow: ["anyone"]},
        hi: {reply: "hi"}
        """

    /// Starts `sh` with a line of the shell's.
    private static func shell(_ line: String, _ more: String = "") -> String {
        """
        sh: {run: ["/bin/sh", "-c", "\(line)"], allow: ["anyone"], \(more)}, hi: {reply: "hi"}
        """
    }

    // MARK: A program that is soon over

    /// Neither its pipes nor a report of its end are needed.
    @Test func aShortProgram_isAnsweredWithOneMessage() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("echo out; echo error >&2; exit 3"))
            let network = try TestNetwork(office, loop, pipes: .seconds(20))
            network.begin()
            network.run("sh")
            try await network.hears(.finished)
            #expect(
                try network.last()
                    == FinishedPost(
                        handle: 1, outcome: .ended(.status(3)), output: Array("out\n".utf8),
                        errorOutput: Array("error\n".utf8)))
            #expect(network.descriptors.isEmpty && office.vacated == 1)
            #expect(office.ends.first?.outcome == .ended(.status(3)))
            #expect(office.ends.first?.usage.traffic == Traffic(bytesOut: 4, bytesError: 6))
            network.run("hi")
            try await network.hears(.finished, .answered)
            #expect(office.ends.count == 1 && office.abandoned == 0 && network.end == nil)
        }
    }

    @Test func nothingIsToldOfAProgram_whoseAnswerWasOneMessage() async throws {
        try await onLoop { loop in
            let network = try TestNetwork(
                TestOffice(Self.shell("exit 3")), loop, pipes: .seconds(20))
            network.begin()
            network.run("sh")
            try await network.hears(.finished)
            network.say(ToldPost(handle: 1, traffic: Traffic()))
            try await eventually("the channel is ended") { network.end != nil }
        }
    }

    @Test func whatCanNotBeStarted_isRefusedWithOneMessage() async throws {
        try await onLoop { loop in
            let folder = try TemporaryFolder()
            try folder.file("gone", 0o755, "#!/bin/sh\n")
            let path = folder["gone"]
            let office = try TestOffice(#"no: {run: ["\#(path)"], allow: ["anyone"]}"#)
            // The table has found it.
            unsafe unlink(path)
            let network = try TestNetwork(office, loop, pipes: .seconds(20))
            network.begin()
            network.run("no")
            try await network.hears(.finished)
            guard case .refused(let refusal) = try network.last(FinishedPost.self).outcome else {
                Issue.record("it was started")
                return
            }
            #expect(refusal.code == .unavailable && !refusal.sentence.contains(path))
            #expect(office.ends.count == 1 && office.vacated == 1)
        }
    }

    /// More is not copied, nor is what is over its limit: that is for who moves the bytes to find.
    @Test(arguments: [("head -c 16001 /dev/zero", ""), ("echo four", "output: 4")])
    func aShortProgramThatWritesMore_hasItsPipesHandedOver(
        _ line: String, _ limit: String
    ) async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell(line, limit))
            let network = try TestNetwork(office, loop, pipes: .seconds(20))
            network.begin()
            network.run("sh")
            try await network.hears(.started)
            #expect(network.descriptors.count == 2)
            network.say(Self.ends)
            try await network.hears(.started, .done)
            network.say(ToldPost(handle: 1, traffic: Traffic(bytesOut: 4, isOverLimit: true)))
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(office.ends.first?.outcome == .overOutput && network.end == nil)
        }
    }

    /// Nobody could say that its client holds it up.
    @Test func theTimeOfAProgramIsCounted_beforeItsPipesAreHandedOver() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("sleep 1000", "timeout: 0.1"))
            let network = try TestNetwork(office, loop, pipes: .seconds(20))
            network.begin()
            network.run("sh")
            try await network.hears(.finished)
            #expect(try network.last(FinishedPost.self).outcome == .timedOut)
            #expect(office.ends.first?.outcome == .timedOut)
        }
    }

    // MARK: A program that goes on

    /// Its client sees what it writes, and can end it.
    @Test(arguments: ["sleep 1000", "echo; exec sleep 1000"])
    func thePipesOfAProgramThatGoesOn_areHandedOver(_ line: String) async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell(line))
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("sh")
            try await network.hears(.started)
            #expect(network.descriptors.count == 2)
            network.say(Self.ends, StopPost(handle: 1, reason: .ordered))
            // It takes no input: that it runs nobody has to know.
            try await network.hears(.started, .done)
            #expect(try network.last(DonePost.self).outcome == .ended(.signal(15)))
            #expect(office.vacated == 1 && office.ends.isEmpty)
            network.say(ToldPost(handle: 1, traffic: Traffic()))
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(network.end == nil)
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

    // MARK: A network process that has no room for descriptors

    /// What the program writes waits in its pipes.
    @Test func laterOutput_isHandedOver_beforeItsClientIsHeard() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("sleep 0.05; echo; exec sleep 1000"))
            let network = try TestNetwork(office, loop, silence: .seconds(1_000))
            network.begin()
            network.run("sh")
            try await network.hears(.started)
            network.say(Self.ends, StopPost(handle: 1, reason: .ordered))
            try await network.hears(.started, .done)
        }
    }

    @Test func nothingIsStarted_whosePipesCouldNotBePassedOn() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("exit 3"))
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("sh", isShort: true)
            try await network.hears(.refused)
            #expect(office.ends.map(\.outcome) == [.refused(.noDescriptor("sh"))])
            network.run("hi", isShort: true)
            try await network.hears(.refused, .answered)
            #expect(network.end == nil)
        }
    }

    /// Its client can't be heard, and would hold its connection's descriptor meanwhile.
    @Test(arguments: ["exec sleep 1000", "trap '' TERM; sleep 1000", "echo"])
    func aProgramWhosePipesHaveNotCome_isEnded(script: String) async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell(script, "input: true"))
            let network = try TestNetwork(office, loop, shortage: .seconds(1_000))
            network.begin()
            network.run("sh")
            try await network.hears(.started)
            _ = network.takeDescriptors()
            if script == "echo" { try await eventually("it is over") { office.vacated == 1 } }
            network.say(Self.noEnds)
            try await network.hears(.started, .finished)
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(office.ends.first?.usage.traffic == Traffic())
            // For a moment nothing is started, but replies need no descriptor.
            network.run("sh")
            try await network.hears(.started, .finished, .refused)
            network.run("hi")
            try await network.hears(.started, .finished, .refused, .answered)
            #expect(network.end == nil)
        }
    }

    @Test func programsStartAgain_afterAShortage() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("exit 3", "input: true"))
            let network = try TestNetwork(office, loop, shortage: .milliseconds(20))
            network.begin()
            network.run("sh")
            try await network.hears(.started)
            network.say(Self.noEnds)
            try await network.hears(.started, .finished)
            var heard = 0
            try await eventually("another one starts") {
                guard network.kinds.count > heard else { return false }
                heard = network.kinds.count
                if network.kinds.last != .started { network.run("sh") }
                return network.kinds.last == .started
            }
            #expect(network.end == nil)
        }
    }

    // MARK: A network process that says nothing

    @Test func whoNeverSaysThatPipesHaveCome_keepsNoEndOutOfTheTrail() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("echo", "input: true"))
            let network = try TestNetwork(office, loop, told: .milliseconds(50))
            network.begin()
            network.run("sh")
            try await eventually("its end is recorded") { office.ends.count == 1 }
            #expect(office.ends.first?.outcome == .ended(.status(0)))
            #expect(office.ends.first?.usage.traffic == nil)
            #expect(office.vacated == 1 && network.kinds == [.started])
            // It may say so later.
            network.say(Self.ends)
            try await eventually("it is told") { network.kinds.last == .done }
            network.say(ToldPost(handle: 1, traffic: Traffic()))
            network.run("hi")
            try await eventually("the next run is answered") { network.kinds.last == .answered }
            #expect(network.end == nil && office.ends.count == 1)
        }
    }

    /// It doesn't read what the program writes, and answers no question.
    @Test func aProgramThatNobodyHears_isTimedOut_andItsEndIsRecorded() async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.loud)
            let network = try TestNetwork(office, loop, told: .milliseconds(50))
            network.begin()
            network.run("loud")
            try await eventually("its pipes come") { network.kinds.contains(.started) }
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
            let office = try TestOffice(Self.loud)
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
    @Test(arguments: [true, false])
    func aSessionThatCloses_endsItsProgram(_ soon: Bool) async throws {
        try await onLoop { loop in
            let office = try TestOffice(Self.shell("sleep 1000"))
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("sh")
            if !soon { try await network.hears(.started) }
            network.say(ClosedPost(handle: 1))
            try await eventually("it is closed") { office.closed == 1 }
            #expect(office.vacated == 1 && office.abandoned == 1)
            await turns(5)
            #expect(office.ends.isEmpty && network.end == nil)
        }
    }
}
