// Why a connection could not be established, or ended badly.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// A failure of a listener, a connection or a stream. Layers above add their own codes.
public typealias StreamError = Fault<Streams>

/// The domain of `StreamError`.
public enum Streams: FaultDomain {
    /// One end of a connection.
    public enum End: String, Sendable { case client, server }

    /// What the administrator or user of this end can change. Layers above add their cases here.
    public enum Remedy: Hashable, Sendable {
        /// The server may only be slow, or the address wrong.
        case waitLongerForConnection
        /// The peer speaks TLS, but this end plaintext.
        case speakTLS
        /// The peer sent nothing: perhaps it waits for TLS.
        case speakTLSIfPeerDoes
        /// The peer speaks plaintext, but this end TLS.
        case haveEncrypt(End, mayBePlaintext: Bool)
        /// The peer left during the handshake.
        case findOutWhetherPeerSpeaksTLS(mayBePlaintext: Bool)
        case allowOlderTLS(End)
        /// The certificate has names, but not the one that was asked for.
        case askForNameOfServer
        /// The only names in the certificate are URIs, such as this one; safe to print.
        case askForServer(String)
        /// The peer's certificate does not lead to a trusted CA.
        case trust(End, isSelfSigned: Bool)
        /// The server requires a certificate, but this end has none.
        case giveCertificate
        /// The server does not accept this end's certificate.
        case giveTrustedCertificate
        /// The server has only message sessions.
        case offerRemoteSessions
        /// The process may have no more descriptors.
        case raiseDescriptorLimit
        /// The system has no more.
        case raiseSystemDescriptorLimit
        /// The user, or the control group, may have no more processes, of which each thread counts as one.
        case raiseProcessLimit
        /// This end and the server have no cipher in common, or the server requires a certificate.
        case updateOrGiveCertificate
    }
}

extension StreamError {
    /// A connection that broke during `operation`, with the network's reason.
    package static func broken(in operation: String, errno number: Int32) -> StreamError {
        StreamError(
            .reset, "the connection broke during \(operation): \(Errno(number))",
            cause: .system(Errno(number)))
    }

    /// No thread can be started.
    package init(noThread reason: Errno, for purpose: String? = nil) {
        self.init("cannot start a thread" + (purpose.map { " \($0)" } ?? ""), started: reason)
    }

    /// No process or thread can be started.
    package init(_ operation: String, started reason: Errno) {
        self.init(
            Code(errno: reason.number), "\(operation): \(reason)",
            remedy: reason.number == EAGAIN
                ? .raiseProcessLimit : Streams.Remedy(errno: reason.number),
            cause: .system(reason))
    }

    /// A system call that failed with `errno`, in the system's words alone.
    init(errno number: Int32) {
        let reason = Errno(number)
        self.init(
            Code(errno: number), reason.description, remedy: Streams.Remedy(errno: number),
            cause: .system(reason))
    }

    /// A system call that failed with `errno`.
    package init(_ operation: String, errno number: Int32) {
        let reason = Errno(number)
        self.init(
            Code(errno: number), "\(operation): \(reason)", remedy: Streams.Remedy(errno: number),
            cause: .system(reason))
    }
}

extension Streams.Remedy {
    /// The remedy for an `errno`, if there is one.
    fileprivate init?(errno number: Int32) {
        switch number {
        case EMFILE: self = .raiseDescriptorLimit
        case ENFILE: self = .raiseSystemDescriptorLimit
        default: return nil
        }
    }
}

extension StreamError.Code {
    /// The address is in use by another listener.
    public static var addressInUse: Self { Self(rawValue: "addressInUse") }
    /// The address does not belong to this machine, or this user may not use the port.
    public static var addressUnavailable: Self { Self(rawValue: "addressUnavailable") }
    /// The name has no address.
    public static var unknownHost: Self { Self(rawValue: "unknownHost") }
    /// Nobody listens there.
    public static var refused: Self { Self(rawValue: "refused") }
    /// The network has no route there.
    public static var unreachable: Self { Self(rawValue: "unreachable") }
    /// The peer ended the connection with a reset, or it was gone when we wrote.
    public static var reset: Self { Self(rawValue: "reset") }
    /// No connection within the connect deadline.
    public static var connectTimedOut: Self { Self(rawValue: "connectTimedOut") }
    /// The handshake was not finished within its deadline.
    public static var handshakeTimedOut: Self { Self(rawValue: "handshakeTimedOut") }
    /// Nothing moved within the idle deadline.
    public static var idleTimedOut: Self { Self(rawValue: "idleTimedOut") }
    /// The peer did not read our end within the close deadline.
    public static var closeTimedOut: Self { Self(rawValue: "closeTimedOut") }
    /// This end was told to stop.
    public static var cancelled: Self { Self(rawValue: "cancelled") }
    /// No descriptor is free, in the process or in the system.
    public static var descriptorsExhausted: Self { Self(rawValue: "descriptorsExhausted") }
    /// A plaintext stream's peer speaks TLS.
    public static var peerSpeaksTLS: Self { Self(rawValue: "peerSpeaksTLS") }
    /// The connection ended before what was due had arrived.
    public static var endedEarly: Self { Self(rawValue: "endedEarly") }
    /// Any other failure of a system call.
    public static var system: Self { Self(rawValue: "system") }

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
