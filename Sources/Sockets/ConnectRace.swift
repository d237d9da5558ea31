// Connects to the first of several addresses that answers.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Connection attempts to several addresses, each begun a moment after the one before it, or as
/// soon as that one fails (RFC 8305, section 5). The first that answers wins; the others close when
/// the race is released. Confined to its loop.
final class ConnectRace: EventSource {
    /// Why an address can't be reached; nil for one that has not failed.
    private(set) var failures: [SocketAddress: StreamError] = [:]
    private var waiting: ArraySlice<SocketAddress>
    private var attempts: [ConnectAttempt] = []
    private var winner: ConnectAttempt?
    private let delay: Duration
    private let end: Moment
    private var isOver = false
    private var waiter: Waiter?

    /// - Parameters:
    ///   - addresses: in the order to try them in.
    ///   - span: the deadline for all of them.
    ///   - delay: how long an address is tried alone.
    init(
        _ addresses: [SocketAddress], within span: Duration, delay: Duration, loop: EventLoop
    ) {
        waiting = addresses[...]
        // Each is tried before time is up.
        self.delay = min(delay, span / max(1, addresses.count))
        end = loop.now + span
        super.init(loop: loop)
    }

    /// Waits for the first connection.
    ///
    /// - Returns: nil if there is none; `failures` says why.
    /// - Throws: `cancelled`; `descriptorsExhausted`, `system` if a socket can't be created.
    func socket(deadlines: Deadlines) async throws(StreamError) -> Socket? {
        startNext()
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if isOver || Task.isCancelled { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            bound.execute { $0.finish() }
        }
        isOver = true
        clearDue()
        attempts = []
        if Task.isCancelled { throw StreamError(.cancelled, "the connect was cancelled") }
        return try winner?.socket(deadlines: deadlines)
    }

    override func expired() {
        if loop.now >= end { finish() } else { startNext() }
    }

    private func startNext() {
        while !isOver, let address = waiting.popFirst() {
            do throws(StreamError) {
                let attempt = try ConnectAttempt(address, loop: loop) { [unowned self] attempt in
                    ended(attempt)
                }
                attempts.append(attempt)
                return setDue(waiting.isEmpty ? end : min(end, loop.now + delay))
            } catch {
                failures[address] = error
            }
        }
        if waiting.isEmpty, attempts.allSatisfy({ $0.failure != nil }) { finish() }
    }

    /// An attempt ended. None is released here, since the loop may be about to call another.
    private func ended(_ attempt: ConnectAttempt) {
        guard !isOver else { return }
        guard let failure = attempt.failure else {
            winner = attempt
            return finish()
        }
        failures[attempt.address] = failure
        startNext()
    }

    private func finish() {
        isOver = true
        waiter.take()?.resume()
    }
}

/// One `connect(2)` in progress.
private final class ConnectAttempt: EventSource {
    let address: SocketAddress
    private(set) var failure: StreamError?
    private let number: Int32
    private let ended: (ConnectAttempt) -> Void
    private var descriptor: Descriptor?
    private var hasEnded = false

    init(
        _ address: SocketAddress, loop: EventLoop, _ ended: @escaping (ConnectAttempt) -> Void
    ) throws(StreamError) {
        self.address = address
        self.ended = ended
        let descriptor = try openSocket(address.domain)
        let number = descriptor.number
        self.number = number
        super.init(loop: loop)
        let result = unsafe address.withSockaddr { unsafe Glibc.connect(number, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            throw StreamError(errno: errno)
        }
        self.descriptor = consume descriptor
        try loop.add(self, descriptor: number, events: .stream)
    }

    deinit { release() }

    func socket(deadlines: Deadlines) throws(StreamError) -> Socket {
        try Socket(owning: release()!, loop: loop, peer: address, deadlines: deadlines)
    }

    override func ready(_ events: Events) {
        // A second event of a failed attempt would no longer find an error.
        guard !hasEnded else { return }
        hasEnded = true
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
        if code != 0 { failure = StreamError(errno: code) }
        ended(self)
    }

    @discardableResult
    private func release() -> Descriptor? {
        guard let descriptor = descriptor.take() else { return nil }
        loop.remove(descriptor: number)
        return descriptor
    }
}
