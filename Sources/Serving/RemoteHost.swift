// What a remote session asks of the server that it belongs to.
// SPDX-License-Identifier: Apache-2.0
package import Broker
package import Remote

/// The server in front of one session: the fixed replies in force, and the way to the broker, which decides
/// about everything else. Confined to the session's loop.
package protocol RemoteHost: AnyObject {
    /// Those that are in force.
    var replies: FixedReplies { get }

    /// What its loop's sessions wait with.
    var answers: SharedAnswers { get }

    /// Why this client may have no more replies, because something has changed since the session
    /// began; cheap, since it is asked for each read.
    var objection: Refusal? { get }

    /// Asks for a command whose turn has come: one at a time, and the next one after a program's `told`.
    func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer

    /// Something was refused that is no request, which the name is of where there is one.
    func refused(_ name: String, _ refusal: Refusal)

    /// A fixed reply was given.
    func replied(_ name: Span<UInt8>)

    /// All of a read was answered: what was noted by `replied` is to be written.
    func wroteReplies()
}
