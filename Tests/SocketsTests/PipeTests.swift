// A program's pipes: what moves together, and what a full pipe leaves behind.
// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import System
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PipeTests {
    /// Each piece but the last is whole, with a gap before it.
    @Test func reader_cutsWhatIsThere_withGaps() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            let reader = try nonBlockingReader(pipe, loop)
            #expect(write(pattern(0..<250), to: writer) == 250)
            // Only one piece, until a whole one was there.
            var room = [UInt8](repeating: 0xee, count: 260)
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (100, 104))
            #expect(room[0..<4].allSatisfy { $0 == 0xee })
            #expect(Array(room[4..<104]) == pattern(0..<100))
            room = [UInt8](repeating: 0xee, count: 260)
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (150, 158))
            #expect(Array(room[4..<104]) == pattern(100..<200))
            #expect(room[104..<108].allSatisfy { $0 == 0xee })
            #expect(Array(room[108..<158]) == pattern(200..<250))
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (0, 0))
        }
    }

    /// A room that ends within a piece, or within a gap, is filled so far.
    @Test(arguments: [(204, 196), (206, 198), (208, 200), (211, 200), (213, 201), (216, 204)])
    func reader_fillsItsRoom(_ capacity: Int, _ expected: Int) async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            let reader = try nonBlockingReader(pipe, loop)
            #expect(write(pattern(0..<500), to: writer) == 500)
            var room = [UInt8](repeating: 0, count: 104)
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (100, 104))
            room = [UInt8](repeating: 0, count: capacity)
            let (count, filled) = read(reader, into: &room, cutting: 100, after: 4)
            #expect(count == expected)
            #expect(filled <= capacity)
            var bytes: [UInt8] = []
            for start in stride(from: 4, to: filled, by: 104) {
                bytes += room[start..<min(start + 100, filled)]
            }
            #expect(bytes == pattern(100..<(100 + expected)))
        }
    }

    @Test func reader_takesNoMore_thanWasThereAtTheEnd() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            let reader = try nonBlockingReader(pipe, loop)
            #expect(write(pattern(0..<250), to: writer) == 250)
            var room = [UInt8](repeating: 0, count: 104)
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (100, 104))
            reader.endBehindWhatIsThere()
            #expect(write(pattern(0..<250), to: writer) == 250)
            room = [UInt8](repeating: 0, count: 1_000)
            #expect(read(reader, into: &room, cutting: 100, after: 4) == (150, 158))
            #expect(reader.hasEnded)
        }
    }

    /// Whoever has a pipe's end can open the other one (proc(5)).
    @Test func reader_hasEnded_whereAnotherTookTheRest() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            let reader = try nonBlockingReader(pipe, loop)
            #expect(write(pattern(0..<250), to: writer) == 250)
            reader.endBehindWhatIsThere()
            let other = Descriptor(
                owning: unsafe open("/proc/self/fd/\(writer.number)", O_RDONLY | O_CLOEXEC))
            var taken = [UInt8](repeating: 0, count: 250)
            #expect(unsafe Glibc.read(other.number, &taken, 250) == 250)
            var room = [UInt8](repeating: 0, count: 104)
            #expect(reader.isReadable)
            #expect(read(reader, into: &room, cutting: 100, after: 4).0 == 0)
            #expect(reader.hasEnded)
        }
    }

    /// While more is there than is read at a time, nobody waits for it; then what comes is reported again, and the end.
    @Test func reader_isToldWhatComes_onceItHasReadAll() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            unblock(writer)
            parley_widen_pipe(writer.number, 1 << 18)
            let end = pipe.takeReader()
            unblock(end)
            var changes = 0
            let reader = try PipeReader(end, loop: loop) { changes += 1 }
            let bytes = pattern(0..<200_000)
            #expect(write(bytes, to: writer) == bytes.count)
            await turns(2)
            #expect(changes == 1)
            var room = [UInt8](repeating: 0, count: 70_000)
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 70_000)
            #expect(room == pattern(0..<70_000))
            // The program's writes then cost it no report.
            #expect(write(pattern(0..<10), to: writer) == 10)
            await turns(2)
            #expect(changes == 1)
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 70_000)
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 60_010)
            #expect(Array(room[60_000..<60_010]) == pattern(0..<10))
            #expect(reader.isReadable)
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 0)
            #expect(!reader.isReadable)
            await turns(2)
            #expect(changes == 1)
            #expect(write(pattern(0..<10), to: writer) == 10)
            await turns(2)
            #expect(changes == 2)
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 10)
            // Again, and the writer goes while nobody waits.
            #expect(write(bytes, to: writer) == bytes.count)
            for _ in 0..<2 {
                #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 70_000)
            }
            do { _ = consume writer }
            #expect(read(reader, into: &room, cutting: 70_000, after: 0).0 == 60_000)
            #expect(!reader.hasEnded)
            // A program that another test is just starting may hold a copy of the writer for a moment.
            try await eventually("it has ended") {
                let count = read(reader, into: &room, cutting: 70_000, after: 0).0
                return count == 0 && reader.hasEnded
            }
        }
    }

    /// It looks again by itself where the system could not be asked to report.
    @Test func reader_looksAgain_whereNothingIsReported() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let writer = pipe.takeWriter()
            unblock(writer)
            let end = pipe.takeReader()
            unblock(end)
            let number = end.number
            let reader = try PipeReader(end, loop: loop) {}
            var room = [UInt8](repeating: 0, count: 65_536)
            #expect(write(pattern(0..<65_536), to: writer) == 65_536)
            #expect(read(reader, into: &room, cutting: 65_536, after: 0).0 == 65_536)
            // Whoever is there already is a failure as good as any.
            let other = EventSource(loop: loop)
            try loop.add(other, descriptor: number, events: .reading)
            #expect(read(reader, into: &room, cutting: 65_536, after: 0).0 == 0)
            #expect(!reader.isReadable)
            withExtendedLifetime(other) { loop.remove(descriptor: number) }
            #expect(write([1, 2, 3], to: writer) == 3)
            try await eventually("it is read") {
                read(reader, into: &room, cutting: 65_536, after: 0).0 == 3
            }
            #expect(read(reader, into: &room, cutting: 65_536, after: 0).0 == 0)
            // Reported again.
            #expect(write([4], to: writer) == 1)
            await turns(2)
            #expect(reader.isReadable)
        }
    }

    /// In one call as far as they fit, and the rest as the program reads.
    @Test func writer_passesPiecesOn_pastAFullPipe() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let reader = pipe.takeReader()
            unblock(reader)
            let writer = try nonBlockingWriter(pipe, loop)
            var pieces: [Range<Int>] = []
            // More than one call takes, and more than fits.
            for start in stride(from: 0, to: 200_000, by: 5_000) {
                pieces.append(start..<(start + 4_990))
            }
            let bytes = pattern(0..<200_000)
            let expected = pieces.flatMap { bytes[$0] }
            writer.write(pieces, of: bytes.span)
            #expect(writer.taken <= 65_536)
            #expect(writer.taken >= 57_344)
            writer.finish()
            var arrived: [UInt8] = []
            while !writer.isClosed || arrived.count < expected.count {
                arrived += readAll(reader)
                await turns(1)
            }
            #expect(arrived == expected)
            #expect(writer.taken == expected.count)
        }
    }

    /// Pieces that the program will not read are discarded, as with a shell's pipe.
    @Test func writer_discardsPieces_whereNobodyReads() async throws {
        await #expect(processExitsWith: .success) {
            Signals.ignoreFailedWrites()
            try await onLoop { loop in
                let pipe = try Pipe()
                let writer = try nonBlockingWriter(pipe, loop)
                do { _ = pipe.takeReader() }
                writer.write([0..<10, 20..<40], of: pattern(0..<50).span)
                await turns(2)
                #expect(writer.isClosed)
                writer.write([0..<10, 20..<40], of: pattern(0..<50).span)
                #expect(writer.isClosed)
            }
        }
    }

    /// Others stay as they are, since a user may have only so many (pipe(7)).
    @Test func pipe_isWidened_onceItHasATransfer() async throws {
        try await onLoop { loop in
            let pipe = try Pipe()
            let reader = pipe.takeReader()
            unblock(reader)
            let number = reader.number
            let other = try Pipe()
            let toOther = other.takeWriter()
            unblock(toOther)
            let otherReader = try nonBlockingReader(other, loop)
            let usual = parley_pipe_capacity(number)
            let writer = try nonBlockingWriter(pipe, loop)
            let bytes = pattern(0..<32_768)
            for _ in 0..<31 {
                writer.write(bytes.span)
                _ = readAll(reader)
            }
            #expect(parley_pipe_capacity(number) == usual)
            writer.write(bytes.span)
            #expect(parley_pipe_capacity(number) > usual)
            var room = [UInt8](repeating: 0, count: 65_536)
            for _ in 0..<32 {
                #expect(write(bytes, to: toOther) == bytes.count)
                #expect(read(otherReader, into: &room, cutting: 65_536, after: 0).0 == bytes.count)
            }
            #expect(parley_pipe_capacity(toOther.number) > usual)
        }
    }
}

private func nonBlockingReader(_ pipe: Pipe, _ loop: EventLoop) throws -> PipeReader {
    let end = pipe.takeReader()
    unblock(end)
    return try PipeReader(end, loop: loop) {}
}

private func nonBlockingWriter(_ pipe: Pipe, _ loop: EventLoop) throws -> PipeWriter {
    let end = pipe.takeWriter()
    unblock(end)
    return try PipeWriter(end, loop: loop) {}
}

private func write(_ bytes: [UInt8], to writer: borrowing Descriptor) -> Int {
    unsafe Glibc.write(writer.number, bytes, bytes.count)
}

/// - Returns: how many bytes were read, and how much of the room was filled.
private func read(
    _ reader: PipeReader, into room: inout [UInt8], cutting length: Int, after gap: Int
) -> (Int, Int) {
    unsafe room.withUnsafeMutableBufferPointer { buffer in
        var span = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
        let count = reader.read(into: &span, cutting: length, after: gap)
        return (count, unsafe span.finalize(for: buffer))
    }
}

private func readAll(_ reader: borrowing Descriptor) -> [UInt8] {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe Glibc.read(reader.number, &chunk, chunk.count)
        guard count > 0 else { return all }
        all += chunk[..<count]
    }
}
