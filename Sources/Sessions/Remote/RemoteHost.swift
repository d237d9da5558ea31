// What a remote session asks of the server that it belongs to.
// SPDX-License-Identifier: Apache-2.0
public import Commands

/// A command that may start: its place is taken and its start is recorded.
public struct Admission: Sendable {
    /// Its number in the session, from 1.
    public let number: Int
    /// By their names: all that its program's environment has, where the table says nothing else.
    public let environment: [String: String]

    public init(number: Int, environment: [String: String]) {
        self.number = number
        self.environment = environment
    }
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
    /// Between SIGTERM and SIGKILL, in seconds.
    var grace: Double { get }

    /// The lines that `whoami` prints.
    var whoami: String { get }

    /// Why this client may have no more replies, because something has changed since the session
    /// began; cheap, since it is asked for each read.
    var objection: Refusal? { get }

    /// Asks whether a program may start: takes its place and writes the record of its start.
    /// `vacate` and `left` must follow.
    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Admission, Refusal>

    /// A program that was admitted runs no more: its place is free again. Called once, before the
    /// client can know.
    func vacate(_ entry: CommandEntry)

    /// A program that was admitted has ended, and its client was told as far as it listened.
    func left(
        _ entry: CommandEntry, _ arguments: [String], _ admission: Admission, _ outcome: Outcome,
        _ usage: Usage)

    /// A command was refused; `entry` is nil where there is none.
    func refused(_ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal)

    /// A reply was given, also of `help` and `whoami`.
    func replied(_ name: Span<UInt8>)

    /// All of a read was answered: what was noted by `replied` is to be written.
    func wroteReplies()
}

extension Refusal: Error {}
