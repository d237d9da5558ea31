// The two ends of a channel in memory, for protocols without a descriptor.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets

/// One end of a channel in memory. What one send takes is what one receive returns, as with TLS
/// records; a capacity makes the sender wait.
final class MemoryChannel: Channel, @unchecked Sendable {
    /// What this end has sent, piece by piece.
    private(set) var wire: [String] = []
    private let incoming: MemoryPipe
    private let outgoing: MemoryPipe

    /// Two ends on one loop.
    ///
    /// - Parameters:
    ///   - capacity: the bytes that may be under way in each direction.
    ///   - peer: what both take for the other's address.
    ///   - deadlines: of both.
    static func pair(
        _ loop: EventLoop, capacity: Int = .max, peer: SocketAddress? = nil,
        deadlines: Deadlines = Deadlines()
    ) -> (MemoryChannel, MemoryChannel) {
        let there = MemoryPipe(loop, capacity)
        let back = MemoryPipe(loop, capacity)
        return (
            MemoryChannel(loop, peer, deadlines, incoming: back, outgoing: there),
            MemoryChannel(loop, peer, deadlines, incoming: there, outgoing: back)
        )
    }

    private init(
        _ loop: EventLoop, _ peer: SocketAddress?, _ deadlines: Deadlines, incoming: MemoryPipe,
        outgoing: MemoryPipe
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
        let piece = incoming.take(buffer.count)
        guard piece.count > 0 else { return incoming.ending ?? Self.wouldBlock }
        unsafe buffer.copyBytes(from: piece)
        unsafe noteReceived(UnsafeRawBufferPointer(rebasing: buffer[..<piece.count]))
        return piece.count
    }

    override func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let ending = outgoing.ending { return ending == 0 ? -Int(EPIPE) : ending }
        let count = min(bytes.count, outgoing.room)
        guard count > 0 else { return Self.wouldBlock }
        let piece = unsafe Array(bytes[..<count])
        outgoing.put(piece)
        wire.append(String(decoding: piece, as: UTF8.self))
        noteSent(count)
        return count
    }

    override func shutdownWrite() { outgoing.end() }

    /// Ends the other end's reading as a reset does, behind what was sent.
    func reset() { outgoing.end(failure: ECONNRESET) }
}

/// One direction of a channel in memory.
private final class MemoryPipe: @unchecked Sendable {
    weak var reader: Channel?
    weak var writer: Channel?
    /// 0 after the clean end, below zero an errno; nil while it is open.
    private(set) var ending: Int?
    private var pieces: [ArraySlice<UInt8>] = []
    private var count = 0
    private let loop: EventLoop
    private let capacity: Int

    init(_ loop: EventLoop, _ capacity: Int) {
        self.loop = loop
        self.capacity = capacity
    }

    var room: Int { capacity - count }

    func put(_ piece: [UInt8]) {
        pieces.append(piece[...])
        count += piece.count
        tell { $0.reader?.ready(.readable) }
    }

    /// At most `maximum` bytes of the first piece.
    func take(_ maximum: Int) -> ArraySlice<UInt8> {
        guard let first = pieces.first else { return [] }
        let piece = first.prefix(maximum)
        pieces[0] = first.dropFirst(maximum)
        if pieces[0].isEmpty { pieces.removeFirst() }
        count -= piece.count
        tell { $0.writer?.ready(.writable) }
        return piece
    }

    func end(failure: Int32 = 0) {
        guard ending == nil else { return }
        ending = -Int(failure)
        tell { pipe in
            pipe.reader?.ready(.ended)
            pipe.writer?.ready(.ended)
        }
    }

    /// In a turn of its own, as the kernel would: a channel may not be called from within itself.
    private func tell(_ call: @escaping @Sendable (MemoryPipe) -> Void) {
        loop.spawn { call(self) }
    }
}
