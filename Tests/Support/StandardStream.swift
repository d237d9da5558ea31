// Pipes and files in the place of a process's standard streams, for exit tests.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System

@testable import Sockets

/// What the test holds of a standard stream: the pipe's other end, closed when the last reference
/// is gone.
final class StandardStream: Sendable {
    private let descriptor: Descriptor

    /// Puts a pipe in the place of standard input, of which this is the writing end.
    static func input() -> StandardStream { StandardStream(replacing: 0) }

    /// Puts a pipe in the place of standard output, of which this is the reading end.
    static func output() -> StandardStream {
        // As the programs do; also for what the testing library writes at the process's end.
        Signals.ignoreFailedWrites()
        return StandardStream(replacing: 1)
    }

    /// Puts a file with `text` in the place of standard input.
    static func inputFile(_ text: [UInt8]) {
        guard let file = unsafe tmpfile() else { return }
        defer { unsafe fclose(file) }
        let number = unsafe fileno(file)
        _ = unsafe text.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
        _ = lseek(number, 0, SEEK_SET)
        _ = dup2(number, 0)
    }

    private init(replacing standard: Int32) {
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        _ = dup2(ends[Int(standard)], standard)
        _ = close(ends[Int(standard)])
        descriptor = Descriptor(owning: ends[1 - Int(standard)])
    }

    /// Writes all of it, and waits while nobody reads.
    func write(_ text: [UInt8]) {
        var written = 0
        while written < text.count {
            let count = unsafe text.withUnsafeBytes {
                unsafe Glibc.write(
                    descriptor.number, $0.baseAddress! + written, $0.count - written)
            }
            guard count > 0 else { return }
            written += count
        }
    }

    /// Reads on a thread of its own, until the text is what was waited for, or to the end.
    func read(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        await withCheckedContinuation { waiting in
            onThread {
                var text: [UInt8] = []
                while !isEnough(text) {
                    let chunk = self.read()
                    if chunk.isEmpty { break }
                    text += chunk
                }
                waiting.resume(returning: text)
            }
        }
    }

    /// Waits for what one read returns, which is nothing at the end.
    func read() -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe Glibc.read(descriptor.number, &chunk, chunk.count)
        return Array(chunk.prefix(max(0, count)))
    }
}
