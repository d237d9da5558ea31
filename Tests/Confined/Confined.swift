// A process that confines itself as the network process does, and then does one thing: for the tests.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import System

/// usage: confined files|calls|told USER WORK [WORD …]
///
/// Confines itself by the first step, or by both, the second one with ends or with sentences; becomes a
/// user by its number (`-` for none, with the group of the same number and one more). Then it does the
/// work, writes what came of it to standard output, and what is missing to standard error.
@main
struct Confined {
    static func main() {
        let words = CommandLine.arguments
        guard words.count > 3 else { exit(64) }
        do {
            let work = try prepare(words[3], Array(words.dropFirst(4)))
            let user = UInt32(words[2]).map { UserNumbers(user: $0, group: $0, groups: [$0 + 1]) }
            var confinement: Confinement? = try Confinement.closeFiles(becoming: user)
            let worker = try Worker()
            var missing = confinement?.missing ?? []
            if words[1] != "files", let both = confinement.take() {
                missing = try both.closeCalls(telling: words[1] == "told")
            }
            for sentence in missing { tell("missing: \(sentence)", STDERR_FILENO) }
            tell(try work(worker), STDOUT_FILENO)
            exit(0)
        } catch {
            tell("\(error)", STDERR_FILENO)
            exit(1)
        }
    }
}

/// Says a line.
func tell(_ line: String, _ descriptor: Int32) {
    let bytes = Array("\(line)\n".utf8)
    _ = unsafe write(descriptor, bytes, bytes.count)
}

/// Something that the helper could not even prepare, or that came out wrong.
struct Failed: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) { description = "\(what): \(Errno.last)" }
}

/// A thread that was there before the system calls were closed.
final class Worker: Sendable {
    private let ends: [Int32]
    /// What it does next.
    private let job = Mutex<(@Sendable () -> Void)?>(nil)

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw Failed("socketpair")
        }
        self.ends = ends
        let end = ends[1]
        try startDetachedThread {
            var room: UInt8 = 0
            while unsafe read(end, &room, 1) == 1 {
                // Two of what a loop does: memory, and words.
                var counts: [String: Int] = [:]
                for number in 0..<1_000 { counts["\(number % 7)", default: 0] += number }
                // One that is on no list, where that is wanted.
                if room == 2 { _ = getppid() }
                if room == 3 { self.job.withLock { $0.take() }?() }
                room = counts.count == 7 ? 1 : 0
                _ = unsafe write(end, &room, 1)
            }
        }
    }

    /// Has it do something beside the caller.
    func begin(_ job: @escaping @Sendable () -> Void) {
        self.job.withLock { $0 = job }
        var room: UInt8 = 3
        _ = unsafe write(ends[0], &room, 1)
    }

    /// Has it do something, and waits for it.
    ///
    /// - Parameter isForbidden: whether it is something that is on no list.
    func works(isForbidden: Bool = false) -> Bool {
        var room: UInt8 = isForbidden ? 2 : 0
        return unsafe write(ends[0], &room, 1) == 1 && read(ends[0], &room, 1) == 1 && room == 1
    }
}
