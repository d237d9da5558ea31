// The helper that confines itself (Tests/Confined), as these tests start it.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System

/// How far the helper goes.
enum Stage: String, CaseIterable, Sendable {
    /// The first step only.
    case files
    /// Both.
    case calls
    /// Both, where a forbidden call fails and is told.
    case told
}

/// What came of it.
struct Outcome: Sendable, Equatable {
    /// What it said, without the line's end.
    var said = ""
    var complained = ""
    var end: ProgramEnd?
}

/// A helper that runs.
final class Helper {
    let pid: pid_t
    private let input: Int32
    private let output: Int32
    private let errorOutput: Int32

    init(_ stage: Stage, _ work: String, _ words: [String] = [], user: UInt32? = nil) throws {
        // Each ours, and the helper's.
        var pairs: [[Int32]] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
                throw HelperFailed("socketpair", errno)
            }
            pairs.append(ends)
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, ends) in pairs.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], Int32(number))
        }
        let path = try Self.path()
        let arguments = [path, stage.rawValue, user.map(String.init) ?? "-", work] + words
        var list = unsafe arguments.map { unsafe strdup($0) } + [nil]
        // LeakSanitizer looks for leaks from a process of its own, which can't be started here.
        var environment = unsafe [strdup("ASAN_OPTIONS=detect_leaks=0"), strdup("PATH=/bin"), nil]
        defer { _ = unsafe (list + environment).map { unsafe free($0) } }
        var pid: pid_t = 0
        // What runs tests blocks signals, and nohup ignores some.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
        unsafe posix_spawnattr_setflags(&attributes, flags)
        let failure = unsafe posix_spawn(&pid, path, &actions, &attributes, &list, &environment)
        for ends in pairs { close(ends[1]) }
        guard failure == 0 else { throw HelperFailed("cannot start \(path)", failure) }
        self.pid = pid
        (input, output, errorOutput) = (pairs[0][0], pairs[1][0], pairs[2][0])
    }

    deinit { _ = [input, output, errorOutput].map { close($0) } }

    /// Beside the tests' own executable.
    private static func path() throws -> String {
        var room = [CChar](repeating: 0, count: 4_096)
        let count = unsafe readlink("/proc/self/exe", &room, room.count)
        guard count > 0 else { throw HelperFailed("/proc/self/exe", errno) }
        let path = String(
            decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/confined"
    }

    /// Waits until it has said a line.
    func line() throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.last != 0x0a {
            try wait(for: output)
            guard unsafe read(output, &byte, 1) == 1 else { break }
            line.append(byte)
        }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }

    /// Closes its input, and waits until it has ended.
    func outcome() throws -> Outcome {
        var outcome = Outcome()
        var status: Int32 = 0
        shutdown(input, Int32(SHUT_WR))
        outcome.said = try rest(of: output)
        outcome.complained = try rest(of: errorOutput)
        guard unsafe waitpid(pid, &status, 0) == pid else { throw HelperFailed("waitpid", errno) }
        outcome.end =
            status & 0x7f == 0
            ? .status(UInt8(status >> 8 & 0xff)) : .signal(UInt8(status & 0x7f))
        return outcome
    }

    private func rest(of descriptor: Int32) throws -> String {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4_096)
        while true {
            try wait(for: descriptor)
            let count = unsafe read(descriptor, &room, room.count)
            guard count > 0 else { break }
            bytes += room.prefix(count)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private func wait(for descriptor: Int32) throws {
        var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&event, 1, 50_000) == 1 else {
            kill(pid, SIGKILL)
            throw HelperFailed("it hangs", ETIMEDOUT)
        }
    }

    /// What the kernel says of it (proc_pid_status(5)), by its field.
    func status() throws -> [String: String] {
        let bytes = Descriptor(owning: unsafe open("/proc/\(pid)/status", O_RDONLY)).contents()
        var fields: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[String(parts[0])] = parts.dropFirst().first.map {
                $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
        }
        return fields
    }
}

struct HelperFailed: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ number: Int32) { description = "\(what): \(Errno(number))" }
}

/// Runs the helper to its end.
func confined(
    _ stage: Stage, _ work: String, _ words: [String] = [], user: UInt32? = nil
) throws -> Outcome {
    try Helper(stage, work, words, user: user).outcome()
}

/// What this machine has.
enum Machine {
    static let landlock = Landlock.version ?? 0
    static let hasSeccomp = unsafe access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0
    static let isRoot = geteuid() == 0
    /// Whose thread makes calls that a confined process may not make.
    static let hasThreadSanitizer = unsafe dlsym(nil, "__tsan_init") != nil
}
