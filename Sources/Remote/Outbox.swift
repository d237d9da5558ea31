// What a remote session's client sends.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// The one writer of a client's session. Confined to its loop.
final class Outbox<Stream: ByteStream> {
    /// Rings when everything was sent.
    let emptied: Bell

    private let stream: Stream
    private var frames: [UInt8] = []
    private let filled = Bell()
    private var writer: Task<Void, Never>?
    /// The stream has bytes that have not left yet.
    private var isWriting = false
    private var isOver = false

    /// `finish()` must follow.
    init(_ stream: Stream, emptied: Bell) {
        self.stream = stream
        self.emptied = emptied
        writer = stream.channel.loop.spawn { await self.write() }
    }

    /// Bytes that wait to be given to the stream.
    var count: Int { frames.count }

    /// Whether nothing waits, here or in the stream.
    var isEmpty: Bool { frames.isEmpty && !isWriting }

    /// Adds frames, to be sent in the next turn.
    func add(_ frames: [UInt8]) {
        self.frames += frames
        filled.ring()
    }

    /// Adds input, which it cuts into frames.
    func add(input bytes: [UInt8]) {
        frames.append(.input, cutting: bytes)
        filled.ring()
    }

    /// Sends frames from the memory where they are, as far as that is possible at once. It must be empty.
    func send(_ buffer: TransferBuffer, _ count: Int) throws(StreamError) {
        assert(isEmpty)
        try buffer.read(0..<count) { (bytes) throws(StreamError) in
            var sent = 0
            while sent < bytes.count,
                case .moved(let count) = try stream.attemptWriteMany(
                    bytes.extracting(droppingFirst: sent))
            { sent += count }
            frames.append(contentsOf: bytes.extracting(droppingFirst: sent))
        }
        if frames.isEmpty, try stream.attemptFlush() { return }
        isWriting = true
        filled.ring()
    }

    /// Sends nothing more.
    func finish() async {
        isOver = true
        writer?.cancel()
        filled.ring()
        await writer?.value
    }

    private func write() async {
        // It and the frames take turns and keep their memory, which many frames would otherwise get from the system and
        // give back again and again.
        var bytes: [UInt8] = []
        while !isOver {
            guard !isEmpty else {
                await filled.wait()
                continue
            }
            isWriting = true
            swap(&bytes, &frames)
            do throws(StreamError) {
                try await stream.writeMany(bytes)
                bytes.removeAll(keepingCapacity: bytes.count > Self.worthKeeping)
                isWriting = false
                emptied.ring()
            } catch {
                // The reader will meet the same failure, and may find its reason first.
                return stream.channel.wake(.read)
            }
        }
    }

    /// How many bytes must have been sent at once for the next to be likely to be as many.
    private static var worthKeeping: Int { 16_384 }
}
