// Drives a channel that no task waits for.
// SPDX-License-Identifier: Apache-2.0

/// Called by a channel instead of resuming a waiting task.
package protocol Driver: AnyObject {
    /// The channel became ready or failed.
    func channelChanged()

    /// The peer was silent for a while: pings it.
    func keepAlive()

    /// Whether something that arrived has no answer yet, or its answer waits for the peer.
    var owesPeer: Bool { get }
}
