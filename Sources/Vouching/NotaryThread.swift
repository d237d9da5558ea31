// The thread that answers a channel's calls.
// SPDX-License-Identifier: Apache-2.0
package import Broker
internal import Glibc
internal import Sockets
package import System
internal import TLS

/// Serves one end of a call channel with a `Notary`, until it is stopped or the other end is gone. Any thread may
/// stop it.
package final class NotaryThread: Sendable {
    private let server: CallServer
    private let thread: pthread_t

    /// Starts it.
    ///
    /// - Parameters:
    ///   - descriptor: one end of a `PacketPair`.
    ///   - clients: those of this channel.
    ///   - admission: gives their sessions places.
    ///   - maxHandshakes: how many may be under way.
    ///   - failed: called on that thread, at most once, when the other end has broken the rules. Nothing more
    ///     is answered.
    /// - Throws: `system` if no thread can be started.
    package init(
        _ descriptor: consuming Descriptor, _ ring: KeyRing, _ clients: ShownClients,
        _ admission: any SessionAdmission, maxHandshakes: Int,
        failed: @escaping @Sendable (PacketError) -> Void
    ) throws(Errno) {
        let server = CallServer(owning: descriptor, limit: CallLimit.question)
        self.server = server
        thread = try startThread {
            let notary = Notary(ring, clients, admission, maxHandshakes: maxHandshakes)
            var breach: PacketError?
            do throws(PacketError) {
                try server.serve { question in
                    do throws(PacketError) {
                        return try notary.answer(question)
                    } catch {
                        breach = error
                        return nil
                    }
                }
            } catch {
                breach = error
            }
            clients.removeAll()
            if let breach { failed(breach) }
        }
    }

    /// Stops it, and waits for its end. Call once.
    package func stop() {
        server.stop()
        pthread_join(thread, nil)
    }
}
