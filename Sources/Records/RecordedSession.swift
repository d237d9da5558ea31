// What records say of the session that they belong to.
// SPDX-License-Identifier: Apache-2.0

/// Whose session it is, as each of its records says.
package struct RecordedSession: Sendable {
    /// Of all loops, from 1; nil where there is none.
    package let number: Int?
    package let address: String
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

    package init(number: Int, address: String, peer: Peer?) {
        self.number = number
        self.address = address
        self.peer = peer
    }

    /// For what is recorded of connections of an address that came to no session.
    package init(strangersAt address: String) {
        number = nil
        self.address = address
        peer = nil
    }

    package var fields: [Field] {
        [
            Field("session", number), Field("address", address), Field("identity", peer?.identity),
            Field("names", peer.map { .texts($0.names) }), Field("key", peer?.key),
            Field("serial", peer?.serial),
        ]
    }
}
