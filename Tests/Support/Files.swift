// Whole files, written and read by path.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Sockets

/// What kept a test from making the files that it needs.
struct NoFile: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) { description = "\(what): \(Errno(errno))" }
}

/// Writes a file, and in place of what it held; a new one is its owner's alone.
func write(_ bytes: [UInt8], to path: String) throws(NoFile) {
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw NoFile("cannot open \(path)") }
    defer { close(number) }
    guard unsafe Glibc.write(number, bytes, bytes.count) == bytes.count else {
        throw NoFile("cannot write \(path)")
    }
}

/// What a file holds, which may be one of `/proc`, without a size to read it by.
func contents(of path: String) throws(NoFile) -> String {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw NoFile("cannot open \(path)") }
    defer { close(number) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe Glibc.read(number, &chunk, chunk.count)
        guard count >= 0 else { throw NoFile("cannot read \(path)") }
        guard count > 0 else { return String(decoding: all, as: UTF8.self) }
        all += chunk[..<count]
    }
}

/// A path within the repository, whatever the current directory is.
func repository(_ path: String) -> String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/") + "/" + path
}
