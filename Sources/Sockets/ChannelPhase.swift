// What a channel waits for.
// SPDX-License-Identifier: Apache-2.0

extension Channel {
    /// What the channel is waiting for, each with its own deadline.
    public enum Phase: Sendable {
        case handshake
        /// Every byte that moves restarts the deadline.
        case idle
        /// Only what the peer sends restarts the idle deadline. The driver sends pings.
        case hearing
        /// Only noted activity restarts the deadline, so that a peer that merely answers pings does
        /// not stay for ever. The driver sends pings.
        case resting
        /// This end does not read, so the peer's silence means nothing and its pings get no answer:
        /// twice a second, the driver shows the peer that this end is still there.
        case holding
        case close
    }
}
