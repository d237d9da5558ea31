// What a broker makes of a network process that doesn't keep to the order of posts.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Programs
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

/// By which nobody has proved anything.
private let nobody: Handle = 9
/// That of a session that begins after the breach.
private let late: Handle = 99

@Suite(.timeLimit(.minutes(1)))
struct OutOfTurnTests {
    struct Course: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let posts: [any Message & Sendable]
        /// Programs that may start for it.
        var starts = 0
    }

    private static let began = BeganPost(
        handle: 1, number: 1, address: "", conversation: "parley/1")
    private static func run(_ name: String, _ handle: Handle = 1) -> RunPost {
        RunPost(handle: handle, request: Request(name: name, arguments: []), wasCancelled: false)
    }

    static let courses = [
        Course(testDescription: "a run without a session", posts: [run("true")]),
        Course(
            testDescription: "a run of nobody's",
            posts: [
                BeganPost(handle: nobody, number: 1, address: "", conversation: "parley/1"),
                run("true", nobody),
            ]),
        Course(
            testDescription: "a run of another session", posts: [began, run("true", 2)]),
        Course(
            testDescription: "two runs at once", posts: [began, run("sleep"), run("true")],
            starts: 1),
        Course(
            testDescription: "a run while a refusal waits", posts: [began, run("no"), run("true")]),
        Course(
            testDescription: "a run after the session",
            posts: [
                began,
                EndedPost(handle: 1, reason: "", bytesIn: 0, bytesOut: 0, duration: .zero),
                run("true"),
            ]),
        Course(
            testDescription: "a run of a session that is closed",
            posts: [began, ClosedPost(handle: 1), run("true")]),
        Course(testDescription: "two beginnings", posts: [began, began]),
        Course(testDescription: "the control channel's", posts: [began, ReadyPost(missing: [])]),
        Course(testDescription: "a broker's own", posts: [began, ProbePost(handle: 1)]),
        Course(
            testDescription: "an end of no program",
            posts: [began, ToldPost(handle: 1, traffic: Traffic())]),
        Course(
            testDescription: "an end that has not come",
            posts: [began, run("sleep"), ToldPost(handle: 1, traffic: Traffic())],
            starts: 1),
        Course(
            testDescription: "an end of a program that runs",
            posts: [
                began, run("sleep"), EndsPost(handle: 1, haveCome: true),
                ToldPost(handle: 1, traffic: Traffic()),
            ], starts: 1),
        Course(
            testDescription: "a stop of nothing",
            posts: [began, StopPost(handle: 1, reason: .ordered)]),
        Course(
            testDescription: "pipes of nothing",
            posts: [began, EndsPost(handle: 1, haveCome: true)]),
        Course(
            testDescription: "pipes that come twice",
            posts: [
                began, run("sleep"), EndsPost(handle: 1, haveCome: true),
                EndsPost(handle: 1, haveCome: true),
            ], starts: 1),
        Course(
            testDescription: "a stop of a program whose pipes have not come",
            posts: [began, run("sleep"), StopPost(handle: 1, reason: .ordered)], starts: 1),
        Course(
            testDescription: "a session of no conversation that leaves something out",
            posts: [
                HandshakeFailedPost(handle: 1, number: 1, address: "", code: "", reason: ""),
                OmittedPost(handle: 1, records: 1, commands: 1),
            ]),
        Course(
            testDescription: "a session's end while its program runs",
            posts: [
                began, run("sleep"),
                EndedPost(handle: 1, reason: "", bytesIn: 0, bytesOut: 0, duration: .zero),
            ], starts: 1),
        Course(
            testDescription: "a reply while a program runs",
            posts: [began, run("sleep"), RepliedPost(handle: 1, name: [1], times: 1)],
            starts: 1),
        Course(
            testDescription: "a failed handshake of a session",
            posts: [
                began,
                HandshakeFailedPost(handle: 1, number: 1, address: "", code: "", reason: ""),
            ]),
        Course(
            testDescription: "one session too many",
            posts: (1...3).map {
                BeganPost(handle: $0, number: 1, address: "", conversation: "")
            }),
        Course(testDescription: "what only a broker says", posts: [RunningPost(handle: 1)]),
    ]

    @Test(arguments: courses)
    func whatMayNotComeNow_endsTheProcessesRights(_ course: Course) async throws {
        try await onLoop { loop in
            let office = Office()
            var pair = try PacketPair()
            var end: PostEnd?
            let link = try NetworkLink(
                pair.takeOne(), loop: loop, maxSessions: 2, office: office
            ) { end = $0 }
            let network = try PostChannel(
                owning: pair.takeOther(), loop: loop, limit: 1 << 20, received: { _ in },
                ended: { _ in })
            for post in course.posts { network.send(post.packet) }
            // A good one after it has no effect, and is not what ends the channel.
            network.send(
                BeganPost(handle: late, number: 2, address: "", conversation: "parley/1").packet)
            try await eventually("the channel is ended") { end != nil }
            guard case .failed(let error) = end else {
                Issue.record("it ended as \(end as Any)")
                return
            }
            #expect(error.code == .malformed)
            #expect(!office.handles.contains(late))
            #expect(office.admitted == course.starts)
            // Its programs are killed, its sessions are counted out, and it is not heard any more.
            try await eventually("its programs are gone") { office.vacated == course.starts }
            #expect(office.desks == office.ended)
            withExtendedLifetime((link, network)) {}
        }
    }

    /// Confined to its loop.
    private final class Office: BrokerOffice {
        var admitted = 0
        var vacated = 0
        var desks = 0
        var handles: Set<Handle> = []
        var ended = 0

        func desk(_ handle: Handle) -> any SessionDesk {
            desks += 1
            handles.insert(handle)
            return Desk(self, isKnown: handle != nobody)
        }

        func sessionEnded(_ handle: Handle) { ended += 1 }
        func say(connections: Int) {}
        func note(_ strangers: StrangersPost) {}
    }

    private final class Desk: SessionDesk {
        private let office: Office
        let identity: Identity?
        let table: CommandTable
        let grace = Duration.seconds(1)
        let whoami = ""
        let objection: Refusal? = nil

        init(_ office: Office, isKnown: Bool) {
            self.office = office
            identity = isKnown ? Identity(names: ["dns:a"], key: "") : nil
            table = try! CommandTable(
                text: """
                    { commands: { true: { run: ["/bin/true"], allow: ["anyone"] },
                      sleep: { run: ["/bin/sleep", "1000"], input: true, allow: ["anyone"] } } }
                    """, name: "t")
        }

        func refusalDelay() -> Duration { .seconds(1_000) }

        func admit(
            _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
        ) -> Result<Permit, Refusal> {
            office.admitted += 1
            return .success(Permit(Admitted(office), environment: [:]))
        }

        func began(_ post: BeganPost) {}
        func refused(
            _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
        ) {}
        func refused(_ refusal: Refusal) {}
        func replied(_ name: [UInt8], times: Int) {}
        func omitted(_ records: Int, commands: Int) {}
        func answered(_ message: [UInt8], isKnown: Bool) {}
        func ended(_ post: EndedPost) {}
        func failed(_ post: HandshakeFailedPost) {}
    }

    private final class Admitted: AdmittedCommand {
        private let office: Office
        init(_ office: Office) { self.office = office }
        func whenRecorded(_ call: @escaping (Refusal?) -> Void) { call(nil) }
        func vacated() { office.vacated += 1 }
        func ended(_ outcome: Remote.Outcome, _ usage: Usage) {}
        func abandoned() {}
    }
}
