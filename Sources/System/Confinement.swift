// What the network process gives up before it reads a stranger's first byte.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Why the confinement of a process failed.
public enum Confining: FaultDomain {}

/// Why a process is not confined. It must exit: part of the confinement may be in force.
public typealias ConfinementError = Fault<Confining>

extension Fault<Confining>.Code {
    /// There is a thread that can no longer be confined.
    public static let tooLate = Self(rawValue: "tooLate")
    /// It failed although this machine has what it takes.
    public static let refused = Self(rawValue: "refused")
}

/// The confinement of this process, in two steps, between which its threads are started.
///
/// The first step applies to what a thread and those it starts inherit. The second step restricts the
/// system calls of all threads, once they are running and have what they need: epoll sets, timers,
/// sockets, files that were read, an initialised TLS library. From then on, any call that isn't on the
/// list (Sources/CLinux/Seccomp.c) ends the process.
///
/// Swift's global executor starts threads when it likes, in ways that the list doesn't include. So no
/// task may ever run on it: only loops (`EventLoop`).
public struct Confinement: ~Copyable {
    /// What this machine lacks, as sentences without a full stop, for the log.
    public private(set) var missing: [String]

    /// Gives up access to files, the network and signals to others (Landlock), and all rights: the
    /// environment, capabilities, set-user-ID programs, core dumps, growing files, memory that others
    /// can read. What is open stays open. The first step, to be taken by the process's only thread.
    ///
    /// - Parameters:
    ///   - user: the user to become; nil to keep the current one. Requires root.
    ///   - isSealed: whether other processes of this user may not read its memory; false for a developer's
    ///     tools.
    /// - Throws: `tooLate` if another thread is running, or if that is unknown; `refused`.
    public static func closeFiles(
        becoming user: UserNumbers? = nil, isSealed: Bool = true
    ) throws(ConfinementError) -> Self {
        switch parley_is_alone() {
        case 1: break
        case 0:
            throw ConfinementError(
                .tooLate, "cannot confine this process: it already has several threads")
        case let failure:
            throw ConfinementError(
                .tooLate,
                "cannot confine this process: the number of its threads is unknown; /proc must be mounted for that (\(Errno(-failure)))",
                cause: .system(Errno(-failure)))
        }
        parley_wipe_environment()
        try check(takeRights(becoming: user), user.map(Self.change) ?? "give up its rights")
        try check(Int(parley_close_limits(isSealed ? 1 : 0)), "set its limits")
        let missing = Landlock.missing
        if Landlock.version != nil {
            try check(Int(parley_close_files()), "give up access to files")
        }
        return Self(missing: missing)
    }

    /// Forbids all system calls except those of a loop, for all threads: the second step, after the
    /// last thread was started. For anyone but root there can be no more threads.
    ///
    /// - Parameter telling: for tests. A call that is not on the list fails with ENOSYS instead of ending the process,
    ///   and its number is written to standard error.
    /// - Returns: `missing`, plus what this step found.
    /// - Throws: `refused`.
    public consuming func closeCalls(telling: Bool = false) throws(ConfinementError) -> [String] {
        try Self.check(Int(parley_close_processes()), "give up starting processes")
        let result = parley_close_calls(telling ? 1 : 0)
        guard result <= 0 else {
            throw ConfinementError(
                .refused,
                "cannot restrict the system calls of this process: its thread \(result) has a filter of its own"
            )
        }
        let sentence: String
        switch -result {
        case 0: return missing
        case ENOSYS, EINVAL:
            sentence = "seccomp is missing: the kernel was built without its filters"
        case EPERM, EOPNOTSUPP:
            sentence = "seccomp is missing: a filter of this container refuses it"
        default:
            try Self.check(Int(result), "restrict its system calls")
            return missing
        }
        return missing + [sentence]
    }

    private static func change(_ user: UserNumbers) -> String {
        "become \(userName(user.user))"
            + (geteuid() == 0 ? "" : ", because it was not started as root")
    }

    private static func check(_ result: Int, _ what: String) throws(ConfinementError) {
        guard result < 0 else { return }
        let reason = Errno(Int32(-result))
        throw ConfinementError(
            .refused, "this process cannot \(what): \(reason)", cause: .system(reason))
    }
}

/// - Returns: 0 or `-errno`.
private func takeRights(becoming user: UserNumbers?) -> Int {
    func take(_ rights: parley_rights) -> Int {
        var rights = unsafe rights
        return unsafe parley_take_rights(&rights)
    }
    return unsafe user.map { unsafe $0.withRights(take) } ?? take(parley_rights())
}
