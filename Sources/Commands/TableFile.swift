// Reads a table's file, where only its owner could have written it.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A file that decides which programs run, and so must not be writable by those who may not.
enum TableFile {
    /// The text of a file.
    ///
    /// - Throws: `missing`, `unreadable`, `notText`, `writableByOthers`, `foreignOwner`.
    static func read(_ path: String) throws(TableError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw TableError(.missing, file: path, "the name is no path; name the table's file")
        }
        try checkFolders(path)
        // Non-blocking: opening a pipe that nobody writes must not hang.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "the file cannot be opened", errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw failure(path, "the file cannot be examined", errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TableError(
                .unreadable, file: path, "it is not a regular file; name the table's file")
        }
        try check(status, "the file", path)
        guard status.st_size <= sizeLimit else { throw tooLarge(path) }
        let bytes = try contents(descriptor, path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TableError(.notText, file: path, "it is not UTF-8; save it in that encoding")
        }
        return text
    }

    /// Checks the folder of the path, and of each file that a link leads to.
    private static func checkFolders(_ path: String) throws(TableError) {
        var link = path
        for _ in 0..<linkLimit {
            let folder = self.folder(of: link)
            var status = stat()
            guard unsafe stat(folder, &status) == 0 else {
                throw failure(path, "its folder \(escaped(folder)) cannot be examined", errno)
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw failure(path, "its folder \(escaped(folder)) is no folder", ENOTDIR)
            }
            try check(status, "its folder \(escaped(folder))", path)
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = unsafe target.withUnsafeMutableBytes {
                unsafe readlink(
                    link, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
            // No link, or nothing at all, as opening it will tell.
            guard count >= 0 else { return }
            let text = String(decoding: target.prefix(count), as: UTF8.self)
            link = text.utf8.first == UInt8(ascii: "/") ? text : "\(folder)/\(text)"
        }
        throw failure(path, "it is a link to a link without an end", ELOOP)
    }

    private static func folder(of path: String) -> String {
        var bytes = Array(path.utf8)[...]
        let slash = UInt8(ascii: "/")
        guard let last = bytes.lastIndex(of: slash) else { return "." }
        bytes = bytes[..<last]
        while bytes.last == slash { bytes.removeLast() }
        return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
    }

    private static func check(
        _ status: stat, _ what: String, _ path: String
    ) throws(TableError) {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw TableError(
                .foreignOwner, file: path,
                "\(what) belongs to user \(status.st_uid), who could change it; give it to root or to this user"
            )
        }
        // In a sticky folder as well others could put a file where none is yet.
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw TableError(
                .writableByOthers, file: path,
                "\(what) can be written by others than its owner; keep the table where only its owner can write (chmod go-w)"
            )
        }
    }

    private static func contents(_ descriptor: Int32, _ path: String) throws(TableError) -> [UInt8]
    {
        // One byte more than may be there: it could grow meanwhile.
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress! + filled, $0.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "the file cannot be read", errno) }
            if count == 0 { break }
            filled += count
        }
        guard filled <= sizeLimit else { throw tooLarge(path) }
        return Array(bytes[..<filled])
    }

    private static func tooLarge(_ path: String) -> TableError {
        TableError(
            .unreadable, file: path,
            "it is larger than \(sizeLimit >> 20) MiB, so it is hardly a table; name another")
    }

    private static func failure(_ path: String, _ what: String, _ reason: Int32) -> TableError {
        if reason == ENOENT {
            return TableError(.missing, file: path, "there is no such file; name the table's file")
        }
        let why = unsafe String(cString: strerror(reason))
        return TableError(
            .unreadable, file: path, "\(what) (\(why)); expected a file that this user can read")
    }

    /// Thousands of commands fit.
    private static let sizeLimit = 1 << 20
    /// The kernel's own.
    private static let linkLimit = 40
}
