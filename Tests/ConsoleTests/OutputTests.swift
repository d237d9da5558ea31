// Standard output on a loop: nothing is lost to a slow reader, and nothing grows with one.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Console
@testable import Conversations
@testable import Sockets
@testable import TestSupport

/// In processes of their own, since standard output is the process's.
@Suite(.timeLimit(.minutes(1)))
struct OutputTests {
    @Test func lines_reachTheReader_atTheEndOfTheTurn() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let output = Output(.output, loop: loop)
                write("one", to: output)
                write("two", to: output)
                await turns(3)
                withExtendedLifetime(output) {}
            }
            #expect(reader.read() == Array("one\ntwo\n".utf8))
        }
    }

    @Test func flushed_waits_untilTheReaderHasTakenAll() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let text = [UInt8](repeating: 0x78, count: 800_000)
                let output = Output(.output, loop: loop)
                output.write(text)
                let isFlushed = Shared(false)
                let flushing = loop.spawn {
                    await output.flushed()
                    isFlushed.value = true
                }
                await turns(20)
                #expect(!isFlushed.value)
                let isSame = await reader.read { $0.count >= 800_000 } == text
                #expect(isSame)
                await flushing.value
            }
        }
    }

    /// Pieces are written at once as far as that is possible, and in their order behind what waits.
    @Test func pieces_areWrittenInTheirOrder_pastASlowReader() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let output = Output(.output, loop: loop)
                output.keepsLines = false
                let bytes = pattern(0..<400_000)
                let pieces = stride(from: 0, to: bytes.count, by: 20_000).map {
                    $0..<($0 + 19_000)
                }
                output.write(Array(pieces[0..<2]), of: bytes.span)
                #expect(output.backlog == 0)
                #expect(output.isAtLineStart == (bytes[38_999] == 0x0a))
                for start in stride(from: 2, to: pieces.count, by: 3) {
                    output.write(Array(pieces[start...].prefix(3)), of: bytes.span)
                }
                let expected = pieces.flatMap { bytes[$0] }
                let flushing = loop.spawn { await output.flushed() }
                let isSame = await reader.read { $0.count >= expected.count } == expected
                #expect(isSame)
                await flushing.value
            }
        }
    }

    /// At a program's end, when no loop runs any more.
    @Test func flush_waitsForTheReader_orForItsTime() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            let output = Output(.output, loop: try EventLoop())
            let text = [UInt8](repeating: 0x78, count: 800_000)
            output.write(text)
            output.flush(within: .milliseconds(20))
            #expect(output.backlog > 0 && output.backlog < 800_000)
            // A slow one, so that the pipe is full most of the time.
            async let read = reader.read {
                usleep(20_000)
                return $0.count >= 800_000
            }
            output.flush(within: .seconds(50))
            #expect(output.backlog == 0)
            let isSame = await read == text
            #expect(isSame)
        }
    }

    @Test func linesThatNobodyReads_areLeftOut_andCounted() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let output = Output(.output, loop: loop)
                let line = String(repeating: "x", count: 1_023)
                for _ in 0..<3_000 {
                    write(line, to: output)
                    await turns(1)
                }
                let flushing = loop.spawn { await output.flushed() }
                let text = await reader.read { $0.suffix(2).elementsEqual(Array(")\n".utf8)) }
                await flushing.value
                // A mebibyte, what the pipe takes, and the line that went beyond.
                #expect(text.count <= 1_048_576 + 65_536 + 2_048)
                let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
                let kept = lines.dropLast()
                #expect(kept.allSatisfy { $0 == line })
                #expect(
                    lines.last
                        == "(\(3_000 - kept.count) lines were dropped because nobody was reading)")
            }
        }
    }

    @Test func readerThatIsGone_isToldOnce_andEndsNoProcess() async {
        await #expect(processExitsWith: .success) {
            _ = StandardStream.output()
            try await onLoop { loop in
                let output = Output(.output, loop: loop)
                let failures = Shared<[Int32]>([])
                output.failed = { failures.value.append($0) }
                for _ in 0..<3 {
                    write("one", to: output)
                    await output.flushed()
                    await turns(3)
                }
                #expect(failures.value == [EPIPE])
            }
        }
    }

    @Test func transcript_printsTheDocumentsLines_withPromptsBeforeTheirAnswers() async {
        await #expect(processExitsWith: .success) {
            let input = StandardStream.input()
            let reader = StandardStream.output()
            input.write(Array("Hello\n".utf8))
            try await onLoop { loop in
                let transcript = transcript(on: loop, input: LineReader(loop: loop))
                #expect(!transcript.isInteractive)
                let line = try await transcript.ask("Execute command: ")
                #expect(line == Array("Hello".utf8))
                transcript.print("Server response: Greetings!")
                let bytes: [UInt8] = [0x61, 0xff, 0x1b]
                transcript.print("Received: ", bytes.span)
                await transcript.output.flushed()
            }
            let text = await reader.read { $0.suffix(2) == [0x1b, 0x0a] }
            #expect(
                String(decoding: text, as: UTF8.self)
                    == "Execute command: Server response: Greetings!\nReceived: a\u{fffd}\u{1b}\n")
        }
    }

    /// A message neither ends a line of its own nor leaves a rest that begins one (PIPE_BUF, pipe(7)).
    @Test func transcript_keepsAMessageInOneLine_whereItMeetsRecords() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let transcript = transcript(on: loop, meetsRecords: true)
                transcript.print("Received: ", Array("a\n{\"event\"}\u{1b}\t".utf8).span)
                let long = [UInt8](repeating: 0x0a, count: 1_024)
                transcript.print("Received: ", long.span)
                transcript.print("the end")
                await transcript.output.flushed()
            }
            let text = await reader.read { $0.suffix(8) == Array("the end\n".utf8) }
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.first == #"Received: a\x0a{"event"}\x1b\#t"#)
            #expect(lines.allSatisfy { $0.utf8.count < 4_096 })
        }
    }

    /// What a long line is cut to is UTF-8, wherever its characters begin.
    @Test func longMessage_isCutBetweenCharacters() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let transcript = transcript(on: loop, meetsRecords: true)
                for start in 0..<4 {
                    let text =
                        String(repeating: "x", count: start)
                        + String(repeating: "\u{1F980}", count: 1_500)
                    transcript.print("Received: ", Array(text.utf8).span)
                }
                transcript.print("the end")
                await transcript.output.flushed()
            }
            let text = await reader.read { $0.suffix(8) == Array("the end\n".utf8) }
            let lines = try #require(String(validating: text, as: UTF8.self)).split(separator: "\n")
            #expect(lines.count == 5)
            #expect(lines.allSatisfy { $0.utf8.count < 4_096 })
        }
    }

    @Test func hiddenTranscript_printsNothing_untilItIsShownAgain() async {
        await #expect(processExitsWith: .success) {
            let reader = StandardStream.output()
            try await onLoop { loop in
                let transcript = transcript(on: loop)
                transcript.isHidden = true
                transcript.print("hidden")
                transcript.print("Received: ", [0x61].span)
                transcript.isHidden = false
                transcript.print("the end")
                await transcript.output.flushed()
            }
            #expect(reader.read() == Array("the end\n".utf8))
        }
    }

    @Test func quietTranscript_asks_andPrintsNothing() async {
        await #expect(processExitsWith: .success) {
            let input = StandardStream.input()
            let reader = StandardStream.output()
            input.write(Array("Hello\n".utf8))
            try await onLoop { loop in
                let transcript = transcript(
                    on: loop, input: LineReader(loop: loop), isQuiet: true)
                let line = try await transcript.ask("Execute command: ")
                #expect(line == Array("Hello".utf8))
                transcript.print("Server response: Greetings!")
                transcript.print("Received: ", [0x61].span)
                write("the end", to: transcript.output)
                await transcript.output.flushed()
            }
            #expect(reader.read() == Array("the end\n".utf8))
        }
    }
}

private func write(_ line: String, to output: Output) {
    let start = output.position
    output.write(line.utf8)
    output.endLine(from: start)
}

private func transcript(
    on loop: EventLoop, input: LineReader? = nil, isQuiet: Bool = false, meetsRecords: Bool = false
) -> ConsoleTranscript {
    let output = Output(.output, loop: loop)
    return ConsoleTranscript(
        output: output, input: input, log: Log(program: "test", loop: loop), isQuiet: isQuiet,
        form: ConsoleTranscript.Form(of: output, meetsRecords: meetsRecords))
}
