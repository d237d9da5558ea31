// The clients of a loop's sessions.
// SPDX-License-Identifier: Apache-2.0
package import Broker
package import Remote
internal import Synchronization
package import TLS

/// Who the clients of one channel's sessions are, by the sessions' handles: established by the thread that
/// answers calls, and used by the loop that decides. Safe on any thread.
package final class ShownClients: Sendable {
    /// A client whose chain was accepted.
    package struct Client: Sendable {
        package let chain: ClientChain
        /// Nil for a client of TLS 1.2, which has proved nothing: no identity may be taken from its
        /// chain.
        package let proven: ProvenClient?
        /// The generation of the server's files under which the chain was accepted.
        package let reading: UInt32
        /// Why its session may not begin; nil if it has a place.
        package let turnedAway: Refusal?
    }

    private struct Entry {
        let client: Client
        /// Given back with the entry.
        let place: (any SessionPlace)?
    }

    private let limit: Int
    private let entries = Mutex<[Handle: Entry]>([:])

    /// - Parameter limit: how many sessions may be open.
    package init(limit: Int) { self.limit = limit }

    package subscript(handle: Handle) -> Client? { entries.withLock { $0[handle]?.client } }

    package var count: Int { entries.withLock { $0.count } }

    /// Nothing more is asked about the session.
    package func remove(_ handle: Handle) {
        // Its place has a lock of its own, which isn't taken inside this one.
        _ = entries.withLock { $0.removeValue(forKey: handle) }
    }

    package func removeAll() {
        _ = entries.withLock { entries in
            defer { entries = [:] }
            return entries
        }
    }

    /// - Returns: whether there is room and nobody is known under that handle.
    func add(
        _ client: Client, holding place: (any SessionPlace)? = nil, as handle: Handle
    ) -> Bool {
        entries.withLock { entries in
            guard entries.count < limit, entries[handle] == nil else { return false }
            entries[handle] = Entry(client: client, place: place)
            return true
        }
    }
}
