// The seam between the protocols and what carries their bytes.
// SPDX-License-Identifier: Apache-2.0
public import System

/// The result of a non-blocking call.
public enum Attempt: Sendable {
    /// The number of bytes that moved; at least one.
    case moved(Int)
    /// A clean end: there is nothing more to come.
    case ended
    /// Nothing moved: try again when the channel is ready in this direction.
    case blocked(Channel.Direction)
}

/// An ordered stream of bytes in both directions that keeps the boundaries of its carrier: a TLS
/// record, or what one `recv` returned. Confined to its channel's loop; one task reads and one
/// writes at a time, each without waiting for the other.
///
/// Conforming types make single attempts; the suspending calls of the extension are built on them.
public protocol ByteStream: AnyObject, SendableMetatype {
    var channel: Channel { get }

    /// The peer's verified name; nil if it has proved nothing.
    var peerName: String? { get }

    /// Reads at most the free capacity of `output`, and never bytes from two records.
    ///
    /// - Throws: `StreamError`; an unclean end is an error.
    func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt

    /// Reads what has arrived, from any number of records, while there is room for a full one.
    ///
    /// - Throws: `StreamError`; an unclean end is an error.
    func attemptReadMany(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt

    /// Writes a part of `bytes`, all of it in one record if it fits into one. After `.blocked` the
    /// next attempt must be for the same bytes.
    func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt

    /// Takes as many of `bytes` as fit into a few full records, which leave together. Some may still wait afterwards:
    /// `attemptFlush` sends them, and so does whatever is written next. After `.blocked` the next attempt must be for
    /// the same bytes.
    ///
    /// - Throws: `StreamError`, after which nothing more may be sent.
    func attemptWriteMany(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt

    /// Sends what `attemptWriteMany` has taken.
    ///
    /// - Returns: false if some is left: try again when the channel is ready for writing.
    /// - Throws: as `attemptWriteMany`.
    func attemptFlush() throws(StreamError) -> Bool

    /// Tells the peer that nothing more will come: `.moved` when that is on its way, `.ended` if
    /// nothing had begun.
    ///
    /// - Throws: the failure that already ended the stream, after which nothing more may be sent.
    func attemptClose() throws(StreamError) -> Attempt

    /// Bytes that were read ahead; the next read returns them.
    var readAhead: [UInt8]? { get set }
}

extension ByteStream {
    /// Waits for bytes, and calls `body` with at most `maximum` of them, from one record or `recv`.
    ///
    /// - Returns: nil at the clean end.
    /// - Throws: `StreamError`.
    public func read<R>(
        upTo maximum: Int, _ body: (Span<UInt8>) -> R
    ) async throws(StreamError) -> R? {
        precondition(maximum > 0)
        if let held = readAhead {
            // Taken in pieces, so that `maximum` holds.
            readAhead = held.count > maximum ? Array(held[maximum...]) : nil
            return body(held.span.extracting(first: maximum))
        }
        while true {
            try channel.check()
            var result: R?
            var attempt = Attempt.ended
            try channel.loop.withInput(atMost: maximum) { (input) throws(StreamError) in
                attempt = try attemptRead(into: &input)
                if case .moved = attempt { result = body(input.span) }
            }
            switch attempt {
            case .moved: return result
            case .ended: return nil
            case .blocked(let direction): try await channel.wait(for: direction)
            }
        }
    }

    /// Like `read`, for bytes whose boundaries mean nothing: calls `body` with as many as have arrived, up
    /// to a room full.
    ///
    /// - Returns: nil at the clean end.
    /// - Throws: `StreamError`.
    package func readMany<R>(_ body: (Span<UInt8>) -> R) async throws(StreamError) -> R? {
        if let held = readAhead.take() { return body(held.span) }
        while true {
            try channel.check()
            var result: R?
            switch try attemptReadMany({ result = body($0) }) {
            case .moved: return result
            case .ended: return nil
            case .blocked(let direction): try await channel.wait(for: direction)
            }
        }
    }

    private func attemptReadMany(_ body: (Span<UInt8>) -> Void) throws(StreamError) -> Attempt {
        let buffer = TransferBuffer(of: channel.loop)
        var filled = 0
        var attempt = Attempt.ended
        try buffer.fill(&filled) { (output) throws(StreamError) in
            attempt = try attemptReadMany(into: &output)
        }
        if filled > 0 { buffer.read(0..<filled, body) }
        return attempt
    }

    public func attemptReadMany(
        into output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Attempt {
        try attemptRead(into: &output)
    }

    /// Reads until there is nothing more, or room for less than a full record. The stream must tell its end or failure
    /// as often as it is asked.
    package func attemptReads(
        into output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Attempt {
        let before = output.count
        repeat {
            do throws(StreamError) {
                let attempt = try attemptRead(into: &output)
                guard case .moved = attempt else {
                    return output.count > before ? .moved(output.count - before) : attempt
                }
            } catch {
                // It is thrown again once what came before it was taken.
                if output.count == before { throw error }
                break
            }
        } while output.freeCapacity >= EventLoop.recordPayload
        return .moved(output.count - before)
    }

    /// Waits until there is something to read, without taking it.
    ///
    /// - Returns: false at the clean end.
    /// - Throws: what a read would throw.
    public func untilReadable() async throws(StreamError) -> Bool {
        if readAhead != nil { return true }
        // As much as a record holds, so that its boundary is kept.
        let bytes = try await read(upTo: EventLoop.recordPayload) { [UInt8]($0) }
        readAhead = bytes
        return bytes != nil
    }

    /// Writes all of `bytes`, up to 16 KiB of them in one record. Waits while the peer does not
    /// read; bytes that did not fit are the caller's array, not a copy of it.
    public func write(_ bytes: [UInt8]) async throws(StreamError) {
        var written = 0
        while written < bytes.count {
            try channel.check()
            switch try attemptWrite(bytes.span.extracting(droppingFirst: written)) {
            case .moved(let count): written += count
            case .blocked(let direction): try await channel.wait(for: direction)
            case .ended: throw StreamError(.reset, "the peer closed the connection")
            }
        }
    }

    public func attemptWriteMany(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        try attemptWrite(bytes)
    }

    public func attemptFlush() throws(StreamError) -> Bool { true }

    /// Like `write`, in full records of which several leave together. Returns when all of them were sent.
    package func writeMany(_ bytes: [UInt8]) async throws(StreamError) {
        var written = 0
        while true {
            try channel.check()
            var blocked = Channel.Direction.write
            if written < bytes.count {
                switch try attemptWriteMany(bytes.span.extracting(droppingFirst: written)) {
                case .moved(let count):
                    written += count
                    continue
                case .blocked(let direction): blocked = direction
                case .ended: throw StreamError(.reset, "the peer closed the connection")
                }
            } else if try attemptFlush() {
                return
            }
            try await channel.wait(for: blocked)
        }
    }

    /// Ends the stream: sends the carrier's end, then waits for the peer's, so that what was sent
    /// last is not lost to a reset; what still arrives is discarded. Gives up at the close
    /// deadline. The descriptor closes when the stream is gone.
    ///
    /// - Returns: what failed meanwhile, which matters only to callers that still expected
    ///   something: a rejected client certificate may be reported as late as this.
    @discardableResult
    public func close() async -> StreamError? {
        channel.enter(.close)
        var failure: StreamError?
        var isShut = false
        do throws(StreamError) {
            if try await announceEnd() {
                channel.shutdownWrite()
                isShut = true
                while try await read(upTo: EventLoop.recordPayload, { _ in }) != nil {}
            }
        } catch {
            failure = error
        }
        // Also after a failure: a fatal alert that was written must arrive.
        if !isShut { channel.shutdownWrite() }
        await channel.drain()
        return failure
    }

    /// - Returns: whether the end was sent; false if nothing more may be sent.
    private func announceEnd() async throws(StreamError) -> Bool {
        while true {
            switch try attemptClose() {
            case .moved: return true
            case .ended: return false
            case .blocked(let direction): try await channel.wait(for: direction)
            }
        }
    }
}

extension Channel {
    /// Discards what arrives, until the peer closes or the current deadline passes.
    fileprivate func drain() async {
        while true {
            let count = unsafe receive(into: UnsafeMutableRawBufferPointer(loop.input))
            if count > 0 { continue }
            guard count == Self.wouldBlock, (try? await wait(for: .read)) != nil else { return }
        }
    }
}
