// How far a session has come in the network process.
// SPDX-License-Identifier: Apache-2.0
internal import Serving
internal import Sockets
internal import TLS

/// What is owed to the client depends on it.
enum SessionStage {
    /// The handshake: nothing was asked for yet.
    case opening
    /// Its handshake is finished, and its task has not begun.
    case beginning
    /// In the queue for the operator; a question that came meanwhile is read ahead.
    case queued
    case messages
    /// A person is being asked for the reply to the last message.
    case asking
    /// A parley/1 session.
    case remote(RemoteServer<TLSStream>)
    case closing

    /// Whether nothing is owed: every message that has come has its reply, and every reply was
    /// taken.
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
