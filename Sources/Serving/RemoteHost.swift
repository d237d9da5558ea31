// What a remote session asks of the server that it belongs to.
// SPDX-License-Identifier: Apache-2.0
public import Commands
public import Remote

/// The server behind one session: what is in force when a command is asked for, and who keeps the
/// records. Confined to the session's loop.
public protocol RemoteHost: AnyObject {
    var table: CommandTable { get }
    /// The fixed replies of `table`.
    var replies: FixedReplies { get }
    var identity: Identity { get }
    /// Between SIGTERM and SIGKILL where the table says nothing else.
    var grace: Duration { get }

    /// The lines that `whoami` prints.
    var whoami: String { get }

    /// Why this client may have no more replies, because something has changed since the session
    /// began; cheap, since it is asked for each read.
    var objection: Refusal? { get }

    /// Takes what a program needs that may start as far as `decide` knows: verifies the client's certificate
    /// again, takes a place, and writes the record of the start. The permit's end gives back what it took.
    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal>

    /// A command was refused; `entry` is nil where there is none.
    func refused(_ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal)

    /// A reply was given, also of `help` and `whoami`.
    func replied(_ name: Span<UInt8>)

    /// All of a read was answered: what was noted by `replied` is to be written.
    func wroteReplies()
}
