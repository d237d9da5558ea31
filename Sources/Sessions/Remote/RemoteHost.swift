// What a remote session asks of the server that it belongs to.
// SPDX-License-Identifier: Apache-2.0
public import Commands

/// A command that may start: its place is taken and its start is recorded. `vacate` and `left` must
/// follow, in any order. Confined to the session's loop, and may outlive the session.
public protocol AdmittedCommand: AnyObject {
    /// By their names: all that its program's environment has, where the table says nothing else.
    var environment: [String: String] { get }

    /// Nothing of it runs any more: its place is free again. Called once; before the client can know of
    /// its end, unless something was left running or had to be ended after that.
    func vacate()

    /// It has ended, and its client was told as far as it listened. What it left behind was ended too,
    /// or can't be (`usage`). Called once.
    func left(_ outcome: Outcome, _ usage: Usage)
}

/// What a command moved, and how long it took.
public struct Usage: Sendable {
    /// The program's process; nil where it could not be started.
    public var pid: Int32?
    /// Bytes of input that came for it.
    public var bytesIn = 0
    /// Bytes of output and error output that it wrote within its limit, whoever took them.
    public var bytesOut = 0
    /// From its start until its client was told of its end.
    public var nanoseconds: UInt64 = 0
    /// Processes that it had left behind when it ended by itself, and that were ended after it.
    public var leftEnded = 0
    /// Something of it could not be ended and runs on.
    public var isLeftRunning = false
    /// Nothing moved yet.
    public init() {}
}

/// The server behind one session: what is in force when a command is asked for, and who keeps the
/// records. Confined to the session's loop.
public protocol RemoteHost: AnyObject {
    var table: CommandTable { get }
    /// The fixed replies of `table`.
    var replies: ReplyTable { get }
    var identity: Identity { get }
    /// Between SIGTERM and SIGKILL where the table says nothing else, in seconds.
    var grace: Double { get }

    /// The lines that `whoami` prints.
    var whoami: String { get }

    /// Why this client may have no more replies, because something has changed since the session
    /// began; cheap, since it is asked for each read.
    var objection: Refusal? { get }

    /// Asks whether a program may start: takes its place and writes the record of its start.
    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<any AdmittedCommand, Refusal>

    /// A command was refused; `entry` is nil where there is none.
    func refused(_ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal)

    /// A reply was given, also of `help` and `whoami`.
    func replied(_ name: Span<UInt8>)

    /// All of a read was answered: what was noted by `replied` is to be written.
    func wroteReplies()
}

extension Refusal: Error {}
