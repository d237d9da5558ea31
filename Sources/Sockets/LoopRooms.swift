// The buffers that a loop lends for reading and writing.
// SPDX-License-Identifier: Apache-2.0

extension EventLoop {
    /// Lends the loop's input buffer, for a call that does not suspend.
    func withInput(
        atMost maximum: Int, _ body: (inout OutputSpan<UInt8>) throws(StreamError) -> Void
    ) throws(StreamError) {
        assert(isMine)
        let room = unsafe UnsafeMutableBufferPointer(
            rebasing: input[..<min(maximum, input.count)])
        var span = unsafe OutputSpan(buffer: room, initializedCount: 0)
        try body(&span)
    }

    /// Lends the loop's output buffer, of which `filled` bytes are in use, for a call that does not
    /// suspend.
    package func withOutput(_ filled: inout Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
        assert(isMine)
        var span = unsafe OutputSpan(buffer: output, initializedCount: filled)
        body(&span)
        filled = unsafe span.finalize(for: output)
    }

    /// What is in the loop's output buffer.
    package func withGathered<R>(
        _ filled: Int, _ body: (Span<UInt8>) throws(StreamError) -> R
    ) throws(StreamError) -> R {
        assert(isMine)
        let bytes = unsafe UnsafeBufferPointer(rebasing: output[..<filled])
        return unsafe try body(bytes.span)
    }
}
