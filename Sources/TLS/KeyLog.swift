// A file of session secrets, for debugging with Wireshark.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets

/// Appends TLS secrets in the NSS key-log format, each line in one write.
public final class KeyLog: Sendable {
    private let descriptor: Descriptor

    /// Opens or makes the file, readable by its owner only.
    ///
    /// - Throws: `unreadable` where it can't be written, `keyReadableByOthers` where others could
    ///   read it.
    public init(_ path: String) throws(CredentialError) {
        let number = unsafe open(
            path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard number >= 0 else {
            throw CredentialError(
                .unreadable,
                "the key log \(path) cannot be written (\(systemMessage(errno))); name another file"
            )
        }
        descriptor = Descriptor(owning: number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw CredentialError(
                .keyReadableByOthers,
                "the key log \(path) can be read by others; run: chmod 600 \(path)")
        }
    }

    func append(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        unsafe write(descriptor.number, bytes, bytes.count)
    }
}
