// What a session learns of a command that has run.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// How a command ended. What it left behind may still be ended after it.
struct Ending {
    let sequel: Sequel
    /// A frame was begun that the client did not take whole, so that nothing may follow it.
    let isCut: Bool

    /// What becomes of the session.
    enum Sequel {
        /// It goes on.
        case next
        /// The client has ended it.
        case clientLeft
        /// It can't go on.
        case failure(StreamError)
    }
}
