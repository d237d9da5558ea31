// Whom programs run as.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// Whom a program runs as, resolved when the table was read.
public struct ProgramUser: Hashable, Sendable {
    /// As its environment has it.
    public let account: UserAccount
    /// Whom to become for it; nil where that is the user that this process has.
    public let numbers: UserNumbers?

    /// The user of this process. May wait for a name service.
    public static func own() -> Self { Self(own: .current()) }

    /// Another than this process's, which may have the same number: its groups are its own then.
    init(_ user: KnownUser) { (account, numbers) = (user.account, user.numbers) }

    /// The user of this process, with the groups that it has.
    init(own account: UserAccount) { (self.account, numbers) = (account, nil) }

    /// The number that the kernel has of it.
    public var number: UInt32 { numbers?.user ?? geteuid() }
}

/// Whom a table's programs may run as.
public enum ProgramUsers: Sendable {
    /// All as the user of this process, since only root can start programs of others.
    case own
    /// Each as the one that its entry names, and those whose entry names none as this one.
    case named(otherwise: String)

    /// As this process can have it.
    ///
    /// - Parameter name: for programs whose entry names none, where this process is root.
    public static func possible(otherwise name: String) -> Self {
        geteuid() == 0 ? .named(otherwise: name) : .own
    }
}

/// A user about to run a program, of which the kernel is asked what it may.
struct ProgramRunner {
    let user: ProgramUser
    let isPrivileged: Bool

    /// For a sentence.
    var name: String { user.numbers == nil ? "this user" : escaped(user.account.name) }

    /// Whose files are taken beside root's.
    var number: UInt32 { user.number }

    /// Why it may not use a path so; nil where it may.
    func refusal(_ purpose: UserAccess.Purpose, _ path: String) -> Errno? {
        if let numbers = user.numbers {
            return UserAccess.refusal(
                of: numbers, purpose, path, keepsCapabilities: isPrivileged)
        }
        let mode =
            switch purpose {
            case .execute: X_OK
            case .read: R_OK
            }
        return unsafe access(path, mode) == 0 ? nil : .last
    }
}
