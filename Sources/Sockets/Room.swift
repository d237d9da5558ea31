// Memory for the bytes of a transfer, which a loop lends.
// SPDX-License-Identifier: Apache-2.0

/// Room for several records each way. Whoever moves many bytes has one between two suspensions, or
/// while it has bytes in it, so that memory goes with what is under way and not with sessions.
@safe
package final class Room {
    package let bytes: UnsafeMutableBufferPointer<UInt8>

    init() {
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
    package static let capacity = records * (recordPayload + 512)
    /// The most bytes that a TLS record carries (RFC 8446, section 5.1).
    package static let recordPayload = 16_384
}
