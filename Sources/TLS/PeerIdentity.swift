// What a certificate says about its holder, as plain values.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Who a peer has proved to be. Copying it is as cheap as copying one reference.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    private let contents: Contents

    /// The certificate's subject alternative names, in its order.
    public var names: [SubjectName] { contents.names }
    /// SHA-256 of its public key.
    public var keyHash: [UInt8] { contents.keyHash }
    /// Its serial number in hexadecimal.
    public var serial: String { contents.serial }
    /// The end of its validity.
    public var notAfter: String { contents.notAfter }
    /// The same in seconds since 1970.
    public var expiry: Int { contents.expiry }

    init(names: [SubjectName], keyHash: [UInt8], serial: String, notAfter: String, expiry: Int) {
        contents = Contents(names, keyHash, serial, notAfter, expiry)
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
    package func label(_ make: (PeerIdentity) -> String) -> String {
        contents.label.withLock { label in
            let text = label ?? make(self)
            label = text
            return text
        }
    }

    private final class Contents: Hashable, Sendable {
        let names: [SubjectName]
        let keyHash: [UInt8]
        let serial: String
        let notAfter: String
        let expiry: Int
        /// No part of what it is.
        let label = Mutex<String?>(nil)

        init(
            _ names: [SubjectName], _ keyHash: [UInt8], _ serial: String, _ notAfter: String,
            _ expiry: Int
        ) {
            self.names = names
            self.keyHash = keyHash
            self.serial = serial
            self.notAfter = notAfter
            self.expiry = expiry
        }

        static func == (a: Contents, b: Contents) -> Bool {
            a === b
                || a.names == b.names && a.keyHash == b.keyHash && a.serial == b.serial
                    && a.notAfter == b.notAfter && a.expiry == b.expiry
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(keyHash)
            hasher.combine(serial)
        }
    }
}
