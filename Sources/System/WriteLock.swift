// Which of several processes writes a file.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// The lock of whoever writes a file (F_OFD_SETLK in fcntl(2)). Not flock(2): with that, everybody who can read the file
/// could keep its writer away.
extension Descriptor {
    /// Locks a file that was opened for writing, until the last copy of this descriptor is closed.
    ///
    /// - Returns: false if somebody else has locked it. A file system without locks locks nothing, and refuses nothing.
    func lockForWriting() -> Bool {
        var lock = wholeFile(F_WRLCK)
        return unsafe fcntl(number, parley_ofd_setlk, &lock) == 0
            || errno != EAGAIN && errno != EACCES
    }

    /// Whether somebody else, in this process or another one, has locked it for writing.
    var isLockedForWriting: Bool {
        // Asks for a reader's lock: readers' locks, which anybody could have, are not in its way.
        var lock = wholeFile(F_RDLCK)
        return unsafe fcntl(number, parley_ofd_getlk, &lock) == 0 && lock.l_type != F_UNLCK
    }
}

private func wholeFile(_ kind: Int32) -> flock {
    var lock = flock()
    lock.l_type = Int16(kind)
    lock.l_whence = Int16(SEEK_SET)
    return lock
}
