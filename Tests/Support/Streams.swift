// What tests read and write, a call at a time.
// SPDX-License-Identifier: Apache-2.0

@testable import Sockets

extension ByteStream {
    /// What one read returned; nil at the clean end.
    func readBytes(upTo maximum: Int = 16_384) async throws(StreamError) -> [UInt8]? {
        try await read(upTo: maximum) { Array(copying: $0) }
    }

    /// What one read returned, as text; nil at the clean end.
    func readText(upTo maximum: Int = 16_384) async throws(StreamError) -> String? {
        try await readBytes(upTo: maximum).map { String(decoding: $0, as: UTF8.self) }
    }

    /// So many bytes, of however many reads; fewer at the clean end.
    func read(_ count: Int) async throws(StreamError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count, let bytes = try await readBytes() { all += bytes }
        return all
    }

    /// Everything up to the end.
    func readAll() async throws(StreamError) -> [UInt8] { try await read(.max) }

    func write(text: String) async throws(StreamError) { try await write(Array(text.utf8)) }
}

extension Channel {
    /// Sends without waiting; the number of bytes that were taken.
    func sendNow(_ bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe max(0, send($0)) }
    }
}

extension Array where Element == UInt8 {
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}

/// A part of a long text in which a loss or an exchange shows. Its period is a prime, so that no
/// buffer's size divides it.
func pattern(_ range: Range<Int>) -> [UInt8] { Array(patternText[range]) }

private let patternText: [UInt8] = {
    var random = SplitMix(state: 1)
    var text = (0..<65_521).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    // Doubled, since a loop over millions is slow in a debug build.
    while text.count < 12_000_000 { text += text }
    return text
}()
