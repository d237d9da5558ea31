// Accepts connections on a loop.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import System

/// Accepts on one loop. It survives whatever a single connection does, and waits when descriptors
/// have run out.
public final class Acceptor: EventSource {
    private let listener: Listener
    private let canAccept: () -> Bool
    private let accepted: (consuming Descriptor, SocketAddress) -> Void
    private let exhausted: (Bool) -> Void
    private let lacking: () -> Void
    private var state = State.stopped

    private enum State {
        case accepting
        /// Not watched, since it may not accept; asked again at a deadline.
        case held
        /// Not watched, since descriptors have run out; tried again at a deadline.
        case paused
        /// Watched again after a pause; the next accept shows whether a descriptor is free.
        case trying
        case stopped
    }

    /// Starts to accept. To be called on the loop's thread.
    ///
    /// - Parameters:
    ///   - listener: where connections arrive.
    ///   - loop: the loop to accept on.
    ///   - canAccept: asked before each connection is taken; while it says no, they wait. It is asked
    ///     again at `resume()`, and ten times a second.
    ///   - exhausted: called with true when descriptors have run out and accepting pauses, with
    ///     false when it continues, which shows with the next connection.
    ///   - lacking: called each time that a connection waits and no descriptor is free.
    ///   - accepted: takes ownership of each connection.
    public init(
        _ listener: Listener, loop: EventLoop, canAccept: @escaping () -> Bool = { true },
        exhausted: @escaping (Bool) -> Void, lacking: @escaping () -> Void = {},
        accepted: @escaping (consuming Descriptor, SocketAddress) -> Void
    ) throws(StreamError) {
        self.listener = listener
        self.canAccept = canAccept
        self.accepted = accepted
        self.exhausted = exhausted
        self.lacking = lacking
        super.init(loop: loop)
        try watch()
        state = .accepting
    }

    deinit { stop() }

    /// Stops accepting; connections that are not accepted yet are left to the other loops.
    public func stop() {
        clearDue()
        if isWatching { loop.remove(descriptor: listener.descriptor.number) }
        state = .stopped
    }

    /// Resumes accepting if it was interrupted: a descriptor is free again, or `canAccept` may have
    /// another answer.
    public func resume() {
        if isWaiting { expired() }
    }

    override public func ready(_ events: Events) {
        for _ in 0..<Self.acceptsPerTurn where isWatching {
            guard canAccept() else { return hold() }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let number = unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe parley_accept4(listener.descriptor.number, $0, &length)
                }
            }
            if number >= 0 {
                let descriptor = Descriptor(owning: number)
                if state == .trying {
                    state = .accepting
                    exhausted(false)
                }
                if let peer = SocketAddress(storage) { accepted(descriptor, peer) }
                continue
            }
            switch errno {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause()
            case EAGAIN: return
            // The connection is gone or the network failed (accept(2)): the next may be good.
            default: continue
            }
        }
    }

    override public func expired() {
        guard isWaiting else { return }
        guard canAccept(), (try? watch()) != nil else {
            return setDue(loop.now + Self.pause)
        }
        clearDue()
        state = state == .held ? .accepting : .trying
    }

    private var isWatching: Bool { state == .accepting || state == .trying }

    private var isWaiting: Bool { state == .held || state == .paused }

    /// Level-triggered and exclusive: a connection wakes one loop, and keeps waking it while it
    /// waits.
    private func watch() throws(StreamError) {
        try loop.add(
            self, descriptor: listener.descriptor.number, events: [.readable, .exclusive])
    }

    private func pause() {
        if state == .accepting { exhausted(true) }
        lacking()
        wait(as: .paused)
    }

    /// If it were watched, a connection that may not be accepted yet would wake the loop endlessly.
    private func hold() {
        // After a pause it isn't known yet whether a descriptor is free.
        wait(as: state == .trying ? .paused : .held)
    }

    private func wait(as waiting: State) {
        loop.remove(descriptor: listener.descriptor.number)
        state = waiting
        setDue(loop.now + Self.pause)
    }

    /// Few, so that a burst of connections spreads over the loops.
    private static let acceptsPerTurn = 4
    /// Another process may free a descriptor, without any notice here.
    private static let pause = Duration.milliseconds(100)
}
