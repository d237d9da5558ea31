// What finding the blocks of a PEM file takes.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import TLS
@testable import TestSupport

@Suite struct PEMBeginningsTests {
    private static let block = """
        -----BEGIN CERTIFICATE-----
        \(String(repeating: "MIIB", count: 64))
        -----END CERTIFICATE-----

        """

    /// Looks at a text.
    ///
    /// - Returns: what is found, and how long it takes.
    private static func look(at text: String) throws -> (PEMBeginnings, Duration) {
        let folder = try TemporaryFolder()
        try folder.file("blocks.pem", 0o600, text)
        return unsafe try PEMFile(folder["blocks.pem"]).withBIO { bio in
            let began = processorTime()
            let beginnings = unsafe PEMBeginnings(bio, label: "CERTIFICATE")
            return (beginnings, processorTime() - began)
        }
    }

    /// Of this thread, which others on a loaded machine don't lengthen.
    private static func processorTime() -> Duration {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Whatever is done for a block by all that comes before it makes ten times as many take a hundred times as long.
    @Test func aFileOfTenTimesAsManyBlocks_takesTenTimesAsLong() throws {
        func least(_ blocks: Int) throws -> Duration {
            let text = String(repeating: Self.block, count: blocks)
            return try (0..<3).map { _ in
                let (beginnings, time) = try Self.look(at: text)
                #expect(beginnings.count == blocks)
                return time
            }.min()!
        }
        let (few, many) = (try least(40), try least(400))
        #expect(many < few * 40, "\(many) beside \(few)")
    }

    /// The sentence says it, wherever the block is.
    @Test func theLineOfAMistake_isTold() throws {
        let text = String(repeating: Self.block, count: 100) + " " + Self.block
        let (beginnings, _) = try Self.look(at: text)
        #expect(beginnings.count == 101)
        #expect(beginnings.mistake?.hasPrefix("in line 301 ") == true)
    }
}
