// Where records go.
// SPDX-License-Identifier: Apache-2.0
package import System

/// Where the audit trail is.
package enum AuditPlace: Sendable {
    case standardError
    /// A file, a named pipe or a device. A file is made where there is none, with mode 0600; with 0640 for a group that may
    /// read it, which is given a file that was there already as well.
    case file(String, readableBy: KnownGroup? = nil)
    /// systemd's, by the path of its socket.
    case journal(String = "/run/systemd/journal/socket")
}
