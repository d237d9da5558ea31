// What a confined process does, each work made ready before it is confined.
// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Sockets
import System

func prepare(_ name: String, _ words: [String]) throws -> Work {
    switch name {
    case "call": return try systemCall(words)
    case "hold": return hold
    case "lack":
        try lack(words)
        return { _ in "done" }
    case "accept": return try accept()
    case "descriptors": return try descriptors()
    case "loop": return try loop()
    case "posts": return try posts()
    case "calls": return try calls()
    case "handshake": return try handshake(in: words[0])
    case "memory": return memory
    case "thread": return { $0.works() ? "done" : "the thread failed" }
    case "threadForbidden": return { $0.works(isForbidden: true) ? "done" : "the thread failed" }
    case "newThread": return newThread
    case "words": return count
    case "print": return printed
    case "room": return room
    case "random": return random
    case "clock": return clock
    case "fatal": return { _ in fatalError("as asked") }
    case "abort": return { _ in abort() }
    case "task":
        // Where no thread can be had, the executor waits for one for ever.
        alarm(5)
        return task
    case "environment":
        return { _ in unsafe getenv("PATH") == nil && environ[0] == nil ? "done" : "it is there" }
    case "file":
        let number = unsafe open(words[0], O_WRONLY | O_CREAT, 0o600)
        return { _ in unsafe write(number, "x", 1) < 0 ? "\(errno)" : "done" }
    default: throw Failed(name)
    }
}

/// Until the test has seen what it wants of /proc.
private func hold(_: Worker) -> String {
    tell("ready", STDOUT_FILENO)
    var byte: UInt8 = 0
    while unsafe read(STDIN_FILENO, &byte, 1) > 0 {}
    return "done"
}

/// A client that has connected is accepted, and spoken with.
private func accept() throws -> Work {
    let (listener, client) = (try listener(), try tcp())
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let connected = unsafe withUnsafeMutablePointer(to: &address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe getsockname(listener, $0, &length) == 0 && connect(client, $0, length) == 0
        }
    }
    guard connected else { throw Failed("connect") }
    return { _ in
        let number = parley_accept4(listener, nil, nil)
        guard number >= 0 else { throw Failed("accept4") }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size) == 0,
            unsafe setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &on, size) == 0,
            unsafe setsockopt(number, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, size) == 0
        else { throw Failed("setsockopt") }
        var byte: UInt8 = 7
        guard unsafe send(client, &byte, 1, 0) == 1, parley_readable(number) == 1,
            unsafe recv(number, &byte, 1, 0) == 1, byte == 7, shutdown(number, Int32(SHUT_WR)) == 0,
            unsafe recv(client, &byte, 1, 0) == 0, close(number) == 0
        else { throw Failed("a byte") }
        return "done"
    }
}

/// A descriptor that comes with a message is read from.
private func descriptors() throws -> Work {
    var ends: [Int32] = [0, 0]
    var pipe: [Int32] = [0, 0]
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0,
        unsafe parley_pipe(&pipe) == 0, unsafe write(pipe[1], "x", 1) == 1
    else { throw Failed("socketpair") }
    let (number, numbers) = (pipe[0], ends)
    return { _ in
        // struct cmsghdr with one descriptor (cmsg(3)), in a space of its alignment.
        var control: [UInt64] = [20, UInt64(SOL_SOCKET) | UInt64(SCM_RIGHTS) << 32, UInt64(number)]
        guard unsafe exchange(numbers[0], &control, { unsafe sendmsg($0, $1, 0) }) == 1 else {
            throw Failed("sendmsg")
        }
        control = [0, 0, 0]
        let flags = Int32(MSG_CMSG_CLOEXEC)
        guard unsafe exchange(numbers[1], &control, { unsafe recvmsg($0, $1, flags) }) == 1 else {
            throw Failed("recvmsg")
        }
        let received = Int32(truncatingIfNeeded: control[2])
        var byte: UInt8 = 0
        guard received != number, unsafe read(received, &byte, 1) == 1, byte == 0x78 else {
            throw Failed("the descriptor")
        }
        return "done"
    }
}

private func exchange(
    _ socket: Int32, _ control: inout [UInt64],
    _ call: (Int32, UnsafeMutablePointer<msghdr>) -> Int
) -> Int {
    var byte: UInt8 = 1
    return unsafe withUnsafeMutableBytes(of: &byte) { byte in
        unsafe control.withUnsafeMutableBytes { control in
            var vector = unsafe iovec(iov_base: byte.baseAddress, iov_len: 1)
            return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vector
                unsafe message.msg_iovlen = 1
                unsafe message.msg_control = control.baseAddress
                unsafe message.msg_controllen = 24
                return unsafe call(socket, &message)
            }
        }
    }
}

/// 200 MiB, given back.
private func memory(_ worker: Worker) -> String {
    for _ in 0..<2 {
        let blocks = (0..<200).map { [UInt8](repeating: UInt8($0), count: 1 << 20) }
        guard blocks.allSatisfy({ $0[1 << 19] == $0[0] }), worker.works() else { return "lost" }
    }
    malloc_trim(0)
    return "done"
}

/// Root may start one still.
private func newThread(_: Worker) -> String {
    do {
        let thread = try startThread { _ = (0..<1_000).map { "\($0)" }.sorted() }
        return pthread_join(thread, nil) == 0 ? "done" : "not joined"
    } catch {
        return "\(error.number)"
    }
}

/// On Swift's global executor, which no loop is.
private func task(_: Worker) -> String {
    Task.detached { tell("it ran", STDOUT_FILENO) }
    var pause = timespec(tv_sec: 20, tv_nsec: 0)
    unsafe nanosleep(&pause, nil)
    return "still here"
}

private func count(_: Worker) -> String {
    let text = (0..<10_000).map { "wörd \($0 % 97) \(Double($0) / 3)" }.joined(separator: "\n")
    var counts: [Substring: Int] = [:]
    for word in text.split(whereSeparator: \.isWhitespace) { counts[word, default: 0] += 1 }
    return counts["wörd"] == 10_000 && text.uppercased().contains("WÖRD 7") ? "done" : "miscounted"
}

private func printed(_: Worker) -> String {
    print("through stdio")
    fflush(nil)
    return "done"
}

/// More than the library takes from a stack unasked.
private func room(_: Worker) -> String {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 65_536) { room in
        unsafe room.initialize(repeating: 1)
        return unsafe room[65_535] == 1 ? "done" : "lost"
    }
}

private func random(_: Worker) -> String {
    var bytes = [UInt8](repeating: 0, count: 64)
    let numbers = Set((0..<100).map { _ in UInt64.random(in: 0...UInt64.max) })
    let count = unsafe getentropy(&bytes, 64)
    return numbers.count > 90 && count == 0 ? "done" : "the same"
}

private func clock(_: Worker) -> String {
    let begin = Moment.now
    var (time, fields) = unsafe (Glibc.time(nil), tm())
    var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
    unsafe nanosleep(&pause, nil)
    guard unsafe localtime_r(&time, &fields) != nil else { return "no local time" }
    return Moment.now - begin >= .milliseconds(1) ? "done" : "no time passed"
}
