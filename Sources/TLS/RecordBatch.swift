// Records of a transfer that move together.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// What lies between OpenSSL, which handles one record at a time, and a channel, whose calls cost
/// more than a record's encryption: records that are sent in one call, and those that came in one. It
/// holds memory only while it holds bytes.
@safe
final class RecordBatch {
    private var gathering: Room?
    private var gathered = 0
    /// What was gathered and the channel has not accepted.
    private var unsent: [UInt8] = []

    private var arrived: Room?
    private var arrivedRange = 0..<0

    // MARK: Receiving

    /// Whether there is something to take.
    var hasArrived: Bool { arrived != nil }

    func keep(_ room: Room, _ count: Int) {
        arrived = room
        arrivedRange = 0..<count
    }

    /// Moves what arrived into `buffer`; nil if there is nothing.
    func take(into buffer: UnsafeMutableRawBufferPointer, for loop: EventLoop) -> Int? {
        guard let room = arrived else { return nil }
        let count = min(buffer.count, arrivedRange.count)
        unsafe buffer.baseAddress!.copyMemory(
            from: room.bytes.baseAddress! + arrivedRange.lowerBound, byteCount: count)
        arrivedRange = (arrivedRange.lowerBound + count)..<arrivedRange.upperBound
        if arrivedRange.isEmpty {
            arrived = nil
            loop.giveBack(room)
        }
        return count
    }

    // MARK: Sending

    /// Whether another record may be gathered.
    var hasRoom: Bool { gathered + Self.longestRecord <= Room.capacity && unsent.isEmpty }

    /// What is sent during `body`, which does not suspend, is kept for the send that follows.
    func gather<R>(on loop: EventLoop, _ body: () -> R) -> R {
        if gathering == nil { gathering = loop.takeRoom() }
        isGathering = true
        defer { isGathering = false }
        return body()
    }
    private var isGathering = false

    /// Sends what was gathered and then `bytes`, as `Channel.send` does; nil if nothing was.
    func send(_ bytes: UnsafeRawBufferPointer, to channel: Channel) -> Int? {
        if let room = gathering, isGathering, gathered + bytes.count <= Room.capacity {
            unsafe UnsafeMutableRawPointer(room.bytes.baseAddress! + gathered).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
            gathered += bytes.count
            return bytes.count
        }
        if let room = gathering {
            defer { release(room, on: channel.loop) }
            let all = unsafe UnsafeRawBufferPointer(room.bytes)
            return unsafe send(
                UnsafeRawBufferPointer(rebasing: all[..<gathered]), then: bytes, to: channel)
        }
        guard !unsent.isEmpty else { return nil }
        var waiting: [UInt8] = []
        swap(&waiting, &unsent)
        return unsafe waiting.withUnsafeBytes { unsafe send($0, then: bytes, to: channel) }
    }

    /// Keeps what was gathered and has not been sent.
    func endGathering(on loop: EventLoop) {
        guard let room = gathering else { return }
        unsafe unsent += room.bytes[..<gathered]
        release(room, on: loop)
    }

    private func release(_ room: Room, on loop: EventLoop) {
        gathering = nil
        gathered = 0
        loop.giveBack(room)
    }

    /// - Returns: how much of `second` was sent, or below zero an errno.
    private func send(
        _ first: UnsafeRawBufferPointer, then second: UnsafeRawBufferPointer, to channel: Channel
    ) -> Int {
        let count = unsafe channel.send(first, then: second)
        if count > first.count { return count - first.count }
        unsafe unsent = Array(first[max(0, count)...])
        return count < 0 ? count : Channel.wouldBlock
    }

    /// With its header and what encryption may add (RFC 8446, section 5.2).
    private static let longestRecord = Room.recordPayload + 256 + 5
}
