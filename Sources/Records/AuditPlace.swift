// Where records go.
// SPDX-License-Identifier: Apache-2.0
package import System

/// Where the audit trail is.
package enum AuditPlace: Sendable {
    case standardError
    /// A file, a named pipe or a device. A file is created with mode 0600 if there is none. For a group that may
    /// read it, it gets that group and mode 0640, even if it existed before.
    case file(String, readableBy: KnownGroup? = nil)
    /// systemd's, by the path of its socket.
    case journal(String = "/run/systemd/journal/socket")
}
