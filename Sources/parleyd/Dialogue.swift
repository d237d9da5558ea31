// What a session is about.
// SPDX-License-Identifier: Apache-2.0
internal import Serving
internal import TLS

/// A conversation that is served in a task.
enum Dialogue {
    case exchange(Exchange)
    case commands(RemoteServer<TLSStream>)

    /// A message or two, or an operator's.
    enum Exchange {
        case hello, greeting, chat
    }
}
