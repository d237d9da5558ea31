// The entry of one user in the system's list.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The fields of an entry (passwd(5)).
struct UserEntry {
    let name: String
    let home: String
    let shell: String
    let user: UInt32
    let group: UInt32

    /// A user by name; nil if the system has none with that name. May wait for a name service.
    ///
    /// - Throws: why that can't be determined.
    init?(name: String) throws(Errno) {
        // A name cut at a NUL would be somebody else's.
        guard !name.utf8.contains(0) else { return nil }
        try unsafe self.init { entry, room, found in
            unsafe getpwnam_r(name, entry, room.baseAddress!, room.count, found)
        }
    }

    /// A user by number (`uid_t`); nil if the system has no entry for it. May wait for a name
    /// service.
    ///
    /// - Throws: why that can't be determined.
    init?(number: UInt32) throws(Errno) {
        try unsafe self.init { entry, room, found in
            unsafe getpwuid_r(number, entry, room.baseAddress!, room.count, found)
        }
    }

    private init?(
        _ ask: (
            UnsafeMutablePointer<passwd>, UnsafeMutableBufferPointer<CChar>,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) throws(Errno) {
        var answer = Int32(0)
        // The entry's fields point into the buffer.
        let fields: Self? =
            unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65_536) { room in
                var entry = unsafe passwd()
                var found: UnsafeMutablePointer<passwd>?
                repeat { answer = unsafe ask(&entry, room, &found) } while answer == EINTR
                guard answer == 0, unsafe found != nil else { return nil }
                return unsafe Self(entry)
            }
        guard let fields else {
            // getpwnam(3): name services differ in how they report that there is no such user.
            guard [0, ENOENT, ESRCH, EBADF, EPERM].contains(answer) else { throw Errno(answer) }
            return nil
        }
        self = fields
    }

    private init(_ entry: passwd) {
        unsafe name = String(cString: entry.pw_name)
        unsafe home = String(cString: entry.pw_dir)
        unsafe shell = String(cString: entry.pw_shell)
        unsafe user = entry.pw_uid
        unsafe group = entry.pw_gid
    }
}
