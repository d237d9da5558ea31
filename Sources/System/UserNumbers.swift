// A user of the system as the kernel knows it.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The numbers that a process of a user has.
public struct UserNumbers: Hashable, Sendable {
    /// `uid_t`.
    public let user: UInt32
    /// `gid_t` of the user's own group.
    public let group: UInt32
    /// The other groups that it is in.
    public let groups: [UInt32]

    /// Any numbers, whether or not the system knows them.
    public init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }

    /// A user by name, with its own group and no other; nil if the system has none with that name. Its other
    /// groups would have to be asked for at each name service, which takes much longer. May wait for one.
    ///
    /// - Throws: why that can't be determined.
    public init?(alone name: String) throws(Errno) {
        guard let entry = try UserEntry(name: name) else { return nil }
        self.init(user: entry.user, group: entry.group)
    }

    /// - Throws: `ERANGE` if it is in more groups than a process can have.
    init(_ entry: UserEntry) throws(Errno) {
        var count: Int32 = 64
        var groups = [gid_t](repeating: 0, count: Int(count))
        if unsafe getgrouplist(entry.name, entry.group, &groups, &count) < 0 {
            // As many as the kernel accepts (NGROUPS_MAX).
            count = 65_536
            groups = [gid_t](repeating: 0, count: Int(count))
            guard unsafe getgrouplist(entry.name, entry.group, &groups, &count) >= 0 else {
                throw Errno(ERANGE)
            }
        }
        self.init(
            user: entry.user, group: entry.group, groups: Array(groups.prefix(Int(count))))
    }
}
