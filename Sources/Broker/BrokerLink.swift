// A loop's link to the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
package import Sockets
package import System

/// The network process's end of a loop's post channel, with the sessions that the loop has there.
/// Confined to its loop.
package final class BrokerLink {
    private let ended: (PostEnd) -> Void
    private(set) var channel: PostChannel?
    private var sessions: [Handle: Entry] = [:]
    private var lastHandle: Handle = 0
    private let room = Room()
    /// More is waiting than the limit, or was and has not all been sent since.
    private var isBehind = false

    private struct Entry { weak var session: SessionLink? }

    /// - Parameters:
    ///   - descriptor: one end of `PostChannel.pair()`.
    ///   - ended: called once, when the broker is gone or can't be understood.
    package init(
        _ descriptor: consuming Descriptor, loop: EventLoop,
        ended: @escaping (PostEnd) -> Void
    ) throws(StreamError) {
        self.ended = ended
        channel = try PostChannel(
            owning: descriptor, loop: loop, limit: Self.longestMessage,
            maxQueued: Self.maxQueued,
            drained: { [unowned self] in
                isBehind = false
                room.open()
            },
            received: { [unowned self] post throws(PacketError) in try take(&post) },
            ended: { [unowned self] end in lose(end) })
    }

    deinit { channel?.close() }

    /// Asked before each run: whether this process has no free descriptor, so that no program can hand over its pipes.
    package func beforeRuns(_ isShort: @escaping () -> Bool) { room.isShort = isShort }

    /// Whether the broker keeps up with what it is told about sessions. If it doesn't, no more connections may be
    /// accepted until it has heard everything: whoever connects and leaves causes as many messages as somebody
    /// who stays.
    package var keepsUp: Bool {
        if let channel, channel.queued > Self.maxBacklog { isBehind = true }
        return !isBehind
    }

    /// What identifies a connection, on the call channel too.
    package func makeHandle() -> Handle {
        // 0 is never a connection's.
        lastHandle = max(1, lastHandle &+ 1)
        return lastHandle
    }

    /// A connection's link to the broker; nil if the broker is gone.
    ///
    /// - Parameter handle: the connection's, once.
    package func open(_ handle: Handle) -> SessionLink? {
        guard let channel else { return nil }
        let session = SessionLink(handle, channel, room) { [weak self] in
            self?.sessions[$0] = nil
        }
        sessions[handle] = Entry(session: session)
        return session
    }

    /// The server is shutting down, and the loop has this many connections left. What was said about those that are
    /// gone comes first.
    package func say(connections: Int) {
        channel?.send(OpenPost(connections: connections).packet)
    }

    /// Connections that never became a session, to be recorded.
    package func say(_ strangers: StrangersPost) { channel?.send(strangers.packet) }

    private func lose(_ end: PostEnd) {
        channel = nil
        for entry in sessions.values { entry.session?.lose() }
        sessions = [:]
        room.open()
        ended(end)
    }

    private func take(_ post: inout Post) throws(PacketError) {
        var reader = post.packet
        guard let kind = PostKind(rawValue: reader.type), kind.isBrokers, !kind.isControl else {
            throw reader.malformed("is not one that a broker sends to a loop")
        }
        try take(kind, &reader, &post)
    }

    /// A session may have ended while something was on its way to it.
    private func take(
        _ kind: PostKind, _ reader: inout PacketReader, _ post: inout Post
    ) throws(PacketError) {
        switch kind {
        case .answered:
            let message = try AnsweredPost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .refused:
            let message = try RefusedPost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .started:
            let message = try StartedPost(whole: &reader)
            let session = sessions[message.handle]?.session
            guard message.hasEnds else {
                _ = try post.takeDescriptors(0)
                session?.take(message, nil)
                return
            }
            do throws(PacketError) {
                var ends = try post.takeDescriptors(message.takesInput ? 3 : 2)
                session?.take(
                    message,
                    ProgramEnds(
                        output: ends.removeFirst(), errorOutput: ends.removeFirst(),
                        input: message.takesInput ? ends.removeFirst() : nil))
            } catch {
                guard error.code == .descriptorsExhausted else { throw error }
                session?.take(message, nil)
            }
        case .running:
            let message = try RunningPost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .probe:
            let message = try ProbePost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .done:
            let message = try DonePost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .finished:
            let message = try FinishedPost(whole: &reader)
            sessions[message.handle]?.session?.take(message)
        case .began, .run, .stop, .heldUp, .told, .replied, .unread, .message, .ended,
            .handshakeFailed, .closed, .ends, .omitted, .open, .strangers, .ready, .happened, .ask,
            .askNoMore,
            .inForce, .alive, .settings, .policy, .order, .line, .pulse:
            break
        }
    }

    /// The longest is what `help` says about a table.
    private static let longestMessage = Longest.text + 1_024
    /// How much may be waiting when a connection is accepted. Open connections must also be able to report
    /// their ends.
    private static let maxBacklog = 1 << 20
    /// How much a loop's sessions may have to say before the broker hears it.
    private static let maxQueued = 64 << 20
}
