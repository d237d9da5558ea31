// Whom the limits by address count.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// One peer, as far as it is known before a handshake.
struct Stranger: Hashable, Sendable {
    let neighbourhood: Neighbourhood
    /// Whether it has no limits of its own.
    let isExempt: Bool
}
