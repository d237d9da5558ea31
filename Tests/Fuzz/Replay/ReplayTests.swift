// The inputs that the fuzzers keep, as ordinary tests.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ReplayTests {
    @Test(arguments: Fuzzer.all.map(\.name))
    func corpus_keepsEveryPromise(name: String) throws {
        let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
        let folder = Self.corpus + "/" + name
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = try Data(contentsOf: URL(filePath: folder + "/" + file))
            do throws(Finding) {
                try fuzzer.body(Array(bytes))
            } catch {
                Issue.record("\(name)/\(file): not kept: \(error)")
            }
        }
    }

    // What no file has: nothing at all, and more than any of them.
    @Test(arguments: Fuzzer.all.map(\.name))
    func extremes_keepEveryPromise(name: String) throws {
        let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
        for byte in [0, 10, 0x20, 0x2f, 0x30, 0x5b, 0x61, 0x7b, 0xff] as [UInt8] {
            for count in [0, 1, 2, 10_000] {
                try fuzzer.body([UInt8](repeating: byte, count: count))
            }
        }
    }

    @Test func finding_isFound() {
        #expect(throws: Finding.self) { try require(false, "") }
    }

    private static let corpus =
        #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/corpus"
}
