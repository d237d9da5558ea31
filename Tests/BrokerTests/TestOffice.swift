// A broker for sessions of tests, and network processes that say what they like.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Programs
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

/// What decides for a link's sessions, with what it was asked. Confined to its loop.
final class TestOffice: BrokerOffice {
    var table: CommandTable
    /// Nil for clients that have not proved who they are.
    var identity: Identity? = Identity(names: ["dns:a"], key: "")
    private(set) var desks = 0
    private(set) var closed = 0
    private(set) var admitted = 0
    private(set) var vacated = 0
    private(set) var abandoned = 0
    /// Whether the records of starts are settled by `settle`, and not at once.
    var recordsLate = false
    /// How long the answer to a refusal waits.
    var refusalDelay = Duration.zero
    /// Why clients may run nothing any more.
    var objection: Refusal?
    private var waiting: [Admitted] = []
    private(set) var ends: [(outcome: Remote.Outcome, usage: Usage)] = []
    private(set) var refusals: [Refusal] = []
    private(set) var replies = 0
    private(set) var omitted = (records: 0, commands: 0)
    /// Called with each refusal of a command.
    var refused: () -> Void = {}
    /// Called with each command that is answered without a program.
    var told: () -> Void = {}

    /// - Parameter commands: the table's, as JSON5 within its braces.
    init(_ commands: String) throws {
        table = try CommandTable(text: "{commands: {\(commands)}}", name: "t")
    }

    func desk(_ handle: Handle) -> any SessionDesk {
        desks += 1
        return Desk(self)
    }

    /// What became of the records of starts so far. That a program may start is told to who waits for it.
    func settle(_ refusal: Refusal? = nil) {
        let settled = waiting
        waiting = []
        for command in settled { command.settle(refusal) }
    }

    func sessionEnded(_ handle: Handle) { closed += 1 }
    func say(connections: Int) {}
    func note(_ strangers: StrangersPost) {}

    private final class Desk: SessionDesk {
        private let office: TestOffice
        let identity: Identity?
        var table: CommandTable { office.table }
        let grace = Duration.milliseconds(200)
        let whoami = ""
        var objection: Refusal? { office.objection }

        init(_ office: TestOffice) {
            self.office = office
            identity = office.identity
        }

        func refusalDelay() -> Duration { office.refusalDelay }

        func admit(
            _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
        ) -> Result<Permit, Refusal> {
            office.admitted += 1
            return .success(Permit(Admitted(office), environment: ["PATH": "/usr/bin:/bin"]))
        }

        func began(_ post: BeganPost) {}
        func refused(
            _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
        ) {
            office.refusals.append(refusal)
            office.refused()
            office.told()
        }
        func refused(_ refusal: Refusal) { office.refusals.append(refusal) }
        func replied(_ name: [UInt8], times: Int) {
            office.replies += times
            office.told()
        }
        func omitted(_ records: Int, commands: Int) {
            office.omitted.records += records
            office.omitted.commands += commands
        }
        func answered(_ message: [UInt8], isKnown: Bool) {}
        func ended(_ post: EndedPost) {}
        func failed(_ post: HandshakeFailedPost) {}
    }

    private final class Admitted: AdmittedCommand {
        private let office: TestOffice
        private var call: ((Refusal?) -> Void)?

        init(_ office: TestOffice) { self.office = office }

        func whenRecorded(_ call: @escaping (Refusal?) -> Void) {
            guard office.recordsLate else { return call(nil) }
            self.call = call
            office.waiting.append(self)
        }

        func settle(_ refusal: Refusal?) { call.take()?(refusal) }

        func vacated() { office.vacated += 1 }
        func ended(_ outcome: Remote.Outcome, _ usage: Usage) {
            office.ends.append((outcome, usage))
        }
        func abandoned() { office.abandoned += 1 }
    }
}

/// A network process that says nothing by itself, and keeps what it is told. Confined to its loop.
final class TestNetwork {
    private(set) var link: NetworkLink!
    private(set) var channel: PostChannel!
    private(set) var end: PostEnd?
    private(set) var posts: [PacketReader] = []
    /// The descriptors of the last one that had any.
    private(set) var descriptors = Descriptors()

    init(
        _ office: TestOffice, _ loop: EventLoop, sessions: Int = 2, work: TurnWork? = nil,
        told: Duration = .seconds(20), pipes: Duration? = nil, silence: Duration? = nil,
        shortage: Duration? = nil
    ) throws {
        Signals.ignoreFailedWrites()
        var pair = try PacketPair()
        var patience = NetworkPatience()
        patience.told = told
        if let pipes { (patience.output, patience.silence) = (pipes, pipes) }
        if let silence { patience.silence = silence }
        if let shortage { patience.shortage = shortage }
        link = try NetworkLink(
            pair.takeOne(), loop: loop, maxSessions: sessions, work: work, patience: patience,
            office: office
        ) { [unowned self] in end = $0 }
        channel = try PostChannel(
            owning: pair.takeOther(), loop: loop, limit: 1 << 20, maxQueued: 1 << 30,
            received: { [unowned self] post throws(PacketError) in
                posts.append(post.packet)
                let count = post.descriptorCount
                if count > 0 { descriptors = try post.takeDescriptors(count) }
            }, ended: { _ in })
    }

    /// Those that it was given are the caller's.
    func takeDescriptors() -> Descriptors { descriptors.takeAll() }

    func say(_ posts: any Message...) {
        for post in posts { channel.send(post.packet) }
    }

    func begin(_ handle: Handle = 1) {
        say(BeganPost(handle: handle, number: 1, address: "", conversation: "parley/1"))
    }

    func run(
        _ name: String, _ arguments: [String] = [], _ handle: Handle = 1, isShort: Bool = false
    ) {
        say(
            RunPost(
                handle: handle, request: Request(name: name, arguments: arguments),
                wasCancelled: false, isShort: isShort))
    }

    var kinds: [PostKind] { posts.compactMap { PostKind(rawValue: $0.type) } }

    /// Waits until it was told all of these.
    func hears(_ kinds: PostKind...) async throws {
        try await eventually("it is told \(kinds), not \(self.kinds) and \(end as Any)") {
            self.kinds.count >= kinds.count || end != nil
        }
        #expect(self.kinds == kinds)
    }

    /// What it was told last.
    func last<M: Message>(_: M.Type = M.self) throws -> M {
        var reader = try #require(posts.last)
        return try M(whole: &reader)
    }
}
