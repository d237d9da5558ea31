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
    func withOutput(_ filled: inout Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
        assert(isMine)
        var span = unsafe OutputSpan(buffer: output, initializedCount: filled)
        body(&span)
        filled = unsafe span.finalize(for: output)
    }
}
