// What a session learns about a command that has run.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// How a command ended. What it left behind may still be ended afterwards.
struct Ending {
    let sequel: Sequel
    /// A frame was begun that the client did not read completely, so nothing may follow it.
    let isCut: Bool

    /// What happens to the session.
    enum Sequel {
        /// It continues.
        case next
        /// The client has ended it.
        case clientLeft
        /// It can't continue.
        case failure(StreamError)
    }
}
