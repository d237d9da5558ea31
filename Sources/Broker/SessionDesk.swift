// What the broker's half of a session asks of its server.
// SPDX-License-Identifier: Apache-2.0
package import Commands
package import Programs
package import Remote

/// The server behind one session: what is in force when a command is asked for, and what keeps the
/// records. Confined to the broker's loop.
package protocol SessionDesk: AnyObject {
    var table: CommandTable { get }
    /// Nil if the client has not proved who it is in order to run commands: it may not run anything
    /// then.
    var identity: Identity? { get }
    /// Why the session may not begin, if it has no place: nothing else may be said of it.
    var turnedAway: Refusal? { get }
    /// The time between SIGTERM and SIGKILL unless the table says otherwise.
    var grace: Duration { get }
    /// Where commands have control groups; nil if they have none.
    var groups: CommandGroups? { get }

    /// The lines that `whoami` prints.
    var whoami: String { get }

    /// Why this client may not run anything because something has changed since the session began.
    var objection: Refusal? { get }

    /// How many steps matching the values of the next request may take.
    var matchingWork: MatchingWork { get }

    /// Matching them took this many steps.
    func matched(_ steps: Int)

    /// A command is refused: how long its answer has to wait.
    func refusalDelay() -> Duration

    /// Takes what a program needs that may start as far as `decide` can tell: verifies the client's certificate again, takes
    /// a place, and records the start, for which the permit's command must be waited for. The end of the permit gives back
    /// what was taken.
    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal>

    /// The session is being served.
    func began(_ post: BeganPost)

    /// A command was refused; `entry` is nil if there is none.
    func refused(_ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal)

    /// Something other than a command was refused.
    func refused(_ refusal: Refusal)

    /// This many consecutive replies of the same name were given, including those of `help` and
    /// `whoami`.
    func replied(_ name: [UInt8], times: Int)

    /// This many frequent records are left out, which would have been about this many commands.
    func omitted(_ records: Int, commands: Int)

    /// A message was answered.
    func answered(_ message: [UInt8], isKnown: Bool)

    /// The session, which was being served, is over.
    func ended(_ post: EndedPost)

    /// It never became a session.
    func failed(_ post: HandshakeFailedPost)
}

extension SessionDesk {
    package var turnedAway: Refusal? { nil }
    package var groups: CommandGroups? { nil }
    package var matchingWork: MatchingWork { MatchingWork() }
    package func matched(_ steps: Int) {}
    package func refusalDelay() -> Duration { .zero }
}
