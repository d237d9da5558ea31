// Why a connection is closed before it has a session, though its client has done nothing wrong yet.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import TLS

/// A limit that keeps a connection out.
enum Closing: Error, Equatable {
    /// Too many handshakes of its address have failed lately.
    case tooManyFailures
    /// Too many connections of its address have no finished handshake.
    case tooManyHandshakes
    /// As many connections are open as may.
    case tooManySessions
    /// Another connection has its place.
    case gaveWay

    var code: StreamError.Code {
        switch self {
        case .tooManyFailures: .tooManyFailures
        case .tooManyHandshakes: .tooManyHandshakes
        case .tooManySessions: .tooManySessions
        case .gaveWay: .gaveWay
        }
    }

    /// - Parameter full: what is told where as many connections are open as may.
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
                "\(limits.mostOfAddress) connections from this address have not finished their handshake, its limit (--max-handshakes-per-address)"
            )
        case .tooManySessions:
            StreamError(code, full)
        case .gaveWay:
            StreamError(
                code,
                "it made way for another connection before it had finished its handshake, because the limit of waiting connections was reached (--max-handshakes \(limits.mostHandshakes))"
            )
        }
    }
}

extension StreamError.Code {
    static var tooManyFailures: Self { Self(rawValue: "tooManyFailures") }
    static var tooManyHandshakes: Self { Self(rawValue: "tooManyHandshakes") }
    static var tooManySessions: Self { Self(rawValue: "tooManySessions") }
    static var gaveWay: Self { Self(rawValue: "gaveWay") }

    /// Whether the handshake failed by the client's doing, as far as this end knows. Who was only looking (`leftWithoutAWord`)
    /// and who said nothing in time counts too: both take as much as other failures do, and no health check comes twenty times a second.
    /// One that gave way counts: most of those are a flood's own. Who was turned away does not, since it has shown who it is.
    /// What was closed unread doesn't count either: otherwise one client of many behind an address could keep the others out with connections
    /// that cost it next to nothing.
    var isTheClients: Bool {
        ![
            .tooManyFailures, .tooManyHandshakes, .tooManySessions, .turnedAway, .cancelled,
            .noSignature, .descriptorsExhausted, .system,
        ].contains(self)
    }

    /// Whether this end closes the connection without another word: its client was not listened to, or may not be there.
    var isUnsaid: Bool {
        [
            .tooManyFailures, .tooManyHandshakes, .tooManySessions, .gaveWay, .handshakeTimedOut,
            .reset, .leftWithoutAWord,
        ].contains(self)
    }
}
