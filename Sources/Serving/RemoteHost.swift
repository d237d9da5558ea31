// What a remote session asks of its server.
// SPDX-License-Identifier: Apache-2.0
package import Broker
package import Remote

/// The server that one session sees: the fixed replies in force, and the link to the broker, which decides
/// about everything else. Confined to the session's loop.
package protocol RemoteHost: AnyObject {
    /// The replies in force.
    var replies: FixedReplies { get }

    /// What its loop's sessions share of answers that wait.
    var answers: SharedAnswers { get }

    /// Why this client may have no more replies because something has changed since the session
    /// began; cheap, since it is asked for each read.
    var objection: Refusal? { get }

    /// Asks for a command whose turn has come: one at a time, and the next one after the `told` of a
    /// program.
    func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer

    /// Something was refused that is not a request; with its name, if it has one.
    func refused(_ name: String, _ refusal: Refusal)

    /// A fixed reply was given.
    func replied(_ name: Span<UInt8>)

    /// Everything in a read was answered: what was noted by `replied` must be written.
    func wroteReplies()
}
