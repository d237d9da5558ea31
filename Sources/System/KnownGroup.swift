// A group that the system knows.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A group of users, as somebody has named it.
package struct KnownGroup: Hashable, Sendable {
    /// Its name, or its number if it has none.
    package let name: String
    /// `gid_t`.
    package let number: UInt32

    /// Any group, whether the system knows it or not.
    package init(name: String, number: UInt32) {
        self.name = name
        self.number = number
    }

    /// A group by its name or, if no group has that name, by its number, which the system need not know. Nil if
    /// the text is neither. May wait for a name service.
    ///
    /// - Throws: why it can't be looked up.
    package init?(_ text: String) throws(Errno) {
        if let number = try Self.number(of: text) {
            self.init(name: text, number: number)
        } else if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(text),
            number != gid_t.max
        {
            // The greatest one means "no change" when a file is given to a group.
            self.init(name: groupName(number), number: number)
        } else {
            return nil
        }
    }

    /// Nil if there is no group of that name.
    private static func number(of name: String) throws(Errno) -> UInt32? {
        // A truncated name would be another's.
        guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
        var answer = ERANGE
        var number: UInt32?
        // The entry has the names of all members, of which there may be thousands.
        for room in [1 << 16, 1 << 20, 1 << 24] where answer == ERANGE {
            var buffer = [CChar](repeating: 0, count: room)
            var entry = unsafe group()
            var found: UnsafeMutablePointer<group>?
            repeat {
                answer = unsafe getgrnam_r(name, &entry, &buffer, buffer.count, &found)
            } while answer == EINTR
            number = unsafe found.map { unsafe $0.pointee.gr_gid }
        }
        if answer == 0 { return number }
        // getgrnam(3): how they report that there is none differs between name services.
        guard [ENOENT, ESRCH, EBADF, EPERM].contains(answer) else { throw Errno(answer) }
        return nil
    }
}
