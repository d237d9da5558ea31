// How a client's session is kept alive.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

extension RemoteClient: Driver {
    package func channelChanged() {}

    package func keepAlive() {
        // Pending data shows it as well, but not what is left of a record whose beginning was sent. An unsolicited pong tells the server that its answers are not
        // read yet, so that the session does not count as having nothing to do.
        if outbox.count == 0 { say(channel.isHolding ? .pong : .ping) }
    }

    package var owesPeer: Bool { outbox.count > 0 }
}
