// A certificate's names as the command table has them.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import TLS

extension Identity {
    /// Of the peer of a session.
    init(_ peer: PeerIdentity) {
        self.init(names: peer.names.map(\.description), key: peer.key)
    }
}
