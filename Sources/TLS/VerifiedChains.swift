// Clients' verified chains, so that each is verified only once.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Remembers the chains that were verified under one context, which is one generation of CAs and CRLs: the
/// next context starts with an empty memory. A chain is identified by the hash of its whole message, and
/// remembered until its first expiry. Refused chains are not remembered.
///
/// Usable from any thread: a lock is held during look-ups, but not during verification.
public final class VerifiedChains: Sendable {
    private let context: TLSContext
    private let room: Int
    private let memory = Mutex(Memory())

    /// - Parameters:
    ///   - context: a server's.
    ///   - room: how much is remembered, in bytes of the chains' messages. A chain has about 1,000, and
    ///     OpenSSL needs up to four times as many for it. The least recently used are forgotten first.
    public init(under context: TLSContext, room: Int = 1 << 20) {
        precondition(context.role == .server && room >= 0)
        self.context = context
        self.room = room
    }

    /// The chain as verified before, if that is still valid, or as verified now.
    ///
    /// - Throws: `ChainRefusal`.
    public func verify(_ chain: ClientChain) throws(ChainRefusal) -> VerifiedChain {
        try verify(chain, at: CertificateTime.now)
    }

    func verify(_ chain: ClientChain, at now: Int) throws(ChainRefusal) -> VerifiedChain {
        let known = memory.withLock { $0.take(chain.hash, room: room) }
        if let known, known.chain.holds(at: now) { return known.chain }
        // Two threads may do this at once, with the same result.
        let verified = try VerifiedChain(chain, under: context, at: now)
        memory.withLock {
            $0.keep(Memory.Entry(chain: verified, size: chain.size), as: chain.hash, room: room)
        }
        return verified
    }

    /// How many bytes of messages are remembered.
    var size: Int { memory.withLock { $0.size } }

    /// Two halves: the younger one has what was used since it began. When it is full it replaces the older
    /// one, whose chains are forgotten.
    private struct Memory {
        struct Entry {
            let chain: VerifiedChain
            let size: Int
        }

        private var young = Half()
        private var old = Half()

        private struct Half {
            var entries: [[UInt8]: Entry] = [:]
            var size = 0

            mutating func remove(_ hash: [UInt8]) -> Entry? {
                guard let entry = entries.removeValue(forKey: hash) else { return nil }
                size -= entry.size
                return entry
            }
        }

        var size: Int { young.size + old.size }

        /// The chain with that hash, which moves back to the younger half.
        mutating func take(_ hash: [UInt8], room: Int) -> Entry? {
            if let entry = young.entries[hash] { return entry }
            guard let entry = old.remove(hash) else { return nil }
            keep(entry, as: hash, room: room)
            return entry
        }

        mutating func keep(_ entry: Entry, as hash: [UInt8], room: Int) {
            _ = (young.remove(hash), old.remove(hash))
            guard entry.size <= room / 2 else { return }
            if young.size + entry.size > room / 2 {
                old = young
                young = Half()
            }
            young.entries[hash] = entry
            young.size += entry.size
        }
    }
}
