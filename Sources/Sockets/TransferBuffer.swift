// Memory for the bytes of a transfer, which a loop lends.
// SPDX-License-Identifier: Apache-2.0

/// Room for several records. Whoever moves many bytes has one between two suspensions, or while it has bytes in it, so
/// that memory goes with what is under way and not with sessions. It goes back to its loop with its last owner.
@safe
package final class TransferBuffer {
    package let bytes: UnsafeMutableBufferPointer<UInt8>
    private let loop: EventLoop

    /// To be made on the loop.
    package init(of loop: EventLoop) {
        assert(loop.isMine)
        self.loop = loop
        unsafe bytes = unsafe loop.spareBuffers.popLast() ?? .allocate(capacity: Self.capacity)
    }

    deinit {
        if loop.isMine, unsafe loop.spareBuffers.count < Self.maxSpare {
            unsafe loop.spareBuffers.append(bytes)
        } else {
            unsafe bytes.deallocate()
        }
    }

    /// Lends it for writing behind the first `filled` bytes, up to `limit`.
    package func fill<E>(
        _ filled: inout Int, upTo limit: Int = capacity,
        _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
    ) throws(E) {
        let room = unsafe UnsafeMutableBufferPointer(rebasing: bytes[..<limit])
        var span = unsafe OutputSpan(buffer: room, initializedCount: filled)
        try body(&span)
        filled = unsafe span.finalize(for: room)
    }

    /// Lends what is in it.
    package func read<R, E>(
        _ range: Range<Int>, _ body: (Span<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        unsafe try body(UnsafeBufferPointer(rebasing: bytes[range]).span)
    }

    /// Full records: enough that calls cost little beside them, few enough to stay in a processor's cache. With what
    /// encryption adds they are a little less than four times 64 KiB, which is what TCP hands on at most at a time: one
    /// more would send a small piece behind them.
    package static let records = 15
    /// What they carry.
    package static let payload = records * EventLoop.recordPayload
    /// What frames and records add to their payloads takes less than 512 bytes.
    package static let capacity = records * (EventLoop.recordPayload + 512)
    /// As many as one transfer needs at a time.
    private static let maxSpare = 3
}
