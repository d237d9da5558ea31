// What is said where there can't be a keeper.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KeeperFailureTests {
    /// Old container runtimes refuse system calls that they don't know with EPERM.
    @Test(arguments: [SystemCall.closeRange, .signalfd])
    func systemCallThatIsFiltered_isNotBlamedOnProc(call: SystemCall) async throws {
        let sentence = try await sentence(where: call)
        #expect(sentence.contains("its keeper cannot be set up: Operation not permitted"))
        #expect(!sentence.contains("/proc"))
    }

    /// As where /proc is another PID namespace's, or not mounted.
    @Test func procThatCannotBeRead_isNamed() async throws {
        let sentence = try await sentence(where: .readLink)
        #expect(sentence.contains("/proc must be mounted"))
    }

    /// Why a program did not start, from a thread that may not make a system call.
    private func sentence(where call: SystemCall) async throws -> String {
        try await onLoop { loop in
            try forbid(call)
            do throws(StreamError) {
                _ = try await Running(shell("exit 0"), loop: loop)
                return "it started"
            } catch {
                return error.sentence
            }
        }
    }
}

enum SystemCall: Sendable {
    case closeRange, signalfd, readLink, clone3, capset

    fileprivate var number: UInt32 {
        switch self {
        case .closeRange: 436
        case .clone3: 435
        #if arch(x86_64)
            case .signalfd: 289
            case .readLink: 267
            case .capset: 126
        #else
            case .signalfd: 74
            case .readLink: 78
            case .capset: 91
        #endif
        }
    }
}

/// Has a system call fail with EPERM for this thread, and for all that it starts (seccomp(2)).
func forbid(_ call: SystemCall) throws(StreamError) {
    // Variadic, so that Swift does not import it.
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    guard let symbol = unsafe dlsym(nil, "prctl") else { throw StreamError("prctl", errno: ENOSYS) }
    let control = unsafe unsafeBitCast(symbol, to: Control.self)
    // struct sock_filter: code, two jumps, k. Loads the number, compares it, and returns one or the other.
    let filter: [UInt64] = [
        0x20, 0x15 | 1 << 24 | UInt64(call.number) << 32, 0x06 | UInt64(0x0005_0001) << 32,
        0x06 | UInt64(0x7fff_0000) << 32,
    ]
    let result = unsafe filter.withUnsafeBufferPointer { filter in
        let address = UInt(bitPattern: filter.baseAddress)
        let program: [UInt] = [UInt(filter.count), address]
        return unsafe program.withUnsafeBufferPointer { program in
            // PR_SET_NO_NEW_PRIVS, without which only root may; PR_SET_SECCOMP, SECCOMP_MODE_FILTER.
            guard control(38, 1, 0, 0, 0) == 0 else { return Int32(-1) }
            return control(22, 2, UInt(bitPattern: program.baseAddress), 0, 0)
        }
    }
    guard result == 0 else { throw StreamError("cannot filter system calls", errno: errno) }
}
