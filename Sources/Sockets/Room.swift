// Memory for the bytes of a transfer, which a loop lends.
// SPDX-License-Identifier: Apache-2.0

/// Room for several records each way. Whoever moves many bytes has one between two suspensions, or
/// while it has bytes in it, so that memory goes with what is under way and not with sessions.
@safe
package final class Room {
    package let bytes: UnsafeMutableBufferPointer<UInt8>

    fileprivate init() {
        unsafe bytes = .allocate(capacity: Self.capacity)
    }

    deinit { unsafe bytes.deallocate() }

    /// Lends it for writing behind the first `filled` bytes.
    package func fill<E>(
        _ filled: inout Int, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
    ) throws(E) {
        var span = unsafe OutputSpan(buffer: bytes, initializedCount: filled)
        try body(&span)
        filled = unsafe span.finalize(for: bytes)
    }

    /// Lends what is in it.
    package func read<R, E>(
        _ range: Range<Int>, _ body: (Span<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        unsafe try body(UnsafeBufferPointer(rebasing: bytes[range]).span)
    }

    /// Full records: enough that calls cost little beside them, few enough to stay in a processor's cache.
    package static let records = 8
    package static let capacity = records * (EventLoop.recordPayload + 512)
}

extension EventLoop {
    /// To be given back on this loop.
    package func takeRoom() -> Room {
        assert(isMine)
        return spareRooms.popLast() ?? Room()
    }

    /// Takes back a room; nobody may use it any more.
    package func giveBack(_ room: Room) {
        assert(isMine)
        if spareRooms.count < Self.maxSpareRooms { spareRooms.append(room) }
    }

    /// As many as one transfer needs at a time.
    private static let maxSpareRooms = 3
}
