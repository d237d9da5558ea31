// One direction of a channel in memory, and what the network does to it.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Sockets

/// The bytes of one direction, and a plan of faults: what can be set of it holds from then on.
/// Confined to its loop.
final class Wire {
    /// What was sent and has not been received.
    var pending: [UInt8] {
        get { Array(pieces.joined()) }
        set {
            pieces = newValue.isEmpty ? [] : [newValue[...]]
            count = newValue.count
        }
    }
    /// What each send took.
    private(set) var sends: [[UInt8]] = []
    /// How many bytes may be pending; more do not fit.
    var capacity: Int
    /// One byte a receive, and between any two of them nothing yet.
    var trickles = false
    /// There is nothing more to come.
    var isEnded = false
    /// What sending and receiving fail with, as an errno; receiving not before what is pending.
    var sendFailure: Int32?
    var receiveFailure: Int32?

    weak var reader: Channel?
    weak var writer: Channel?
    /// Where the two ends wait; nil where a test calls each by itself, and nobody is to be woken.
    private let loop: EventLoop?
    private let keepsBoundaries: Bool
    private var pieces: [ArraySlice<UInt8>] = []
    private var count = 0
    private var isPausing = false

    /// - Parameter keepsBoundaries: what one send takes is what one receive returns, as with TLS's
    ///   records; else a receive returns all there is, as with TCP.
    init(wakingOn loop: EventLoop?, capacity: Int = .max, keepsBoundaries: Bool) {
        self.loop = loop
        self.capacity = capacity
        self.keepsBoundaries = keepsBoundaries
    }

    /// All that was ever sent.
    var history: [UInt8] { Array(sends.joined()) }

    /// Ends it, where it has not ended: with what was sent, or with a failure of both sides after it.
    func end(failure: Int32? = nil) {
        guard !isEnded else { return }
        isEnded = true
        sendFailure = sendFailure ?? failure ?? EPIPE
        receiveFailure = receiveFailure ?? failure
        tell { wire in
            wire.reader?.ready(.ended)
            wire.writer?.ready(.ended)
        }
    }

    /// Takes what fits; the number of bytes, or below zero an errno.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let sendFailure { return -Int(sendFailure) }
        let taken = min(bytes.count, capacity - count)
        guard taken > 0 else { return Channel.wouldBlock }
        let piece = unsafe Array(bytes[..<taken])
        sends.append(piece)
        pieces.append(piece[...])
        count += taken
        tell { $0.reader?.ready(.readable) }
        return taken
    }

    /// Gives what is pending; the number of bytes, 0 at the end, or below zero an errno.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard count > 0 else {
            if let receiveFailure { return -Int(receiveFailure) }
            return isEnded ? 0 : Channel.wouldBlock
        }
        if trickles {
            isPausing.toggle()
            if !isPausing { return Channel.wouldBlock }
        }
        let room = trickles ? min(1, buffer.count) : buffer.count
        var given = 0
        while given < room, let first = pieces.first {
            let part = first.prefix(room - given)
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[given...]).copyBytes(from: part)
            given += part.count
            if part.count < first.count {
                pieces[0] = first.dropFirst(part.count)
            } else {
                pieces.removeFirst()
            }
            if keepsBoundaries { break }
        }
        count -= given
        tell { $0.writer?.ready(.writable) }
        return given
    }

    /// In a turn of its own, as the kernel would: a channel may not be called from within itself.
    private func tell(_ call: @escaping @Sendable (Wire) -> Void) {
        loop?.spawn { call(self) }
    }
}
