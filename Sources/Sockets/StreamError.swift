// Why a connection could not be had, or ended other than as it should.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// A failure of a listener, a connection or a stream.
public struct StreamError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What to branch on. Layers above add their own codes.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }
    }

    public var code: Code { contents.code }
    /// One sentence without its full stop: what failed and on what, why, and what to do.
    public var description: String { contents.description }

    /// In an object of its own: each session has room for several errors and needs none.
    private let contents: Contents

    private final class Contents: Sendable {
        let code: Code
        let description: String
        init(_ code: Code, _ description: String) {
            self.code = code
            self.description = description
        }
    }

    public init(_ code: Code, _ description: String) {
        contents = Contents(code, description)
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.code == b.code && a.description == b.description
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(description)
    }

    /// A connection that broke in `operation`, whatever the network gave for its reason.
    public static func broken(in operation: String, errno number: Int32) -> StreamError {
        StreamError(.reset, "the connection broke in \(operation): \(Errno(number))")
    }

    /// No thread can be had.
    init(noThread reason: Errno) {
        self.init("cannot start a thread", errno: reason.number)
    }

    /// A system call that failed with `errno`, in the system's words alone.
    init(errno number: Int32) {
        self.init(Code(errno: number), Errno(number).description)
    }

    /// A system call that failed with `errno`.
    public init(_ operation: String, errno number: Int32) {
        self.init(Code(errno: number), "\(operation): \(Errno(number))")
    }
}

extension StreamError.Code {
    /// The address is in use by another listener.
    public static let addressInUse = Self(rawValue: "addressInUse")
    /// The address is not one of this machine's, or the port is not ours to take.
    public static let addressUnavailable = Self(rawValue: "addressUnavailable")
    /// The name has no address.
    public static let unknownHost = Self(rawValue: "unknownHost")
    /// Nobody listens there.
    public static let refused = Self(rawValue: "refused")
    /// The network has no way there.
    public static let unreachable = Self(rawValue: "unreachable")
    /// The peer ended the connection with a reset, or it was gone when we wrote.
    public static let reset = Self(rawValue: "reset")
    /// No connection within the connect deadline.
    public static let connectTimedOut = Self(rawValue: "connectTimedOut")
    /// The handshake was not done within its deadline.
    public static let handshakeTimedOut = Self(rawValue: "handshakeTimedOut")
    /// Nothing moved within the idle deadline.
    public static let idleTimedOut = Self(rawValue: "idleTimedOut")
    /// The peer did not take our end within the close deadline.
    public static let closeTimedOut = Self(rawValue: "closeTimedOut")
    /// This end was told to stop.
    public static let cancelled = Self(rawValue: "cancelled")
    /// No descriptor is free, in the process or in the system.
    public static let descriptorsExhausted = Self(rawValue: "descriptorsExhausted")
    /// A plaintext stream's peer speaks TLS.
    public static let peerSpeaksTLS = Self(rawValue: "peerSpeaksTLS")
    /// The connection ended before what was due had come.
    public static let endedEarly = Self(rawValue: "endedEarly")
    /// Any other failure of a system call.
    public static let system = Self(rawValue: "system")

    init(errno number: Int32) {
        switch number {
        case EADDRINUSE: self = .addressInUse
        case EADDRNOTAVAIL, EACCES: self = .addressUnavailable
        case ECONNREFUSED: self = .refused
        case ENETUNREACH, EHOSTUNREACH: self = .unreachable
        case ECONNRESET, EPIPE, ECONNABORTED: self = .reset
        case ETIMEDOUT: self = .connectTimedOut
        case EMFILE, ENFILE: self = .descriptorsExhausted
        default: self = .system
        }
    }
}
