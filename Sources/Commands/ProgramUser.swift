// The users that programs run as.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// The user that a program runs as, resolved when the table was read.
public struct ProgramUser: Hashable, Sendable {
    /// As its environment has it.
    public let account: UserAccount
    /// The IDs to switch to for it; nil if it runs as this process's user.
    public let numbers: UserNumbers?

    /// The user of this process. May wait for a name service.
    public static func own() -> Self { Self(own: .current()) }

    /// A user other than this process's; it may have the same number, but then has its own groups.
    init(_ user: KnownUser) { (account, numbers) = (user.account, user.numbers) }

    /// The user of this process, with its current groups.
    init(own account: UserAccount) { (self.account, numbers) = (account, nil) }

    /// Its user ID.
    public var number: UInt32 { numbers?.user ?? geteuid() }
}

/// The users that a table's programs may run as.
public enum ProgramUsers: Sendable {
    /// All as the user of this process, since only root can start programs of others.
    case own
    /// Each as the user that its entry names, and those whose entry names none as this one.
    case named(otherwise: String)

    /// What this process can do.
    ///
    /// - Parameter name: for programs whose entry names none, if this process is root.
    public static func possible(otherwise name: String) -> Self {
        geteuid() == 0 ? .named(otherwise: name) : .own
    }
}

/// A user who would run a program; the kernel is asked what it may do.
struct ProgramRunner {
    let user: ProgramUser
    let isPrivileged: Bool

    /// For a sentence.
    var name: String { user.numbers == nil ? "this user" : escaped(user.account.name) }

    /// The user whose files are trusted, in addition to root's.
    var number: UInt32 { user.number }

    /// Why it may not use a path in this way; nil if it may.
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
