// Who ends all of a command: a keeper, or its control group alone.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import System

/// Who can end everything that a command starts.
enum Custody {
    /// Its group alone, which nothing of the command can leave.
    case group(CommandGroup, of: CommandGroups)
    /// A keeper, the parent of all of it, which also kills everything in the command's group if it has one.
    case keeper(CommandGroup?)

    /// Makes its group, where there are groups.
    ///
    /// - Throws: `descriptorsExhausted`, `system`.
    init(_ start: ProgramStart) throws(StreamError) {
        guard let groups = start.groups else {
            self = .keeper(nil)
            return
        }
        let isConfined = groups.isWarded && Self.isConfined(start, by: groups)
        let group = try groups.make(
            start.limits, isBackground: start.isBackground, isAlone: isConfined)
        self = isConfined ? .group(group, of: groups) : .keeper(group)
    }

    /// Whether nothing of a command can leave its group, nor may outlive this process.
    private static func isConfined(_ start: ProgramStart, by groups: CommandGroups) -> Bool {
        // Sets no_new_privs, without which sudo could move it.
        guard let rights = start.rights, !rights.mayGain, let user = rights.user?.user,
            user != 0, user != geteuid(), groups.areClosed(to: user), !hasManager(user)
        else { return false }
        // What may live on is told apart by its keeper, and only a keeper can wait while the kernel makes the memory that
        // is used fit a limit.
        return !start.isBackground && start.limits.memory == nil
    }

    /// Whether a user has a systemd of its own, which can have any of the user's processes moved to its groups
    /// (`systemd-run --user --scope`, podman).
    private static func hasManager(_ user: UInt32) -> Bool {
        guard isManaged else { return false }
        return unsafe access("/run/user/\(user)", F_OK) == 0
    }

    private static let isManaged = unsafe access("/run/systemd/system", F_OK) == 0
}

/// Begins to start a program.
///
/// - Parameter changed: called on the loop when the program runs, when it has ended, and when everything
///   has. The custodian lives until it returns, whatever it frees.
/// - Throws: `descriptorsExhausted`; `system` if there can't be another process. Whether there is a
///   program is known later.
func custodian(
    of start: ProgramStart, input: borrowing Descriptor, output: borrowing Descriptor,
    errorOutput: borrowing Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
) throws(StreamError) -> any Custodian {
    let keepersGroup: CommandGroup?
    switch try Custody(start) {
    case .group(let group, let groups):
        let custodian = try GroupCustodian(
            start, in: group, of: groups, input: input, output: output, errorOutput: errorOutput,
            loop: loop, changed)
        if let custodian { return custodian }
        groups.needKeepers()
        keepersGroup = group
    case .keeper(let group): keepersGroup = group
    }
    return try Keeper(
        start, in: keepersGroup, input: input, output: output, errorOutput: errorOutput, loop: loop,
        changed)
}
