// Records of a transfer that came together.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// What a channel had at once and OpenSSL, which handles one record at a time, has not taken: a call costs more than a
/// record's decryption. It holds memory only while it holds bytes.
@safe
final class ArrivedRecords {
    private var buffer: TransferBuffer?
    private var range = 0..<0

    var isEmpty: Bool { buffer == nil }

    /// - Parameters:
    ///   - buffer: holds them from its beginning, until they were taken.
    ///   - count: how many bytes they are.
    func keep(_ buffer: TransferBuffer, _ count: Int) {
        self.buffer = buffer
        range = 0..<count
    }

    /// Moves them into `target`, as far as they fit; nil if there are none.
    func take(into target: UnsafeMutableRawBufferPointer) -> Int? {
        guard let buffer else { return nil }
        let count = min(target.count, range.count)
        unsafe target.baseAddress!.copyMemory(
            from: buffer.bytes.baseAddress! + range.lowerBound, byteCount: count)
        range = (range.lowerBound + count)..<range.upperBound
        if range.isEmpty { self.buffer = nil }
        return count
    }
}
