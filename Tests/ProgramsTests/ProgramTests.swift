// Programs on a loop: how they start, what they get, and how they end.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ProgramTests {
    @Test(arguments: [(0, ProgramEnd.status(0)), (7, .status(7)), (255, .status(255))])
    func status_isTheProgramsOwn(number: Int, end: ProgramEnd) async throws {
        #expect(try await run("exit \(number)").end == end)
    }

    @Test(arguments: [SIGTERM, SIGKILL, SIGHUP, SIGPIPE, SIGINT])
    func signal_isToldAsOne(number: Int32) async throws {
        #expect(try await run("kill -\(number) $$").end == .signal(UInt8(number)))
    }

    @Test func output_comesApartFromErrorOutput() async throws {
        let result = try await run("echo one; echo two >&2; echo three")
        #expect(result.output == "one\nthree\n")
        #expect(result.errorOutput == "two\n")
    }

    @Test(arguments: [0o077, 0o022, 0, 0o777] as [UInt32])
    func umask_isWhatWasGiven(mask: UInt32) async throws {
        let result = try await run("umask", umask: mask)
        #expect(UInt32(result.output.line, radix: 8) == mask)
    }

    @Test func environment_isWhatWasGiven_andNothingElse() async throws {
        let result = try await run("/usr/bin/env", environment: ["A": "1", "B": "two words"])
        // The shell adds its own.
        let lines = result.output.split(separator: "\n").filter { line in
            !["PWD=", "_=", "SHLVL=", "OLDPWD="].contains { line.hasPrefix($0) }
        }
        #expect(lines.sorted() == ["A=1", "B=two words"])
    }

    @Test func directory_isTheOneGiven() async throws {
        #expect(try await run("pwd", directory: "/usr").output == "/usr\n")
    }

    @Test func descriptors_areTheStandardOnesOnly() async throws {
        let kept = Descriptor(owning: unsafe open("/dev/null", O_RDONLY))
        // Without close-on-exec a child would inherit it.
        #expect(fcntl(kept.number, F_GETFD) & FD_CLOEXEC == 0)
        let result = try await run("ls /proc/self/fd")
        // The last one is that of the folder which is listed.
        #expect(result.output == "0\n1\n2\n3\n")
    }

    @Test func signals_haveTheirDefaults() async throws {
        let result = try await run("exec cat /proc/self/status")
        let masks = result.output.split(separator: "\n").filter { line in
            ["SigBlk:", "SigIgn:", "SigCgt:"].contains { line.hasPrefix($0) }
        }.map { line in UInt64(line.drop { $0 != "\t" }.dropFirst(), radix: 16) }
        // glibc keeps 32 and 33 for itself (nptl(7)), and has a child that it starts ignore them.
        #expect(masks.count == 3)
        #expect(masks.allSatisfy { mask in mask.map { $0 & ~0x1_8000_0000 } == 0 })
    }

    @Test func program_leadsItsOwnGroup() async throws {
        let result = try await run("cut -d' ' -f5 /proc/$$/stat; echo $$")
        let numbers = result.output.split(separator: "\n")
        #expect(numbers.count == 2 && numbers[0] == numbers[1])
    }

    @Test func input_isTakenAsFarAsItIsRead_andThenEnds() async throws {
        let result = try await run("cat", input: [UInt8](repeating: 65, count: 300_000))
        #expect(result.output.utf8.count == 300_000)
        #expect(result.end == .status(0))
    }

    @Test func inputThatNobodyReads_isThrownAway() async throws {
        let result = try await run(
            "exec <&-; echo on", input: [UInt8](repeating: 65, count: 300_000))
        #expect(result.output == "on\n")
    }

    @Test func programWithoutInput_readsItsEnd() async throws {
        #expect(try await run("cat; echo end").output == "end\n")
    }

    @Test(arguments: [
        ("/nonexistent/program", "/"), ("/etc/passwd", "/"), ("/bin/true", "/nonexistent"),
    ])
    func programThatCannotStart_isAnError(path: String, directory: String) async throws {
        let code = try await onLoop { loop in
            await failureCode { () async throws(StreamError) in
                let start = ProgramStart(
                    path: path, arguments: [], environment: [:], directory: directory,
                    takesInput: true)
                _ = try await Running(start, loop: loop)
            }
        }
        #expect(code != nil)
    }
}
