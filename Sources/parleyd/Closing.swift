// Why a connection is closed before it has a session although its client has done nothing wrong yet.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import TLS

/// A limit that keeps a connection out.
enum Closing: Error, Equatable {
    /// Too many handshakes from its address have failed recently.
    case tooManyFailures
    /// Too many connections from its address have not finished their handshake.
    case tooManyHandshakes
    /// The limit of open connections is reached.
    case tooManySessions
    /// Another connection took its place.
    case gaveWay

    var code: StreamError.Code {
        switch self {
        case .tooManyFailures: .tooManyFailures
        case .tooManyHandshakes: .tooManyHandshakes
        case .tooManySessions: .tooManySessions
        case .gaveWay: .gaveWay
        }
    }

    /// - Parameter full: what to say when the limit of open connections is reached.
    func error(_ limits: StrangerLimits, full: String) -> StreamError {
        switch self {
        case .tooManyFailures:
            StreamError(
                code,
                "more than \(limits.failuresASecond) handshakes per second from this address have failed (--max-failed-handshakes); its connections are closed unread until fewer do"
            )
        case .tooManyHandshakes:
            StreamError(
                code,
                "\(limits.maxPerAddress) connections from this address have not finished their handshake, its limit (--max-handshakes-per-address)"
            )
        case .tooManySessions:
            StreamError(code, full)
        case .gaveWay:
            StreamError(
                code,
                "it made way for another connection before it had finished its handshake, because the limit of waiting connections was reached (--max-handshakes \(limits.maxHandshakes))"
            )
        }
    }
}

extension StreamError.Code {
    static var tooManyFailures: Self { Self(rawValue: "tooManyFailures") }
    static var tooManyHandshakes: Self { Self(rawValue: "tooManyHandshakes") }
    static var tooManySessions: Self { Self(rawValue: "tooManySessions") }
    static var gaveWay: Self { Self(rawValue: "gaveWay") }

    /// Whether the handshake failed through the client's own doing, as far as this end can tell. A client that only probed the port
    /// (`leftWithoutAWord`) and one that sent nothing in time count too: both cost as much as other failures, and no health check comes
    /// twenty times a second. A connection that made way counts: most of those belong to a flood. One that was turned away does not, since it
    /// has shown who it is. A connection that was closed unread doesn't count either: otherwise one of many clients behind an address could
    /// keep the others out with connections that cost it next to nothing.
    var isTheClients: Bool {
        ![
            .tooManyFailures, .tooManyHandshakes, .tooManySessions, .turnedAway, .cancelled,
            .noSignature, .descriptorsExhausted, .system,
        ].contains(self)
    }

    /// Whether this end closes the connection without a word: its client was not listened to, or may be gone.
    var isUnsaid: Bool {
        [
            .tooManyFailures, .tooManyHandshakes, .tooManySessions, .gaveWay, .handshakeTimedOut,
            .reset, .leftWithoutAWord,
        ].contains(self)
    }
}
