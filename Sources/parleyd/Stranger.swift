// Who the limits by address apply to.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// One peer, as far as it is known before a handshake.
struct Stranger: Hashable, Sendable {
    let neighbourhood: Neighbourhood
    /// Whether it is exempt from limits by address.
    let isExempt: Bool
}
