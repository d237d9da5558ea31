// The two ends of a channel in memory, for protocols without a descriptor.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Sockets

/// One end of a channel in memory: of one wire each way, on which a test may plan faults.
final class MemoryChannel: Channel {
    let incoming: Wire
    let outgoing: Wire
    /// How often what came was acknowledged at once.
    private(set) var acknowledgements = 0
    /// The number of bytes of each part that was sent.
    private(set) var parts: [Int] = []

    /// Two ends on one loop that runs, for tasks that wait for each other. Boundaries are kept.
    ///
    /// - Parameters:
    ///   - capacity: the bytes that may be under way in each direction.
    ///   - peer: what both take for the other's address.
    ///   - deadlines: of both.
    static func pair(
        _ loop: EventLoop, capacity: Int = .max, peer: SocketAddress? = nil,
        deadlines: Deadlines = Deadlines()
    ) -> (MemoryChannel, MemoryChannel) {
        ends(loop, peer, deadlines) {
            Wire(wakingOn: loop, capacity: capacity, keepsBoundaries: true)
        }
    }

    /// Two ends on a loop that doesn't run, which a test calls one after the other.
    static func idlePair(_ loop: EventLoop) -> (MemoryChannel, MemoryChannel) {
        ends(loop, nil, Deadlines()) { Wire(wakingOn: nil, keepsBoundaries: false) }
    }

    private static func ends(
        _ loop: EventLoop, _ peer: SocketAddress?, _ deadlines: Deadlines, _ wire: () -> Wire
    ) -> (MemoryChannel, MemoryChannel) {
        let (there, back) = (wire(), wire())
        return (
            MemoryChannel(loop, peer, deadlines, incoming: back, outgoing: there),
            MemoryChannel(loop, peer, deadlines, incoming: there, outgoing: back)
        )
    }

    private init(
        _ loop: EventLoop, _ peer: SocketAddress?, _ deadlines: Deadlines, incoming: Wire,
        outgoing: Wire
    ) {
        self.incoming = incoming
        self.outgoing = outgoing
        super.init(loop: loop, peer: peer, deadlines: deadlines)
        incoming.reader = self
        outgoing.writer = self
    }

    deinit {
        outgoing.end()
        incoming.end(failure: EPIPE)
    }

    override func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = unsafe incoming.receive(into: buffer)
        if count > 0 {
            unsafe noteReceived(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return count
    }

    override func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = unsafe outgoing.send(bytes)
        if count > 0 {
            noteSent(count)
            parts.append(count)
        }
        return count
    }

    override func shutdownWrite() { outgoing.end() }

    override func acknowledge() { acknowledgements += 1 }

    /// Ends the other end's reading as a reset does, after what was sent.
    func reset() { outgoing.end(failure: ECONNRESET) }

    /// What this end has sent, piece by piece.
    var sentTexts: [String] { outgoing.sends.map { String(decoding: $0, as: UTF8.self) } }
}
