// What a service manager needs to know about a process that it started.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// Tells systemd, or another manager with its protocol, the state of a service: sd_notify(3), with one
/// datagram per message. A message that can't be sent is dropped, since no service may end because of that.
public struct ServiceManager: Sendable {
    /// A line of a message.
    public enum State: Equatable, Sendable {
        /// The service is ready, or continues after `reloading`.
        case ready
        /// The files are being read again. With the time, as `Type=notify-reload` requires.
        case reloading(at: Moment)
        /// It is ending, and may take this long.
        case stopping(within: Duration)
        /// One line for people.
        case status(String)
        /// It is alive.
        case watchdog
    }

    /// How soon the next `watchdog` must come; nil if nobody waits for one.
    public let watchdog: Duration?
    private let path: [UInt8]

    /// - Parameters:
    ///   - environment: the process's environment; NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are
    ///     needed.
    ///   - process: its ID; nil for the caller's. A variable may be meant for its parent.
    /// - Returns: nil if there is no manager, or it uses a socket of another type.
    public init?(environment: (String) -> String?, process: Int32? = nil) {
        guard let path = environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@"),
            path.utf8.count > 1
        else { return nil }
        self.path = Array(path.utf8)
        let isMine = environment("WATCHDOG_PID").map { $0 == String(process ?? getpid()) } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdog = isMine && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Sends one message. Never waits: a manager whose socket is full misses it.
    public func tell(_ states: [State]) {
        LocalDatagrams.send(Array(states.map(\.line).joined(separator: "\n").utf8), to: path)
    }
}

extension ServiceManager.State {
    fileprivate var line: String {
        switch self {
        case .ready: "READY=1"
        case .reloading(let moment):
            "RELOADING=1\nMONOTONIC_USEC=\(moment.nanoseconds / 1_000)"
        case .stopping(let span):
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=\(max(0, Int64(span / .microseconds(1))))"
        case .status(let text):
            "STATUS=" + printable(text)
        case .watchdog: "WATCHDOG=1"
        }
    }
}
