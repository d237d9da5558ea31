// How a session went, and what the log says about it.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Conversations
internal import Sockets
internal import System
internal import TLS

/// How it went.
enum SessionOutcome {
    /// It did not begin because this is not the one session of `--once`.
    case refused
    case handshakeFailed(StreamError)
    case messages(Int)
    case commands(Int)
    case failed(StreamError)

    /// - Parameter messages: how a conversation of messages has ended.
    init(_ messages: Result<Int, StreamError>) {
        switch messages {
        case .success(let count): self = .messages(count)
        case .failure(let error): self = .failed(error)
        }
    }

    /// Whether it reached its conversation.
    var wasServed: Bool {
        switch self {
        case .refused, .handshakeFailed: false
        case .messages, .commands, .failed: true
        }
    }

    var isFailure: Bool { if case .failed = self { true } else { false } }

    /// Whether it ended because the operator has left, who could not answer anybody else either.
    var isOperatorsEnd: Bool {
        if case .failed(let error) = self { error.code == .operatorLeft } else { false }
    }

    /// For the log.
    var words: String {
        switch self {
        case .refused: "refused: the one session of --once is under way"
        case .handshakeFailed(let error):
            isOnlyAKnock ? error.told : "refused: \(error.told)"
        case .messages(let count):
            "session ended after \(count) \(count == 1 ? "message" : "messages")"
        case .commands(let count):
            "session ended after \(count) \(count == 1 ? "command" : "commands")"
        case .failed(let error): "session failed: \(error.told)"
        }
    }

    /// For the audit trail.
    var reason: String {
        if case .failed(let error) = self { error.told } else { words }
    }

    /// What the client of a plaintext session may have meant, as the end of a sentence.
    func suspicion(of channel: Channel) -> String {
        if channel.opening.isProxyHeader {
            return
                "; it began with a PROXY protocol header, which this server reads as a message: turn it off at the balancer that sends it, or name the balancer with --proxy-from"
        }
        if case .failed(let failure) = self, failure.code == .peerSpeaksTLS { return "" }
        return channel.opening.speaksTLS ? "; the client spoke TLS to this plaintext port" : ""
    }

    /// A silent or vanished peer gets no alert.
    var canBeTold: Bool {
        guard case .handshakeFailed(let error) = self else { return true }
        return !error.code.isUnsaid
    }

    /// A probe of whether the port is open: nobody was refused anything.
    var isOnlyAKnock: Bool {
        guard case .handshakeFailed(let error) = self else { return false }
        return error.code == .leftWithoutAWord
    }
}

extension Channel {
    /// The peer's address and, as far as known, its identity and cipher.
    ///
    /// - Parameter balancer: who forwards the connection of this peer.
    func name(with tls: TLSStream?, via balancer: SocketAddress?) -> String {
        var name = peer?.description ?? "?"
        if let balancer { name += " via \(balancer)" }
        guard let tls else { return name }
        // In the form that the table, the trail and `whoami` use, so that one search finds it in
        // all of them.
        if let peer = tls.peerIdentity { name += " " + bounded(peer.attribution) }
        if tls.isEstablished { name += " \(tls.version) \(tls.cipher)" }
        return name
    }
}

extension StreamError.Code {
    /// The rights of the session's client have changed since its handshake.
    static var notAllowedAnyMore: Self { Self(rawValue: "notAllowedAnyMore") }
    /// The session's client has shown who it is, but there is no place for another session of its
    /// identity.
    static var turnedAway: Self { Self(rawValue: "turnedAway") }
}
