// What a program has of the trail and of its command's places, from its start's record on.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import Remote
import Sockets
import System
import Testing

@testable import Broker
@testable import Console
@testable import Records
@testable import TestSupport
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct AdmittedProgramTests {
    /// A trail that is a pipe whose reader is the test, and an office that has one place for `true`.
    private final class Case {
        let office: Office
        let audit: AuditFile
        let recorder: Recorder
        private let folder: TemporaryFolder
        private let program: ProgramEntry
        private var reader: Int32
        private(set) var text = ""

        init(_ loop: EventLoop) throws {
            Signals.ignoreFailedWrites()
            folder = try TemporaryFolder()
            let path = folder["audit"]
            let isMade = unsafe mkfifo(path, 0o600) == 0
            try #require(isMade)
            reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            audit = try AuditFile([.file(path)], syncs: false)
            let options = try ServerOptions(["command", "--plaintext"])
            office = try Office(
                options, audit, loop: loop, log: Log(program: "parleyd", loop: loop),
                policy: try Policy(options), loops: 1)
            recorder = Recorder(audit, nil)
            let table = try CommandTable(
                text: """
                    {commands: {true: {run: ["/bin/true"], allow: ["anyone"], concurrency: 1}}}
                    """, name: "t")
            guard case .program(let program)? = table["true"]?.action else { throw Missing() }
            self.program = program
        }

        deinit { close(reader) }

        struct Missing: Error {}

        /// Nil where it is taken.
        func place() -> Place? {
            let identity = Identity(names: ["dns:a"], key: "")
            switch office.slots.take("true", identity, program, maxPerIdentity: 16) {
            case .success(let place): return place
            case .failure: return nil
            }
        }

        func admit() throws -> AdmittedProgram {
            guard let place = place() else { throw Missing() }
            let admitted = AdmittedProgram(place: place, trail: recorder, office: office)
            let isOnItsWay = admitted.recordStart("true", [], program: "/bin/true")
            #expect(isOnItsWay)
            office.starts(admitted)
            return admitted
        }

        var hasPlace: Bool { place() != nil }

        /// Leaves no room in the pipe.
        func fill() async throws {
            for _ in 0..<400 {
                recorder.record(
                    .refusal(
                        RecordedRefusal(name: String(repeating: "x", count: 200), code: "busy")))
            }
            let writer = Descriptor(
                owning: unsafe open(folder["audit"], O_WRONLY | O_NONBLOCK | O_CLOEXEC))
            try await eventually("it is full") {
                var poll = pollfd(fd: writer.number, events: Int16(POLLOUT), revents: 0)
                return unsafe Glibc.poll(&poll, 1, 0) == 0
            }
        }

        func leave() {
            close(reader)
            reader = -1
        }

        func comeBack() { reader = unsafe open(folder["audit"], O_RDONLY | O_NONBLOCK | O_CLOEXEC) }

        func read(until condition: () -> Bool) async throws {
            try await eventually("it is written") {
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let count = unsafe Glibc.read(reader, &bytes, bytes.count)
                text += String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
                return condition()
            }
        }

        /// Of programs.
        var events: [String] {
            text.matches(of: #/"event":"(command-[a-z]+|refusal)","command":\d+,"name":"true"/#)
                .map { String($0.1) }
        }
    }

    private static let end = Remote.Outcome.ended(.status(0))

    @Test func aStart_isToldWhenItIsWritten() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.fill()
            let admitted = try test.admit()
            var told: [Refusal?] = []
            admitted.whenRecorded { told.append($0) }
            #expect(told.isEmpty)
            try await test.read { !told.isEmpty }
            #expect(told == [nil])
            try await test.read { test.events == ["command-start"] }
            admitted.vacated()
            #expect(test.hasPlace)
            admitted.ended(Self.end, Usage())
            try await test.read { test.events == ["command-start", "command-end"] }
            #expect(test.office.counts.programs == 0)
        }
    }

    /// The thread tells nobody who doesn't wait, and who waits finds it out at once.
    @Test func aStartThatIsWritten_isToldToWhoWaits() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            let admitted = try test.admit()
            var told: [Refusal?] = []
            try await test.read { test.events == ["command-start"] && test.audit.waiting == 0 }
            admitted.whenRecorded { told.append($0) }
            #expect(told == [nil])
            await turns(5)
            #expect(told == [nil])
            admitted.vacated()
            #expect(test.hasPlace)
            admitted.ended(Self.end, Usage())
        }
    }

    /// Else a client that comes and leaves could have any number of starts wait.
    @Test func whoLeavesMeanwhile_keepsThePlaceUntilItIsWritten_andHasAnEnd() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.fill()
            let admitted = try test.admit()
            admitted.whenRecorded { _ in }
            admitted.vacated()
            admitted.abandoned()
            #expect(!test.hasPlace && test.office.counts.programs == 0)
            try await test.read { test.hasPlace }
            try await test.read { test.events == ["command-start", "command-end"] }
        }
    }

    @Test func aStartThatFails_isRefused_andHasNoEnd() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            test.leave()
            let admitted = try test.admit()
            var told: [Refusal?] = []
            admitted.whenRecorded { told.append($0) }
            try await eventually("it is told") { !told.isEmpty }
            let refusal = try #require(told[0])
            #expect(refusal.code == .unavailable)
            try await eventually("its refusal is lost, too") { test.audit.waiting == 0 }
            test.comeBack()
            admitted.ended(.refused(refusal), Usage())
            admitted.vacated()
            #expect(test.hasPlace)
            test.recorder.record(.reload(.certificates, failure: nil))
            try await test.read { test.text.contains("reload") }
            #expect(!test.events.contains("command-start") && !test.events.contains("command-end"))
            #expect(test.text.contains(#""lost_before":2"#))
        }
    }
}
