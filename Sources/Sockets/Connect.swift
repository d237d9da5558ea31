// Connects to an endpoint, address after address.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension Socket {
    /// Connects to the first of an endpoint's addresses that answers. What is left of the time is
    /// shared by the addresses that are left, so that one which swallows everything does not cost
    /// the others their try.
    ///
    /// - Parameter seconds: the deadline for all of it, the look-up of the name included.
    /// - Throws: the last address's failure: `unknownHost`, `refused`, `connectTimedOut`…
    public static func connect(
        to endpoint: Endpoint, within seconds: Double, deadlines: Deadlines, loop: EventLoop
    ) async throws(StreamError) -> Socket {
        let cancelled = StreamError(.cancelled, "the connect was cancelled")
        // Before the name is looked up, which nothing can break off.
        if Task.isCancelled { throw cancelled }
        let started = loop.now
        let lookedUp = await within(seconds, on: loop) { await endpoint.lookedUp() }
        let timedOut = StreamError(
            .connectTimedOut,
            "cannot connect to \(endpoint): no answer within \(format(seconds: seconds)); check the address, a firewall on the way, or give more with --connect-timeout"
        )
        if Task.isCancelled { throw cancelled }
        guard let lookedUp else { throw timedOut }
        let addresses = try lookedUp.get()
        var failure = StreamError(.unknownHost, "cannot find an address of \(endpoint.host)")
        for (index, address) in addresses.enumerated() {
            let left = seconds - Double(loop.now - started) / 1e9
            guard left > 0 else { throw timedOut }
            do throws(StreamError) {
                let attempt = try ConnectAttempt(address, loop: loop)
                try await attempt.finish(within: left / Double(addresses.count - index))
                return try attempt.socket(deadlines: deadlines)
            } catch {
                if error.code == .cancelled { throw error }
                failure =
                    error.code == .connectTimedOut
                    ? timedOut
                    : error.connecting(to: endpoint, at: address)
            }
        }
        throw failure
    }
}

extension StreamError {
    fileprivate func connecting(to endpoint: Endpoint, at address: SocketAddress) -> StreamError {
        let place = "\(address)" == "\(endpoint)" ? "\(endpoint)" : "\(endpoint) (\(address))"
        let remedy =
            switch code {
            case .refused: "; start the server there, or check the port"
            case .unreachable: "; check the address and this machine's routes"
            default: ""
            }
        return StreamError(code, "cannot connect to \(place): \(description)\(remedy)")
    }
}

/// One `connect(2)` under way.
private final class ConnectAttempt: EventSource, @unchecked Sendable {
    private let address: SocketAddress
    private let number: Int32
    private var descriptor: Descriptor?
    private var waiter: Waiter?
    private var timedOut = false

    init(_ address: SocketAddress, loop: EventLoop) throws(StreamError) {
        self.address = address
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

    func finish(within seconds: Double) async throws(StreamError) {
        setDue(loop.now + UInt64(seconds * 1e9))
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if Task.isCancelled { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            loop.execute { self.wake() }
        }
        clearDue()
        if Task.isCancelled { throw StreamError(.cancelled, "the connect was cancelled") }
        if timedOut { throw StreamError(.connectTimedOut, "no answer") }
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &failure, &size)
        guard failure == 0 else { throw StreamError(errno: failure) }
    }

    func socket(deadlines: Deadlines) throws(StreamError) -> Socket {
        try Socket(owning: release()!, loop: loop, peer: address, deadlines: deadlines)
    }

    override func ready(_ events: Events) { wake() }

    override func expired() {
        timedOut = true
        wake()
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }

    @discardableResult
    private func release() -> Descriptor? {
        guard let descriptor = descriptor.take() else { return nil }
        loop.remove(descriptor: number)
        return descriptor
    }
}

/// Runs `body` until it is done or the time is over, whichever comes first; what is too late is
/// left to end by itself.
///
/// - Returns: nil when the time was over.
package func within<R: Sendable>(
    _ seconds: Double, on loop: EventLoop, _ body: @escaping @Sendable () async -> R
) async -> R? {
    let race = Race<R>(loop: loop)
    race.setDue(loop.now + UInt64(seconds * 1e9))
    loop.spawn {
        let result = await body()
        race.finish(result)
    }
    return await race.outcome()
}

private final class Race<R: Sendable>: EventSource, @unchecked Sendable {
    private var waiter: Waiter?
    private var result: R?
    private var isOver = false

    func finish(_ result: R?) {
        guard !isOver else { return }
        isOver = true
        self.result = result
        clearDue()
        waiter?.resume()
    }

    override func expired() { finish(nil) }

    func outcome() async -> R? {
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if isOver || Task.isCancelled { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            loop.execute { self.finish(nil) }
        }
        return result
    }
}
