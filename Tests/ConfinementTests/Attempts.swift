// What a confined process must not be able to do, one system call each.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// A system call, and what becomes of it.
struct Attempt: Sendable, CustomTestStringConvertible {
    enum Fate: Sendable, Equatable {
        case works
        case fails(Int32)
        /// The process, by SIGSYS.
        case ends
    }

    let name: String
    /// Here; nil where this architecture has no such call.
    let number: Int?
    /// As the helper takes them.
    let words: [String]
    /// After the first step; nil where that says nothing of it.
    let afterFiles: Fate?
    /// The ABI of Landlock that this takes.
    let abi: Int
    let afterCalls: Fate

    /// - Parameter words: numbers, and names for what the helper makes ready.
    init(
        _ name: String, _ x86: Int?, _ arm: Int?, _ words: String = "", files: Fate? = nil,
        abi: Int = 1, calls: Fate = .ends
    ) {
        self.name = name
        #if arch(x86_64)
            number = x86
        #else
            number = arm
        #endif
        self.words = words.split(separator: " ").map(String.init)
        afterFiles = files
        self.abi = abi
        afterCalls = calls
    }

    var testDescription: String { name }

    static let all = (files + network + processes + memory + settings).filter { $0.number != nil }

    private static let files = [
        Attempt("open", 2, nil, "@passwd 0 0", files: .fails(EACCES)),
        Attempt(
            "openat", 257, 56, "-100 @passwd 0 0", files: .fails(EACCES), calls: .fails(EACCES)),
        Attempt("openat2", 437, 437, "-100 @passwd @room 24", files: .fails(EACCES)),
        Attempt("creat", 85, nil, "@passwd 0", files: .fails(EACCES)),
        Attempt("newfstatat", 262, 79, "-100 @passwd @room 0", calls: .fails(EACCES)),
        Attempt("stat", 4, nil, "@passwd @room"),
        Attempt("statx", 332, 291, "-100 @passwd 0 0 @room", calls: .fails(EACCES)),
        Attempt("truncate", 76, 45, "@passwd 0", files: .fails(EACCES), abi: 3),
        Attempt("unlinkat", 263, 35, "-100 @passwd 0", files: .fails(EACCES)),
        Attempt("renameat2", 316, 276, "-100 @passwd -100 @true 0", files: .fails(EACCES)),
        Attempt("getdents64", 217, 61, "0 @room 1024"),
        Attempt("memfd_create", 319, 279, "@empty 0"),
        Attempt("chdir", 80, 49, "@empty"),
        Attempt("mount", 165, 40, "@empty @empty @empty 0 0"),
        Attempt("name_to_handle_at", 303, 264, "-100 @passwd @room @room 0"),
    ]

    private static let network = [
        Attempt("socket", 41, 198, "2 1 0"),
        Attempt("socket of netlink", 41, 198, "16 3 0"),
        Attempt("socketpair", 53, 199, "1 1 0 @room"),
        Attempt("connect", 42, 203, "@socket @address 16", files: .fails(EACCES), abi: 4),
        Attempt("bind", 49, 200, "@socket @address 16", files: .fails(EACCES), abi: 4),
        Attempt("listen", 50, 201, "@socket 1"),
        Attempt("setsockopt of IP", 54, 208, "@socket 0 1 @room 4"),
        Attempt("setsockopt of IPv6", 54, 208, "@socket 41 26 @room 4"),
        // With something for it to read.
        Attempt("setsockopt, a filter", 54, 208, "@socket 1 26 @room 16"),
        Attempt("setsockopt, a protocol above TCP", 54, 208, "@socket 6 31 @room 3"),
        Attempt("setsockopt, no delay", 54, 208, "@socket 6 1 @room 4", calls: .works),
        Attempt("ioctl TIOCSTI", 16, 29, "0 21522 @room"),
        Attempt("ioctl SIOCGIFCONF", 16, 29, "@socket 35090 @room"),
        Attempt("ioctl FIONREAD", 16, 29, "@socket 21531 @room", calls: .works),
        Attempt("bpf", 321, 280, "0 @room 72"),
    ]

    private static let processes = [
        Attempt("execve", 59, 221, "@true @room @room", files: .fails(EACCES)),
        Attempt("execveat", 322, 281, "-100 @true @room @room 0", files: .fails(EACCES)),
        Attempt("fork", 57, nil),
        Attempt("vfork", 58, nil),
        Attempt("clone", 56, 220, "17 0 0 0 0"),
        Attempt("clone3", 435, 435, "@room 64", calls: .fails(ENOSYS)),
        Attempt("kill, the parent", 62, 129, "@parent 0", files: .fails(EPERM), abi: 6),
        Attempt("kill, itself", 62, 129, "@self 0", files: .works),
        Attempt("tgkill, another", 234, 131, "@parent @parent 0", files: .fails(EPERM), abi: 6),
        Attempt("tgkill, itself", 234, 131, "@self @self 0", files: .works, calls: .works),
        Attempt("tkill", 200, 130, "@self 0"),
        Attempt("rt_sigqueueinfo", 129, 138, "@self 0 @room"),
        Attempt("pidfd_open", 434, 434, "@parent 0"),
        Attempt("pidfd_send_signal", 424, 424, "0 0 0 0"),
        Attempt("ptrace", 101, 117, "16 @parent 0 0", files: .fails(EPERM)),
        Attempt("process_vm_readv", 310, 270, "@parent @room 0 @room 0 0"),
        Attempt("process_vm_writev", 311, 271, "@parent @room 0 @room 0 0"),
        Attempt("wait4", 61, 260, "-1 0 1 0"),
        Attempt("unshare", 272, 97, "268435456"),
        Attempt("setns", 308, 268, "0 0"),
    ]

    private static let memory = [
        Attempt("mmap", 9, 222, "0 4096 3 34 -1 0", calls: .works),
        Attempt("mmap, to execute", 9, 222, "0 4096 5 34 -1 0"),
        Attempt("mmap, to write and execute", 9, 222, "0 4096 7 34 -1 0"),
        Attempt("mprotect, to execute", 10, 226, "0 4096 5"),
        Attempt("pkey_mprotect", 329, 288, "0 4096 5 -1"),
        Attempt("userfaultfd", 323, 282, "0"),
        Attempt("shmget", 29, 194, "0 4096 0"),
        Attempt("io_uring_setup", 425, 425, "8 @room"),
        Attempt("io_setup", 206, 0, "1 @room"),
    ]

    private static let settings = [
        Attempt("prctl", 157, 167, "3 0 0 0 0"),
        Attempt("seccomp", 317, 277, "0 0 0"),
        Attempt("landlock_create_ruleset", 444, 444, "0 0 1"),
        Attempt("rt_sigaction", 13, 134, "10 0 0 8"),
        Attempt("setuid", 105, 146, "0"),
        Attempt("capset", 126, 91, "@room @room"),
        Attempt("fcntl F_DUPFD", 72, 25, "0 0 0"),
        Attempt("fcntl F_GETFL", 72, 25, "0 3 0", calls: .works),
        Attempt("fcntl F_SETFL", 72, 25, "0 4 0"),
        Attempt("dup", 32, 23, "0"),
        Attempt("prlimit64", 302, 261, "0 7 0 @room"),
        Attempt("keyctl", 250, 219, "0 0 0 0 0"),
        Attempt("personality", 135, 92, "0"),
        Attempt("perf_event_open", 298, 241, "@room 0 -1 -1 0"),
        Attempt("a number that nobody has", 999, 999),
        // getpid, by the numbers of x32
        Attempt("x32", 0x4000_0027, nil),
    ]
}
