// What the network process writes to its standard outputs.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Sockets
internal import System

/// Reads a pipe of the network process and forwards what arrives: the process itself has none of the server's outputs.
/// While the receiver doesn't accept it, the pipe fills up, and it is the other process's business to drop lines.
/// Confined to its loop.
final class PipeRelay: EventSource {
    private let descriptor: Descriptor
    private let output: Output?
    private let take: ([UInt8]) -> Void
    private var isWatched = false

    /// - Parameters:
    ///   - output: the descriptor that `take` writes to and that must be writable; nil for none.
    ///   - take: receives what came; an empty array at the end.
    init(
        _ descriptor: consuming Descriptor, loop: EventLoop, output: Output?,
        take: @escaping ([UInt8]) -> Void
    ) throws(StreamError) {
        unblock(descriptor)
        self.descriptor = descriptor
        self.output = output
        self.take = take
        super.init(loop: loop)
        try watch()
    }

    deinit { if isWatched { loop.remove(descriptor: descriptor.number) } }

    override func ready(_ events: Events) {
        guard readOnce() else { return unwatch() }
        guard let output, output.backlog > Self.maxWaiting else { return }
        unwatch()
        loop.spawn { [weak self] in
            await output.flushed()
            try? self?.watch()
        }
    }

    /// Reads the rest of what is there, once nobody writes any more.
    func drain() {
        for _ in 0..<Self.maxReads where !readOnce() { return }
    }

    /// - Returns: false at the end.
    private func readOnce() -> Bool {
        // A separate buffer for each line of the log would cost more than the line.
        let room = unsafe loop.input
        let count = unsafe read(descriptor.number, room.baseAddress, room.count)
        if count > 0 { take(unsafe Array(UnsafeBufferPointer(rebasing: room[..<count]))) }
        if count == 0 { take([]) }
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }

    private func watch() throws(StreamError) {
        guard !isWatched else { return }
        try loop.add(self, descriptor: descriptor.number, events: .readable)
        isWatched = true
    }

    private func unwatch() {
        if isWatched { loop.remove(descriptor: descriptor.number) }
        isWatched = false
    }

    private static let maxWaiting = 65_536
    /// Ten times what a pipe can hold.
    private static let maxReads = 640
}
