// What epoll reports about a descriptor.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// The events of epoll(7).
public struct Events: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Events(rawValue: EPOLLIN.rawValue)
    public static let writable = Events(rawValue: EPOLLOUT.rawValue)
    /// The peer has closed, or shut down its sending half.
    public static let ended = Events(
        rawValue: EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue)
    /// Wakes one of the loops that share a listening socket, not all of them.
    static let exclusive = Events(rawValue: EPOLLEXCLUSIVE.rawValue)
    static let edgeTriggered = Events(rawValue: EPOLLET.rawValue)

    /// The events for one direction.
    package static let reading: Events = [.readable, .edgeTriggered]
    package static let writing: Events = [.writable, .edgeTriggered]

    /// No writer, or no reader, is left; always reported.
    package static let hungUp = Events(rawValue: EPOLLHUP.rawValue)
    /// Reports nothing but that.
    package static let hangingUp: Events = .edgeTriggered

    /// A file of the kernel's reports that its content has changed.
    package static let changing: Events = [Events(rawValue: EPOLLPRI.rawValue), .edgeTriggered]

    /// For a channel whose peer usually reads at once what it is sent: between processes, each message that the peer
    /// reads would be a separate event.
    package static let receiving: Events = [
        .readable, Events(rawValue: EPOLLRDHUP.rawValue), .edgeTriggered,
    ]
    /// The events for a connected stream.
    package static let stream: Events = [
        .readable, .writable, Events(rawValue: EPOLLRDHUP.rawValue), .edgeTriggered,
    ]
}
