// What the broker's half of a session asks of the server that it belongs to.
// SPDX-License-Identifier: Apache-2.0
package import Commands
package import Programs
package import Remote

/// The server behind one session: what is in force when a command is asked for, and who keeps the
/// records. Confined to the broker's loop.
package protocol SessionDesk: AnyObject {
    var table: CommandTable { get }
    /// Nil where the client has not proved who it is, to run commands: it may run nothing then.
    var identity: Identity? { get }
    /// Why the session may not begin, where it has no place: nothing but that may be told of it.
    var turnedAway: Refusal? { get }
    /// Between SIGTERM and SIGKILL where the table says nothing else.
    var grace: Duration { get }
    /// Where commands have control groups; nil where they have none.
    var groups: CommandGroups? { get }

    /// The lines that `whoami` prints.
    var whoami: String { get }

    /// Why this client may run nothing, because something has changed since the session began.
    var objection: Refusal? { get }

    /// What comparing the values of the next request may take.
    var matchingWork: MatchingWork { get }

    /// Comparing them took so many steps.
    func matched(_ steps: Int)

    /// A command is refused: how long its answer has to wait.
    func refusalDelay() -> Duration

    /// Takes what a program needs that may start as far as `decide` knows: verifies the client's certificate
    /// again, takes a place, and has the start recorded, for which the permit's command is to be waited for. The permit's end
    /// gives back what it took.
    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal>

    /// The session is served.
    func began(_ post: BeganPost)

    /// A command was refused; `entry` is nil where there is none.
    func refused(_ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal)

    /// Something else than a command was refused.
    func refused(_ refusal: Refusal)

    /// So many replies of one name were given in a row, also of `help` and `whoami`.
    func replied(_ name: [UInt8], times: Int)

    /// So many frequent records are left out, which would have been about so many commands.
    func omitted(_ records: Int, commands: Int)

    /// A message was answered.
    func answered(_ message: [UInt8], isKnown: Bool)

    /// The session, which was served, is over.
    func ended(_ post: EndedPost)

    /// It never came to a session.
    func failed(_ post: HandshakeFailedPost)
}

extension SessionDesk {
    package var turnedAway: Refusal? { nil }
    package var groups: CommandGroups? { nil }
    package var matchingWork: MatchingWork { MatchingWork() }
    package func matched(_ steps: Int) {}
    package func refusalDelay() -> Duration { .zero }
}
