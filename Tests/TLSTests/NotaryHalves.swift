// What a network process has on a loop, and the thread that answers it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import Synchronization
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

/// `thread.stop()` must follow.
final class NotaryHalves {
    let clients = ShownClients(limit: 100)
    let link: NotaryLink
    let channel: CallChannel
    let front: TLSContext
    let ring: KeyRing
    let thread: NotaryThread
    let breach: Breach
    let loop: EventLoop

    final class Breach: Sendable {
        let error = Mutex<PacketError?>(nil)
    }

    /// - Parameter loop: the one that asks; by default one that never runs.
    init(_ context: TLSContext, _ loop: EventLoop? = nil) throws {
        var pair = try PacketPair()
        let breach = Breach()
        self.breach = breach
        self.loop = try loop ?? EventLoop()
        ring = try KeyRing(context, number: 0)
        thread = try NotaryThread(
            pair.takeOne(), ring, clients, TestPlaces(), maxHandshakes: 100
        ) {
            error in breach.error.withLock { $0 = error }
        }
        channel = try CallChannel(owning: pair.takeOther(), time: .seconds(20))
        link = NotaryLink(channel, loop: self.loop, patience: .seconds(20)) { _ in }
        front = try TLSContext(
            server: #require(context.face), key: RemoteKey(number: 0, signer: link),
            verifier: link)
    }

    func pair(_ client: TLSContext, _ handle: Handle) throws -> MemoryPair {
        let pair = try MemoryPair(client: client, server: front)
        pair.server.stream.transcript = link.transcript(
            handle, asksClient: front.asksForClients)
        return pair
    }
}
