// A user that the system knows by name.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A user: what its programs are told, and what the kernel knows about it.
public struct KnownUser: Hashable, Sendable {
    /// What a login would tell a program.
    public let account: UserAccount
    /// With all its groups.
    public let numbers: UserNumbers

    /// Any user, whether or not the system knows it.
    public init(account: UserAccount, numbers: UserNumbers) {
        self.account = account
        self.numbers = numbers
    }

    /// Looks up a user by name, as the system has it now; nil if there is none with that name. May wait
    /// for a name service.
    ///
    /// - Throws: why that can't be determined.
    public init?(name: String) throws(Errno) {
        guard let entry = try UserEntry(name: name) else { return nil }
        account = UserAccount(entry)
        numbers = try UserNumbers(entry)
    }
}

/// What a process of a user may do with a path, according to the kernel: by modes, groups, ACLs and
/// mounts.
public enum UserAccess {
    /// What is being asked.
    public enum Purpose: Sendable {
        /// To execute a file, or to search a folder.
        case execute
        case read
    }

    /// Why this process can't start programs as a user; nil if it can. It needs the capabilities
    /// CAP_SETUID and CAP_SETGID, and a user namespace that contains the user and its groups.
    public static func obstacle(becoming user: UserNumbers) -> Errno? {
        let answer = ask(user, "/", 0, keepsCapabilities: false)
        return answer.hasBecome ? nil : answer.reason
    }

    /// Why a user may not use a path; nil if it may.
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
    /// Calls with this user in the form that C needs, and without any other rights that a process
    /// may have.
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
