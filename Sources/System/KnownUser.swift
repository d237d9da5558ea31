// A user that the system knows by its name.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A user: what is told to its programs, and what the kernel knows of it.
public struct KnownUser: Hashable, Sendable {
    /// As a login would tell a program.
    public let account: UserAccount
    /// With all groups that it is in.
    public let numbers: UserNumbers

    /// Any user, whether the system knows it or not.
    public init(account: UserAccount, numbers: UserNumbers) {
        self.account = account
        self.numbers = numbers
    }

    /// A user by its name, as the system has it now; nil where it has none of that name. May wait for a
    /// name service.
    ///
    /// - Throws: why that can't be told.
    public init?(name: String) throws(Errno) {
        guard let entry = try UserEntry(name: name) else { return nil }
        account = UserAccount(entry)
        numbers = try UserNumbers(entry)
    }
}

/// What a process of a user may do with a path, as the kernel has it: by modes, groups, ACLs and mounts.
public enum UserAccess {
    /// What is asked.
    public enum Purpose: Sendable {
        /// To execute a file, or to enter a folder.
        case execute
        case read
    }

    /// Why this process can't start programs of a user; nil where it can. It needs the capabilities
    /// CAP_SETUID and CAP_SETGID, and a user namespace that has the user and its groups.
    public static func obstacle(becoming user: UserNumbers) -> Errno? {
        let answer = ask(user, "/", 0, keepsCapabilities: false)
        return answer.hasBecome ? nil : answer.reason
    }

    /// Why a user may not use a path; nil where it may.
    ///
    /// - Parameter keepsCapabilities: whether root has its capabilities, without which it may use only
    ///   what its user and groups may.
    public static func refusal(
        of user: UserNumbers, _ purpose: Purpose, _ path: String, keepsCapabilities: Bool
    ) -> Errno? {
        let mode =
            switch purpose {
            case .execute: X_OK
            case .read: R_OK
            }
        return ask(user, path, mode, keepsCapabilities: keepsCapabilities).reason
    }

    private static func ask(
        _ user: UserNumbers, _ path: String, _ mode: Int32, keepsCapabilities: Bool
    ) -> (hasBecome: Bool, reason: Errno?) {
        var hasBecome: Int32 = 0
        let result = unsafe user.withRights { rights in
            var rights = unsafe rights
            unsafe rights.may_gain = keepsCapabilities ? 1 : 0
            return unsafe parley_access_as(&rights, path, mode, &hasBecome)
        }
        return (hasBecome != 0, result < 0 ? Errno(-result) : nil)
    }
}

extension UserNumbers {
    /// Calls with this user as C has it, with nothing else that a process may have or not.
    func withRights<Result>(_ body: (parley_rights) -> Result) -> Result {
        unsafe groups.withUnsafeBufferPointer { groups in
            var rights = unsafe parley_rights()
            unsafe rights.has_account = 1
            unsafe rights.user = user
            unsafe rights.group = group
            unsafe rights.groups = groups.baseAddress
            unsafe rights.group_count = groups.count
            return unsafe body(rights)
        }
    }
}
