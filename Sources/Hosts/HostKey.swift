// The keys that the configuration has for a host.
// SPDX-License-Identifier: Apache-2.0

/// What can be set for a host. Each corresponds to an option of the command line, but for `address`, which
/// corresponds to its operand.
package enum HostKey: String, CaseIterable, Sendable {
    case address, port, serverName, certs, cert, key, ca, pin, crl, keepalive

    /// What a folder of certificates decides as well, unless these are set beside or before it.
    package static let inFolder: Set<Self> = [.cert, .key, .ca]
}
