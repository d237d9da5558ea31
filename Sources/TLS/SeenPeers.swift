// The clients that a server has seen.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Remembers what the certificates of accepted clients say about their holders: OpenSSL takes longer to read that out
/// than it takes for anything else that a session needs before its first message. It decides nothing, and a certificate
/// is known only if it is the same byte for byte. Usable from any thread.
final class SeenPeers: Sendable {
    private let room: Int
    private let memory = Mutex(Memory())

    private struct Memory {
        var entries: [Int: Entry] = [:]
        var size = 0
    }

    private struct Entry {
        let certificate: [UInt8]
        let identity: PeerIdentity
    }

    /// - Parameter room: how many bytes of certificates are remembered. One more makes it forget all others.
    init(room: Int = 1 << 18) { self.room = room }

    /// - Parameter certificate: of a client that is accepted: a stranger's would push out those of others.
    func identity(in certificate: Certificate) -> PeerIdentity {
        let der = certificate.der
        let hash = der.quickHash
        if let seen = memory.withLock({ $0.entries[hash] }), seen.certificate.isSame(as: der[...]) {
            return seen.identity
        }
        let identity = certificate.identity
        memory.withLock { memory in
            if memory.size + der.count > room { memory = Memory() }
            guard !der.isEmpty, der.count <= room else { return }
            let entry = Entry(certificate: der, identity: identity)
            let old = memory.entries.updateValue(entry, forKey: hash)
            memory.size += der.count - (old?.certificate.count ?? 0)
        }
        return identity
    }

    /// How many are remembered.
    var count: Int { memory.withLock { $0.entries.count } }
}
