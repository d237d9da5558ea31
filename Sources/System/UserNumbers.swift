// A user of the system as the kernel knows it.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The numbers that a process of a user has.
public struct UserNumbers: Hashable, Sendable {
    /// `uid_t`.
    public let user: UInt32
    /// `gid_t` of the user's own group.
    public let group: UInt32
    /// The groups that it is in as well.
    public let groups: [UInt32]

    /// Any numbers; the system need not know them.
    public init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }

    /// A user by its name, with its groups; nil where the system has none of that name, or can't tell. May
    /// wait for a name service.
    public init?(name: String) {
        guard let entry = try? UserEntry(name: name), let numbers = try? Self(entry) else {
            return nil
        }
        self = numbers
    }

    /// - Throws: `ERANGE` where it is in more groups than a process can have.
    init(_ entry: UserEntry) throws(Errno) {
        // As many as the kernel takes (NGROUPS_MAX).
        var count: Int32 = 65_536
        var groups = [gid_t](repeating: 0, count: Int(count))
        guard unsafe getgrouplist(entry.name, entry.group, &groups, &count) >= 0 else {
            throw Errno(ERANGE)
        }
        self.init(
            user: entry.user, group: entry.group, groups: Array(groups.prefix(Int(count))))
    }
}
