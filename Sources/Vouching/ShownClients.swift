// The clients of a loop's sessions.
// SPDX-License-Identifier: Apache-2.0
package import Broker
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
    }

    private let most: Int
    private let clients = Mutex<[Handle: Client]>([:])

    /// - Parameter most: sessions that may be open.
    package init(most: Int) { self.most = most }

    package subscript(handle: Handle) -> Client? { clients.withLock { $0[handle] } }

    package var count: Int { clients.withLock { $0.count } }

    /// Nothing of the session is asked any more.
    package func remove(_ handle: Handle) {
        clients.withLock { _ = $0.removeValue(forKey: handle) }
    }

    package func removeAll() { clients.withLock { $0 = [:] } }

    /// - Returns: whether there is room, and nobody is known by that handle.
    func add(_ client: Client, as handle: Handle) -> Bool {
        clients.withLock { clients in
            guard clients.count < most, clients[handle] == nil else { return false }
            clients[handle] = client
            return true
        }
    }
}
