// A channel without a descriptor: bytes in arrays.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets

/// The bytes of one direction, and what the network does to them.
final class Wire {
    /// What was sent and is not received yet.
    var pending: [UInt8] = []
    /// All that was ever sent.
    private(set) var history: [UInt8] = []
    /// How many bytes may be pending; more do not fit.
    var capacity = Int.max
    /// One byte a receive, and between any two of them nothing yet.
    var trickles = false
    /// There is nothing more to come.
    var isEnded = false
    /// What sending and receiving fail with.
    var sendFailure: Int32?
    var receiveFailure: Int32?

    private var isPausing = false

    /// The records that were sent since `count` bytes of the history.
    func records(since count: Int = 0) -> [Record] { Record.records(in: history[count...]) }

    fileprivate func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let sendFailure { return -Int(sendFailure) }
        let count = min(bytes.count, capacity - pending.count)
        guard count > 0 else { return Channel.wouldBlock }
        unsafe pending += bytes.prefix(count)
        unsafe history += bytes.prefix(count)
        return count
    }

    fileprivate func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard !pending.isEmpty else {
            if let receiveFailure { return -Int(receiveFailure) }
            return isEnded ? 0 : Channel.wouldBlock
        }
        if trickles {
            isPausing.toggle()
            if !isPausing { return Channel.wouldBlock }
        }
        let count = min(buffer.count, trickles ? 1 : pending.count)
        unsafe buffer.copyBytes(from: pending.prefix(count))
        pending.removeFirst(count)
        return count
    }
}

/// One end of two wires.
final class MemoryChannel: Channel, @unchecked Sendable {
    let incoming: Wire
    let outgoing: Wire
    /// How often what came was acknowledged at once.
    private(set) var acknowledgements = 0

    init(loop: EventLoop, incoming: Wire, outgoing: Wire) {
        self.incoming = incoming
        self.outgoing = outgoing
        super.init(loop: loop, peer: nil, deadlines: Deadlines())
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
        if count > 0 { noteSent(count) }
        return count
    }

    override func shutdownWrite() { outgoing.isEnded = true }

    override func acknowledge() { acknowledgements += 1 }
}

/// A TLS record as it is on the wire (RFC 8446, section 5.1).
struct Record: Equatable {
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23

    let type: UInt8
    let payload: [UInt8]

    /// A record of its own making.
    var bytes: [UInt8] {
        [type, 3, 3, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)] + payload
    }

    static func records(in bytes: ArraySlice<UInt8>) -> [Record] {
        var records: [Record] = []
        var rest = bytes
        while rest.count >= 5 {
            let header = Array(rest.prefix(5))
            let length = Int(header[3]) << 8 | Int(header[4])
            rest = rest.dropFirst(5)
            records.append(Record(type: header[0], payload: Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return records
    }
}
