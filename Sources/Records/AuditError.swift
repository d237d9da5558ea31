// Why the audit trail can't be opened, or a record can't be written.
// SPDX-License-Identifier: Apache-2.0
package import System

/// A failure of the audit trail. Its sentence names the file if it can't be opened, and gives only the
/// reason if a record is lost.
package typealias AuditError = Fault<AuditTrail>

/// The domain of `AuditError`.
package enum AuditTrail: FaultDomain {
    /// What the caller can say instead, if it chose where the trail goes.
    package enum Remedy: Hashable, Sendable {
        /// Standard error can't be written to, but a file could be.
        case nameFile
    }
}

extension AuditError {
    /// The reader of the records has stopped reading.
    static var unread: AuditError { AuditError(.unread, "nobody is reading it") }

    /// A file that can't be opened, or must not be used.
    init(_ error: FileError) {
        self.init(.file, "the audit file \(error)", cause: error.cause)
    }

    /// Standard error can't be reopened and can't be duplicated.
    init(standardError reason: Errno) {
        self.init(
            .standardError, "the audit trail cannot be written to standard error (\(reason))",
            remedy: .nameFile, cause: .system(reason))
    }

    /// No thread can be started to write the trail.
    init(noThread reason: Errno) {
        self.init(
            .system, "the thread that writes the audit trail cannot be started (\(reason))",
            cause: .system(reason))
    }

    /// A record that the system didn't accept, in the system's own words.
    init(writing reason: Errno) {
        self.init(.system, reason.description, cause: .system(reason))
    }
}

extension AuditError.Code {
    /// The file can't be opened, or must not be used.
    package static var file: Self { Self(rawValue: "file") }
    /// Standard error can't be written to.
    package static var standardError: Self { Self(rawValue: "standardError") }
    /// A pipe or a socket is full, and isn't waited for any longer.
    package static var unread: Self { Self(rawValue: "unread") }
    /// The system has refused a write.
    package static var system: Self { Self(rawValue: "system") }
}
