// Connects to an endpoint.
// SPDX-License-Identifier: Apache-2.0
public import System

extension Socket {
    /// Connects to the first of an endpoint's addresses that answers. Families take turns, and if
    /// an address has not answered within a quarter of a second, the next one is tried as well (RFC
    /// 8305), so that an unresponsive one costs no more than that.
    ///
    /// - Parameters:
    ///   - endpoint: the host and its port.
    ///   - span: the deadline for everything, including the name look-up.
    ///   - deadlines: for what follows.
    ///   - loop: the socket's loop, which must be the caller's.
    /// - Throws: the last address's failure: `unknownHost`, `refused`, `connectTimedOut`…
    public static func connect(
        to endpoint: Endpoint, within span: Duration, deadlines: Deadlines, loop: EventLoop
    ) async throws(StreamError) -> Socket {
        // Before the name look-up, which nothing can interrupt.
        try checkCancellation()
        let started = loop.now
        let lookedUp = await within(span, on: loop) { await endpoint.lookedUp() }
        try checkCancellation()
        let left = span - (loop.now - started)
        guard let lookedUp, left > .zero else { throw .noAnswer(from: endpoint, within: span) }
        let addresses = alternating(try lookedUp.get())
        let race = ConnectRace(addresses, within: left, delay: attemptDelay, loop: loop)
        if let socket = try await race.socket(deadlines: deadlines) { return socket }
        guard let last = addresses.last else {
            throw StreamError(.unknownHost, "cannot find an address for \(endpoint.host)")
        }
        throw race.failures[last].map { $0.connecting(to: endpoint, at: last) }
            ?? .noAnswer(from: endpoint, within: span)
    }

    private static func checkCancellation() throws(StreamError) {
        if Task.isCancelled { throw StreamError(.cancelled, "the connect was cancelled") }
    }

    /// The families in turn, beginning with that of the first address (RFC 8305, section 4): if one
    /// family does not work, it does not cost the delay for each of its addresses.
    static func alternating(_ addresses: [SocketAddress]) -> [SocketAddress] {
        let first = addresses.filter { $0.family == addresses[0].family }
        let second = addresses.filter { $0.family != addresses[0].family }
        var result: [SocketAddress] = []
        for index in 0..<max(first.count, second.count) {
            if index < first.count { result.append(first[index]) }
            if index < second.count { result.append(second[index]) }
        }
        return result
    }

    /// What RFC 8305 recommends (section 8).
    private static let attemptDelay = Duration.milliseconds(250)
}

extension StreamError {
    /// Whether a sentence says that a connect failed, and so names its endpoint.
    package static func namesEndpoint(_ sentence: String) -> Bool {
        ["cannot connect to ", "cannot find an address for "].contains {
            sentence.utf8.starts(with: $0.utf8)
        }
    }

    fileprivate static func noAnswer(from endpoint: Endpoint, within span: Duration) -> StreamError
    {
        StreamError(
            .connectTimedOut,
            "cannot connect to \(endpoint): no answer within \(span.words)",
            remedy: .waitLongerForConnection)
    }

    fileprivate func connecting(to endpoint: Endpoint, at address: SocketAddress) -> StreamError {
        let place = "\(address)" == "\(endpoint)" ? "\(endpoint)" : "\(endpoint) (\(address))"
        let advice =
            switch code {
            case .refused: "; start the server there, or check the port"
            case .unreachable: "; check the address and this machine's routes"
            default: ""
            }
        return saying("cannot connect to \(place): \(sentence)\(advice)")
    }
}
