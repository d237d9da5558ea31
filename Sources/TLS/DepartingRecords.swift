// Records that leave together.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// What OpenSSL, which hands out one record at a time, has encrypted for one call: a call costs more than a copy, and
/// each may wake the peer. It holds memory only while it holds bytes.
@safe
final class DepartingRecords {
    /// Lent while records are being added.
    private var buffer: TransferBuffer?
    private var filled = 0
    /// A copy of what the channel did not take, and how much of it has left since.
    private var rest: [UInt8] = []
    private var sent = 0

    /// Whether records are being added, none of which leaves.
    var isGathering: Bool { buffer != nil }

    var isEmpty: Bool { buffer == nil && rest.isEmpty }

    /// Begins to gather. Nothing may be left from before.
    func gather(on loop: EventLoop) {
        assert(isEmpty)
        buffer = TransferBuffer(of: loop)
        filled = 0
    }

    /// Whether another full record fits, with what OpenSSL may have to send before it.
    var hasRoom: Bool { TransferBuffer.capacity - filled >= EventLoop.recordPayload + 512 }

    /// Adds what OpenSSL sends; false if there is no room for it.
    func add(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let buffer, unsafe bytes.count <= buffer.bytes.count - filled else { return false }
        unsafe UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer.bytes)[filled...]
        ).copyMemory(from: bytes)
        filled += bytes.count
        return true
    }

    /// Gathers no more, and sends as much as the channel takes.
    ///
    /// - Returns: 0 if nothing is left; below zero an errno.
    func send(over channel: Channel) -> Int {
        var result = 0
        if let buffer = buffer.take() {
            buffer.read(0..<filled) { bytes in
                var taken = 0
                result = Self.send(bytes, &taken, over: channel)
                rest = Array(bytes.extracting(droppingFirst: taken))
                sent = 0
            }
        } else if !rest.isEmpty {
            let rest = rest
            result = Self.send(rest.span, &sent, over: channel)
            if result == 0 { self.rest = [] }
        }
        return result
    }

    private static func send(
        _ bytes: Span<UInt8>, _ sent: inout Int, over channel: Channel
    ) -> Int {
        while sent < bytes.count {
            let count = unsafe bytes.extracting(droppingFirst: sent).withUnsafeBytes {
                unsafe channel.send($0)
            }
            guard count >= 0 else { return count }
            sent += count
        }
        return 0
    }
}
