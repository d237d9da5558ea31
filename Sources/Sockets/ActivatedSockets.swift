// Listening sockets that the service manager has opened.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The sockets that a process was started with by socket activation, as sd_listen_fds(3) has them: descriptors 3 and
/// following. The manager keeps them open while the service restarts, so that no client is refused meanwhile.
public struct ActivatedSockets {
    private let count: Int

    /// - Parameters:
    ///   - environment: the process's environment; LISTEN_PID and LISTEN_FDS are needed.
    ///   - process: its ID; nil for the caller's. The variables may be meant for its parent.
    public init(environment: (String) -> String?, process: Int32? = nil) {
        let isMine = environment("LISTEN_PID") == String(process ?? getpid())
        let count = environment("LISTEN_FDS").flatMap { Int($0) } ?? 0
        self.count = isMine ? max(0, count) : 0
    }

    /// Whether there are none, so that the process must open its own.
    public var isEmpty: Bool { count == 0 }

    /// Takes ownership of them. To be called once.
    ///
    /// - Throws: `system` where one is not a TCP socket that listens.
    public func listeners() throws(StreamError) -> [Listener] {
        guard count <= Self.maxCount else {
            throw StreamError(
                .system,
                "socket activation passed \(count) sockets, but at most \(Self.maxCount) are supported"
            )
        }
        var listeners: [Listener] = []
        for number in 0..<Int32(count) {
            listeners.append(try Listener(activated: Descriptor(owning: Self.first + number)))
        }
        return listeners
    }

    /// SD_LISTEN_FDS_START.
    private static let first: Int32 = 3
    /// More than anyone has addresses to listen on.
    private static let maxCount = 64
}

extension Listener {
    /// Takes over a socket that another process opened.
    ///
    /// - Throws: `system` where it is not a TCP socket that listens.
    fileprivate convenience init(activated descriptor: consuming Descriptor) throws(StreamError) {
        let number = descriptor.number
        func option(_ name: Int32) -> Int32? {
            var value: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(number, SOL_SOCKET, name, &value, &length) == 0 else {
                return nil
            }
            return value
        }
        guard option(SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(SO_ACCEPTCONN) == 1,
            option(SO_DOMAIN) == AF_INET || option(SO_DOMAIN) == AF_INET6,
            fcntl(number, F_SETFD, FD_CLOEXEC) == 0,
            fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0
        else {
            throw StreamError(
                .system,
                "descriptor \(number) from socket activation is not a listening TCP socket; use ListenStream= with a port in the socket unit"
            )
        }
        try self.init(owning: descriptor)
        setOptionsOfConnection(number)
    }
}
