// What records say about the session they belong to.
// SPDX-License-Identifier: Apache-2.0

/// Whose session it is, as each of its records states.
package struct RecordedSession: Sendable {
    /// Its number among the sessions of all loops, counted from 1; nil if there is none.
    package let number: Int?
    package let address: String
    /// The load balancer's that forwards the connection, if it has named the client.
    package let balancer: String?
    /// Nil for a client without a certificate.
    package let peer: Peer?

    /// A client's certificate.
    package struct Peer: Sendable {
        package let identity: String
        package let names: [String]
        package let key: String
        package let serial: String

        package init(identity: String, names: [String], key: String, serial: String) {
            self.identity = identity
            self.names = names
            self.key = key
            self.serial = serial
        }
    }

    package init(number: Int, address: String, balancer: String? = nil, peer: Peer?) {
        self.number = number
        self.address = address
        self.balancer = balancer
        self.peer = peer
    }

    /// For records about connections from an address that never became a session.
    package init(strangersAt address: String) {
        number = nil
        self.address = address
        balancer = nil
        peer = nil
    }

    package var fields: [Field] {
        [
            Field("session", number), Field("address", address), Field("balancer", balancer),
            Field("identity", peer?.identity), Field("names", peer.map { .texts($0.names) }),
            Field("key", peer?.key), Field("serial", peer?.serial),
        ]
    }
}
