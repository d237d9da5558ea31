// What drives a channel that no task waits for.
// SPDX-License-Identifier: Apache-2.0

/// What a channel calls in place of a waiting task.
package protocol Driver: AnyObject {
    /// The channel became ready or failed.
    func channelChanged()

    /// Nothing was heard of the peer for a while: asks it whether it is there.
    func keepAlive()

    /// Whether something that came has no answer yet, or waits for the peer to take it.
    var owesPeer: Bool { get }
}
