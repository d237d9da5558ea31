// A certificate's names, in the form that the command table uses.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import TLS

extension PeerIdentity {
    /// What sessions and programs are attributed to (`Identity.description`).
    var attribution: String { label { Identity($0).description } }
}

extension Identity {
    /// The names of a session's peer.
    init(_ peer: PeerIdentity) {
        self.init(names: peer.names.map(\.description), key: peer.key)
    }
}
