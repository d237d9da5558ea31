// The clients of a loop's sessions.
// SPDX-License-Identifier: Apache-2.0
package import Broker
package import Remote
internal import Synchronization
package import TLS

/// Who the clients of one channel's sessions are, by the sessions' handles: found out by the thread that answers
/// calls, and asked by the loop that decides. For any thread.
package final class ShownClients: Sendable {
    /// A client whose chain was accepted.
    package struct Client: Sendable {
        package let chain: ClientChain
        /// Nil for one of TLS 1.2, who has proved nothing: nobody's identity may be taken from its chain.
        package let proven: ProvenClient?
        /// Of the server's files, under which the chain was accepted.
        package let reading: UInt32
        /// Why its session may not begin; nil where it has a place.
        package let turnedAway: Refusal?
    }

    private struct Entry {
        let client: Client
        /// Is given back with the entry.
        let place: (any SessionPlace)?
    }

    private let most: Int
    private let entries = Mutex<[Handle: Entry]>([:])

    /// - Parameter most: sessions that may be open.
    package init(most: Int) { self.most = most }

    package subscript(handle: Handle) -> Client? { entries.withLock { $0[handle]?.client } }

    package var count: Int { entries.withLock { $0.count } }

    /// Nothing of the session is asked any more.
    package func remove(_ handle: Handle) {
        // Its place has a lock of its own, which isn't taken within this one.
        _ = entries.withLock { $0.removeValue(forKey: handle) }
    }

    package func removeAll() {
        _ = entries.withLock { entries in
            defer { entries = [:] }
            return entries
        }
    }

    /// - Returns: whether there is room, and nobody is known by that handle.
    func add(
        _ client: Client, holding place: (any SessionPlace)? = nil, as handle: Handle
    ) -> Bool {
        entries.withLock { entries in
            guard entries.count < most, entries[handle] == nil else { return false }
            entries[handle] = Entry(client: client, place: place)
            return true
        }
    }
}
