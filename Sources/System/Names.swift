// The names of users, groups and files, as they appear in sentences.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A user for a sentence: its name, or `user 61001` if it has none.
func userName(_ number: uid_t) -> String {
    let account = account(number)
    return account == String(number) ? "user \(account)" : account
}

/// A user for a command: its name, or the number if it has none.
func account(_ number: uid_t) -> String {
    UserAccount(number: number)?.name ?? String(number)
}

/// A group for a sentence or a command: its name, or the number if it has none.
func groupName(_ number: gid_t) -> String {
    var entry = unsafe group()
    var found: UnsafeMutablePointer<group>?
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65_536) { room in
        guard unsafe getgrgid_r(number, &entry, room.baseAddress!, room.count, &found) == 0,
            unsafe found != nil, let name = unsafe entry.gr_name
        else { return String(number) }
        return unsafe String(cString: name)
    }
}

/// A path as a word of a shell command, which the command won't mistake for an option.
package func shellWord(_ path: String) -> String {
    let path = path.utf8.first == UInt8(ascii: "-") ? "./\(path)" : path
    let isPlain = path.utf8.allSatisfy { byte in
        "/._-+,:@%=".utf8.contains(byte) || (0x30...0x39).contains(byte)
            || (0x61...0x7a).contains(byte | 0x20) && byte < 0x80
    }
    guard !isPlain else { return path }
    let parts = path.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: #"'\''"#) + "'"
}
