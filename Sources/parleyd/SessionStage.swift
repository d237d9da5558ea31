// How far a session has come in the network process.
// SPDX-License-Identifier: Apache-2.0
internal import Serving
internal import Sockets
internal import TLS

/// What is due to the client depends on it.
enum SessionStage {
    /// The handshake: nothing was asked yet.
    case opening
    /// Its handshake is done, and its task not begun.
    case beginning
    /// In the queue before the operator; a question that came meanwhile is read ahead.
    case queued
    case messages
    /// A person is asked for the reply to the last message.
    case asking
    /// One of parley/1.
    case remote(RemoteServer<TLSStream>)
    case closing

    /// Whether nothing is: no message has come that has no reply, and no reply waits to be taken.
    func isNothingDue(on stream: any ByteStream) -> Bool {
        let channel = stream.channel
        return switch self {
        case .opening: channel.unread == 0
        case .queued: stream.readAhead == nil && channel.unread == 0
        case .messages: !channel.owesPeer && channel.unread == 0
        case .remote(let remote):
            !remote.owesAnswer && !channel.owesPeer && channel.unread == 0
        case .beginning, .asking, .closing: false
        }
    }
}
