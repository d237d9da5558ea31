// What a certificate says about its holder, as plain values.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Who a peer has proved to be.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The certificate's subject alternative names, in its order.
    public let names: [SubjectName]
    /// SHA-256 of its public key.
    public let keyHash: [UInt8]
    /// Its serial number in hexadecimal.
    public let serial: String
    /// The end of its validity.
    public let notAfter: String
    /// The same in seconds since 1970.
    public let expiry: Int
    private let label = Label()

    init(names: [SubjectName], keyHash: [UInt8], serial: String, notAfter: String, expiry: Int) {
        self.names = names
        self.keyHash = keyHash
        self.serial = serial
        self.notAfter = notAfter
        self.expiry = expiry
    }

    /// The first name other than an address, as the certificate spells it, else the key. A table
    /// ignores some names and compares the others in canonical spelling, so don't base decisions on
    /// this.
    public var description: String {
        names.first { $0.kind != .ip }?.description ?? key
    }

    /// `key:sha256:` and the base64 of its public key's hash, as in command tables.
    public var key: String { Pin(keyHash: keyHash).identity }

    /// What the program calls it: made once for all copies of this value, since it may take longer than all else that
    /// a session of a known client takes.
    package func label(_ make: (PeerIdentity) -> String) -> String { label.text { make(self) } }

    /// No part of what it is.
    private final class Label: Hashable, Sendable {
        private let known = Mutex<String?>(nil)

        func text(_ make: () -> String) -> String {
            known.withLock { known in
                let text = known ?? make()
                known = text
                return text
            }
        }

        static func == (_: Label, _: Label) -> Bool { true }
        func hash(into _: inout Hasher) {}
    }
}
