// What epoll tells of a descriptor.
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

    /// What one direction asks for.
    package static let reading: Events = [.readable, .edgeTriggered]
    package static let writing: Events = [.writable, .edgeTriggered]

    /// No writer, or no reader, is left; told without being asked for.
    package static let hungUp = Events(rawValue: EPOLLHUP.rawValue)
    /// What asks for nothing but that.
    package static let hangingUp: Events = .edgeTriggered

    /// What a channel asks for whose peer mostly takes at once what it is sent: for one between processes each message
    /// that the peer has read would be an event of its own.
    package static let receiving: Events = [
        .readable, Events(rawValue: EPOLLRDHUP.rawValue), .edgeTriggered,
    ]
    /// What a connected stream asks for, once and for all.
    package static let stream: Events = [
        .readable, .writable, Events(rawValue: EPOLLRDHUP.rawValue), .edgeTriggered,
    ]
}
