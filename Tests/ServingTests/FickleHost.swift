// A host that changes its mind while a session waits.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets

@testable import Broker
@testable import Remote
@testable import Serving

/// Admits nothing, and tells what it was asked. Confined to its loop.
final class FickleHost: RemoteHost {
    private(set) var replies: FixedReplies
    let answers: SharedAnswers
    /// How often it was asked what there is against the client: once for each turn in which something was answered.
    private(set) var turns = 0
    /// Called with each answer that the broker isn't asked for.
    var answered: () -> Void = {}
    private let desk: Desk
    private let halves: BrokerHalves

    /// - Parameters:
    ///   - commands: the table's, as JSON5 within its braces.
    ///   - answers: those of its loop's other sessions.
    init(_ commands: String, loop: EventLoop, answers: SharedAnswers = SharedAnswers()) throws {
        self.answers = answers
        desk = try Desk(commands)
        replies = FixedReplies(desk.table)
        halves = try BrokerHalves(desk, loop: loop)
    }

    private final class Desk: TestDesk {
        var admitted: [String] = []

        override func admit(
            _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
        ) -> Result<Permit, Refusal> {
            admitted.append(program.path)
            return .failure(Refusal(.busy, "it is"))
        }
    }

    /// The programs that would have started.
    var admitted: [String] { desk.admitted }
    var whoami: String { desk.whoami }

    /// What it says against the client from here on.
    var reason: Refusal? {
        get { desk.objection }
        set { desk.objection = newValue }
    }

    /// Puts another table in force.
    func use(_ commands: String) throws {
        desk.table = try TestDesk.table(commands)
        replies = FixedReplies(desk.table)
    }

    var objection: Refusal? {
        turns += 1
        return reason
    }

    func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer {
        await halves.session.ask(request, wasCancelled: wasCancelled)
    }

    func refused(_ name: String, _ refusal: Refusal) { answered() }
    func replied(_ name: Span<UInt8>) { answered() }
    func wroteReplies() {}
}
