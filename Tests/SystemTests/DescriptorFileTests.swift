// Paths that lead to descriptors of this process.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct DescriptorFileTests {
    private let sandbox: TemporaryFolder

    init() throws { sandbox = try TemporaryFolder() }

    @Test(arguments: [0, 1, 70_000, 200_000])
    func pipe_isRead_once(count: Int) throws {
        let pipe = try Pipe()
        let text = [UInt8](repeating: 0x78, count: count)
        try pipe.write(text)
        let path = "/dev/fd/\(pipe.reader)"
        #expect(try TrustedFile.read(path, as: .secret, limit: 1 << 20) == text)
        // A reload must neither find nothing nor wait for a writer.
        #expect(
            failureCode { () throws(FileError) in _ = try TrustedFile.read(path, limit: 1 << 20) }
                == .unreadable)
    }

    @Test func pipe_isRead_upToTheLimit() throws {
        let pipe = try Pipe()
        try pipe.write([UInt8](repeating: 0x78, count: 11))
        #expect(
            failureCode { () throws(FileError) in
                _ = try TrustedFile.read("/dev/fd/\(pipe.reader)", limit: 10)
            } == .tooLarge)
    }

    /// Whoever opened it chose the folder; what others may write into the file they may not.
    @Test(
        arguments: [(0o600, nil), (0o666, .writableByOthers)] as [(mode_t, FileError.Code?)])
    func file_isTaken_whereItIsNobodyElses(mode: mode_t, expected: FileError.Code?) throws {
        try sandbox.folder("open")
        try sandbox.file("open/f", mode)
        try sandbox.mode("open", 0o777)
        let number = unsafe open(sandbox["open/f"], O_RDONLY | O_CLOEXEC)
        defer { close(number) }
        var byte: UInt8 = 0
        // From its start, wherever its reader is.
        try #require(unsafe read(number, &byte, 1) == 1)
        for _ in 1...2 {
            var text: [UInt8] = []
            let code = failureCode { () throws(FileError) in
                text = try TrustedFile.read("/dev/fd/\(number)", limit: 99)
            }
            #expect(code == expected)
            #expect(text == (expected == nil ? Array("text".utf8) : []))
        }
    }

    @Test func record_isWrittenTo_whereItIsOpenForThat() throws {
        let pipe = try Pipe()
        let number = try TrustedFile(appending: "/dev/fd/\(pipe.writer)").release()
        #expect(unsafe write(number, "x", 1) == 1)
        close(number)
        #expect(
            failureCode { () throws(FileError) in
                _ = try TrustedFile(appending: "/dev/fd/\(pipe.reader)")
            } == .unreadable)
        #expect(
            failureCode { () throws(FileError) in _ = try TrustedFile("/dev/fd/\(pipe.writer)") }
                == .unreadable)
    }

    @Test func descriptor_isRefused_whereItIsNotOpen() {
        #expect(
            failureCode { () throws(FileError) in _ = try TrustedFile("/dev/fd/\(Int32.max)") }
                == .missing
        )
        #expect(
            failureCode { () throws(FileError) in _ = try TrustedFile("/proc/self/fd") }
                == .notRegular)
    }

    @Test func device_isRefused_andTakesRecords() throws {
        #expect(
            failureCode { () throws(FileError) in _ = try TrustedFile("/dev/null") } == .notRegular)
        close(try TrustedFile(appending: "/dev/null").release())
    }
}

/// A pipe whose ends close with it.
private final class Pipe {
    let reader: Int32
    private(set) var writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        let isMade = unsafe pipe(&ends) == 0
        try #require(isMade)
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        close(reader)
        if writer >= 0 { close(writer) }
    }

    /// Puts all into the pipe, which is made as large, and closes the writing end.
    func write(_ bytes: [UInt8]) throws {
        // F_SETPIPE_SZ of fcntl(2), which Glibc's module lacks.
        _ = fcntl(writer, 1_031, Int32(max(4_096, bytes.count)))
        _ = fcntl(writer, F_SETFL, O_NONBLOCK)
        let count = unsafe Glibc.write(writer, bytes, bytes.count)
        try #require(count == bytes.count)
        close(writer)
        writer = -1
    }
}
