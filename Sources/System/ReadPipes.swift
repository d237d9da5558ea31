// Which pipes were read, since a pipe has its contents once.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The pipes that files were read from. Reading one a second time, as a reload would, would find
/// nothing or wait for a writer that is still there.
enum ReadPipes {
    private struct Name: Hashable { let device: dev_t, node: ino_t }
    private static let names = Mutex<Set<Name>>([])

    /// - Throws: `unreadable` if this one was read before.
    static func mark(_ descriptor: Int32, _ path: String) throws(FileError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return }
        let name = Name(device: status.st_dev, node: status.st_ino)
        guard names.withLock({ $0.insert(name).inserted }) else {
            throw FileError(
                .unreadable, path,
                "it is a pipe, which can be read only once and has already been read; name a file"
            )
        }
    }
}
