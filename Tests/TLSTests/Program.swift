// Runs other programs: the `openssl` command and the project's own scripts.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System

/// What a program said when it failed.
struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs a program to its end with nothing on its standard input.
///
/// - Returns: what it wrote, standard output and error together.
/// - Throws: `ProgramFailure` where its status is not 0, or where it says nothing for a minute.
@discardableResult
func run(_ arguments: [String]) throws -> String {
    let pair = try SocketPair()
    let ours = pair.ours
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    unsafe setsockopt(
        ours.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    shutdown(ours.number, Int32(SHUT_WR))
    let process = try spawn(arguments, standard: pair.theirs)
    var output: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 4_096)
    var count = 0
    repeat {
        count = unsafe recv(ours.number, &room, room.count, 0)
        output += room.prefix(max(0, count))
    } while count > 0
    if count < 0 { kill(process, SIGKILL) }
    let status = wait(for: process)
    let text = String(decoding: output, as: UTF8.self)
    guard status == 0 else {
        throw ProgramFailure(description: "\(arguments) failed with status \(status): \(text)")
    }
    return text
}

/// Starts a program, found on `PATH`, with one descriptor as its standard input, output and error.
///
/// - Returns: its process id, to be waited for.
func spawn(_ arguments: [String], standard descriptor: consuming Descriptor) throws -> pid_t {
    // Closed at the end, so that the child has the only copies and its end can be seen.
    let descriptor = consume descriptor
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for number: Int32 in 0...2 {
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor.number, number)
    }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    // Else a child would keep what `nohup` or a shell's `&` had this process ignore.
    var signals = sigset_t()
    unsafe sigfillset(&signals)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    // Nothing else, so that no setting of the developer's changes what openssl does.
    let path = unsafe String(cString: getenv("PATH"))
    let environment = ["PATH=\(path)", "LC_ALL=C"]
    var process: pid_t = 0
    let failure = unsafe withCStrings(arguments) { arguments in
        unsafe withCStrings(environment) { environment in
            unsafe posix_spawnp(
                &process, arguments[0]!, &actions, &attributes, arguments, environment)
        }
    }
    guard failure == 0 else {
        throw ProgramFailure(description: "cannot run \(arguments): \(Errno(failure))")
    }
    return process
}

/// Waits for a child's end.
///
/// - Returns: its exit status, or 128 and the signal that killed it.
@discardableResult
func wait(for process: pid_t) -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
}

/// Two connected sockets, close-on-exec: one for this process and one for a child.
struct SocketPair: ~Copyable {
    let ours: Descriptor
    let theirs: Descriptor

    init() throws {
        var numbers: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &numbers) == 0 else {
            throw ProgramFailure(description: "no socket pair: \(Errno.last)")
        }
        ours = Descriptor(owning: numbers[0])
        theirs = Descriptor(owning: numbers[1])
    }
}

private func withCStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer {
        for index in unsafe pointers.indices { unsafe free(pointers[index]) }
    }
    return unsafe body(&pointers)
}
