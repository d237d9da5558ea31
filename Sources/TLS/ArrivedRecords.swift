// Records of a transfer that came together.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// What a channel had at once and OpenSSL, which handles one record at a time, has not taken: a call costs more than a
/// record's decryption. It holds memory only while it holds bytes.
@safe
final class ArrivedRecords {
    private var room: Room?
    private var range = 0..<0

    var isEmpty: Bool { room == nil }

    /// - Parameters:
    ///   - room: holds them from its beginning, until they were taken.
    ///   - count: how many bytes they are.
    func keep(_ room: Room, _ count: Int) {
        self.room = room
        range = 0..<count
    }

    /// Moves them into `buffer`, as far as they fit; nil if there are none.
    func take(into buffer: UnsafeMutableRawBufferPointer, for loop: EventLoop) -> Int? {
        guard let room else { return nil }
        let count = min(buffer.count, range.count)
        unsafe buffer.baseAddress!.copyMemory(
            from: room.bytes.baseAddress! + range.lowerBound, byteCount: count)
        range = (range.lowerBound + count)..<range.upperBound
        if range.isEmpty {
            self.room = nil
            loop.giveBack(room)
        }
        return count
    }
}
