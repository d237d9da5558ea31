// A file of session secrets, for debugging with Wireshark.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
public import System

/// Appends TLS secrets in the NSS key-log format, each line in one write.
public final class KeyLog: Sendable {
    private let descriptor: Descriptor

    /// Opens the file, or creates it with mode 0600.
    ///
    /// - Throws: `unreadable` if it can't be written; `foreignOwner`, `writableByOthers` and
    ///   `keyReadableByOthers` if others have access to it.
    public init(_ path: String) throws(CredentialError) {
        do throws(FileError) {
            descriptor = Descriptor(
                owning: try TrustedFile(appending: path, isSecret: true).release())
        } catch {
            throw CredentialError(keyLog: error)
        }
    }

    /// Takes over the descriptor to write to.
    public init(owning descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// Checks whether it could be opened, without creating a file.
    ///
    /// - Throws: as `init(_:)` does.
    public static func examine(_ path: String) throws(CredentialError) {
        do throws(FileError) {
            try TrustedFile.examine(appending: path, isSecret: true)
        } catch {
            throw CredentialError(keyLog: error)
        }
    }

    func append(_ line: String) { append(Array((line + "\n").utf8)) }

    /// Appends whole lines that another process has written.
    public func append(_ lines: [UInt8]) {
        unsafe write(descriptor.number, lines, lines.count)
    }
}
