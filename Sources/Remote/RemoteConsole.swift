// What a remote session's client reads from and writes to.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

/// Where a command's output goes and its input comes from. Confined to its loop.
public protocol RemoteConsole: AnyObject {
    func write(output bytes: Span<UInt8>)
    /// Pieces of `bytes` that came together.
    func write(output pieces: [Range<Int>], of bytes: Span<UInt8>)
    func write(errorOutput bytes: Span<UInt8>)

    /// Whether so much was written that no more should come until it is consumed.
    var isFull: Bool { get }

    /// Waits until everything that was written is consumed.
    func drained() async

    /// At most `count` bytes for the running command; nil at the end.
    ///
    /// - Throws: `cancelled`; `system` if it can't be read.
    func input(upTo count: Int) async throws(StreamError) -> [UInt8]?

    /// Reads input that is there already into the free capacity, at most `count` bytes, in pieces: each but the last
    /// has `length` bytes, and before each are `gap` bytes of no meaning. Without it, all input comes from `input`.
    ///
    /// - Returns: the number of bytes without the gaps; 0 if `input` must tell what there is, such as the end.
    func inputAtHand(
        _ count: Int, into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int
}

extension RemoteConsole {
    public func write(output pieces: [Range<Int>], of bytes: Span<UInt8>) {
        for piece in pieces { write(output: bytes.extracting(piece)) }
    }

    public func inputAtHand(
        _ count: Int, into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int { 0 }
}
