// One system call by its number, whose arguments were made ready before.
// SPDX-License-Identifier: Apache-2.0
import Glibc

typealias Work = (Worker) throws -> String

/// syscall(2), which is variadic, so that Swift does not import it.
private typealias SystemCall = @convention(c) (Int, Int, Int, Int, Int, Int, Int) -> Int

/// - Parameter words: its number; then numbers, or placeholders for them.
/// - Returns: a work that says "done", or the number of the error.
func systemCall(_ words: [String]) throws -> Work {
    guard let symbol = unsafe dlsym(nil, "syscall") else { throw Failed("syscall") }
    let call = unsafe unsafeBitCast(symbol, to: SystemCall.self)
    var values = try words.map { try argument($0) }
    while values.count < 7 { values.append(0) }
    let v = values
    return { _ in
        let result = call(v[0], v[1], v[2], v[3], v[4], v[5], v[6])
        return result == -1 ? "\(errno)" : "done"
    }
}

/// Makes this machine one that lacks a system call: it fails from here on (seccomp(2)).
///
/// - Parameter words: its number, and the error's.
func lack(_ words: [String]) throws {
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    guard words.count == 2, let number = UInt64(words[0]), let error = UInt64(words[1]),
        let symbol = unsafe dlsym(nil, "prctl")
    else { throw Failed("prctl") }
    let control = unsafe unsafeBitCast(symbol, to: Control.self)
    // struct sock_filter: loads the number, compares it, and returns one or the other.
    let filter: [UInt64] = [
        0x20, 0x15 | 1 << 24 | number << 32, 0x06 | (0x0005_0000 | error) << 32,
        0x06 | UInt64(0x7fff_0000) << 32,
    ]
    let isForbidden = unsafe filter.withUnsafeBufferPointer { filter in
        let program: [UInt] = [UInt(filter.count), UInt(bitPattern: filter.baseAddress)]
        return unsafe program.withUnsafeBufferPointer { program in
            // PR_SET_NO_NEW_PRIVS; PR_SET_SECCOMP, SECCOMP_MODE_FILTER.
            control(38, 1, 0, 0, 0) == 0
                && control(22, 2, UInt(bitPattern: program.baseAddress), 0, 0) == 0
        }
    }
    guard isForbidden else { throw Failed("seccomp") }
}

private func argument(_ word: String) throws -> Int {
    switch word {
    case "@passwd": return address(of: "/etc/passwd")
    case "@true": return address(of: "/bin/true")
    case "@empty": return address(of: "")
    case "@room": return unsafe Int(bitPattern: calloc(1, 65_536))
    case "@self": return Int(getpid())
    case "@parent": return Int(getppid())
    case "@socket": return Int(try tcp())
    case "@listener": return Int(try listener())
    case "@address":
        // Of one that listens: a connect that is not refused by the peer.
        let room = unsafe calloc(1, 128)!
        var length = socklen_t(128)
        let number = try listener()
        guard unsafe getsockname(number, room.assumingMemoryBound(to: sockaddr.self), &length) == 0
        else { throw Failed("getsockname") }
        return Int(bitPattern: room)
    default:
        guard let value = Int(word) else { throw Failed(word) }
        return value
    }
}

private func address(of text: String) -> Int { unsafe Int(bitPattern: strdup(text)) }

func tcp() throws -> Int32 {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard number >= 0 else { throw Failed("socket") }
    return number
}

func listener() throws -> Int32 {
    let number = try tcp()
    guard listen(number, 10) == 0 else { throw Failed("listen") }
    return number
}
