// A file without a name.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the readers of files can open, and nobody has to remove.
struct NamelessFile: ~Copyable {
    private let number: Int32

    init(_ bytes: [UInt8]) {
        var name = "/dev/shm/parley-fuzz-XXXXXX".utf8CString.map { $0 }
        number = unsafe mkstemp(&name)
        precondition(number >= 0, "a file can be made in /dev/shm")
        unsafe unlink(name)
        let count = unsafe write(number, bytes, bytes.count)
        precondition(count == bytes.count, "a file can be written in /dev/shm")
    }

    deinit { close(number) }

    var path: String { "/proc/self/fd/\(number)" }
}

/// A PEM block (RFC 7468).
func pem(_ label: String, _ bytes: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text = Array("-----BEGIN \(label)-----\n".utf8)
    for (place, start) in stride(from: 0, to: bytes.count, by: 3).enumerated() {
        if place > 0, place % 16 == 0 { text.append(10) }
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for index in 0..<4 {
            text.append(
                index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
        }
    }
    return text + "\n-----END \(label)-----\n".utf8
}
