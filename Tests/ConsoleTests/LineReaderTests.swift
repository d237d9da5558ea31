// Standard input by lines, from pipes and files.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Console
@testable import Sockets
@testable import TestSupport

/// In processes of their own, since standard input is the process's.
@Suite(.timeLimit(.minutes(1)))
struct LineReaderTests {
    struct Input: Codable, Sendable {
        let text: String
        let lines: [String]
    }

    /// With a limit of 8 bytes.
    static let inputs = [
        Input(text: "", lines: []),
        Input(text: "a", lines: ["a"]),
        Input(text: "a\nb\n", lines: ["a", "b"]),
        Input(text: "a\r\nb\r\n\r\n", lines: ["a", "b", ""]),
        Input(text: "\n\na", lines: ["", "", "a"]),
        Input(text: "a\rb\nc", lines: ["a\rb", "c"]),
        Input(text: "12345678\n12345678", lines: ["12345678", "12345678"]),
        Input(text: "12345678\r\nb", lines: ["12345678", "b"]),
        // One byte more than the limit represents any number.
        Input(text: "123456789\nb\n", lines: ["123456789", "b"]),
        Input(text: "1234567890\nb\n", lines: ["123456789", "b"]),
        Input(text: String(repeating: "1", count: 100_000) + "\nb", lines: ["111111111", "b"]),
        Input(text: "a\n" + String(repeating: "1", count: 100_000), lines: ["a", "111111111"]),
        Input(
            text: String(repeating: "a\n", count: 5_000),
            lines: Array(repeating: "a", count: 5_000)),
    ]

    @Test func lines_areRead_fromAPipe() async {
        await #expect(processExitsWith: .success) {
            for input in LineReaderTests.inputs {
                onThread { [stream = StandardStream.input()] in
                    stream.write(Array(input.text.utf8))
                }
                try await LineReaderTests.expectLines(input)
            }
        }
    }

    @Test func lines_areRead_fromAFile() async {
        await #expect(processExitsWith: .success) {
            for input in LineReaderTests.inputs {
                StandardStream.inputFile(Array(input.text.utf8))
                try await LineReaderTests.expectLines(input)
            }
        }
    }

    /// The end, and what was read with a line before, are for whoever asks for them one by one.
    @Test(arguments: [false, true])
    func bytesAtHand_areReadInPieces_withGaps(isFile: Bool) async {
        await #expect(processExitsWith: .success) { [isFile] in
            let bytes = Array("line\n".utf8) + pattern(0..<12_000)
            if isFile {
                StandardStream.inputFile(bytes)
            } else {
                StandardStream.input().write(bytes)
            }
            try await onLoop { loop in
                let reader = LineReader(loop: loop)
                #expect(try await reader.next(limit: 8) == Array("line".utf8))
                var room = [UInt8](repeating: 0xee, count: 5_000)
                #expect(LineReaderTests.atHand(reader, 5_000, &room) == (0, 0))
                let ahead = try await reader.next(upTo: 5_000) ?? []
                #expect(ahead == pattern(0..<4_091))
                // What is left of a packet would be lost, if the pipe has such (pipe(2)).
                if !isFile { #expect(LineReaderTests.atHand(reader, 4_095, &room) == (0, 0)) }
                #expect(LineReaderTests.atHand(reader, 4_500, &room) == (4_500, 4_520))
                #expect(Array(room[4..<1_004]) == pattern(4_091..<5_091))
                #expect(room[1_004..<1_008].allSatisfy { $0 == 0xee })
                #expect(Array(room[2_012..<3_012]) == pattern(6_091..<7_091))
                #expect(LineReaderTests.atHand(reader, 4_500, &room) == (3_409, 3_425))
                #expect(LineReaderTests.atHand(reader, 4_500, &room) == (0, 0))
                #expect(try await reader.next(upTo: 10) == nil)
            }
        }
    }

    @Test func line_isWaitedFor_andComesAsSoonAsItEnds() async {
        await #expect(processExitsWith: .success) {
            let stream = StandardStream.input()
            stream.write(Array("first\nsec".utf8))
            try await onLoop { loop in
                let reader = LineReader(loop: loop)
                let line = try await reader.next(limit: 8)
                #expect(line == Array("first".utf8))
                let waiting = loop.spawn { try? await reader.next(limit: 8) }
                await turns(10)
                stream.write(Array("ond\n".utf8))
                #expect(await waiting.value == Array("second".utf8))
            }
        }
    }

    @Test func cancellation_endsTheWait_andLeavesTheInput() async {
        await #expect(processExitsWith: .success) {
            let stream = StandardStream.input()
            try await onLoop { loop in
                let reader = LineReader(loop: loop)
                for wait in 0..<3 {
                    let waiting = loop.spawn {
                        await failureCode { () async throws(StreamError) in
                            try await reader.next(limit: 8)
                        }
                    }
                    if wait > 0 { await turns(10) }
                    waiting.cancel()
                    #expect(await waiting.value == .cancelled)
                }
                stream.write(Array("line\n".utf8))
                let line = try await reader.next(limit: 8)
                #expect(line == Array("line".utf8))
            }
        }
    }

    /// - Returns: how many bytes were read in pieces of 1,000, and how much of the room was filled.
    private static func atHand(
        _ reader: LineReader, _ count: Int, _ room: inout [UInt8]
    ) -> (Int, Int) {
        unsafe room.withUnsafeMutableBufferPointer { buffer in
            var span = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
            let count = reader.readAtHand(count, into: &span, cutting: 1_000, after: 4)
            return (count, unsafe span.finalize(for: buffer))
        }
    }

    private static func expectLines(_ input: Input) async throws {
        try await onLoop { loop in
            let reader = LineReader(loop: loop)
            var lines: [String] = []
            while let line = try await reader.next(limit: 8) {
                lines.append(String(decoding: line, as: UTF8.self))
            }
            #expect(lines == input.lines)
            // The end stays the end.
            let line = try await reader.next(limit: 8)
            #expect(line == nil)
        }
    }
}
