// A loop of the network process, as the broker sees it.
// SPDX-License-Identifier: Apache-2.0
package import Sockets
package import System

/// Creates the desks of a network process's sessions. Confined to the broker's loop.
package protocol BrokerOffice: AnyObject {
    /// The desk of a session. Who its client is must have been found out by then: what is proved under the
    /// same handle later belongs to nobody.
    func desk(_ handle: Handle) -> any SessionDesk

    /// The connection of a session that had a desk is closed.
    func sessionEnded(_ handle: Handle)

    /// Connections that never became a session, about which nothing was said so far.
    func note(_ strangers: StrangersPost)

    /// The server is shutting down, and this many connections are left.
    func say(connections: Int)
}

/// The broker's end of a loop's post channel, with its half of that loop's sessions. Confined to the
/// broker's loop.
package final class NetworkLink {
    private let office: any BrokerOffice
    private let ended: (PostEnd) -> Void
    private(set) var channel: PostChannel?
    private var sessions: [Handle: BrokerSession] = [:]
    private let maxSessions: Int
    private let work: TurnWork
    private let shortage: DescriptorShortage
    private let patience: NetworkPatience

    /// - Parameters:
    ///   - descriptor: one end of `PostChannel.pair()`.
    ///   - maxSessions: how many may be open.
    ///   - work: shared with the process's other loops.
    ///   - patience: how long it may take to answer.
    ///   - ended: called once, when the other process is gone or has broken the rules. The programs of its
    ///     sessions have been killed by then.
    package init(
        _ descriptor: consuming Descriptor, loop: EventLoop, maxSessions: Int,
        work: TurnWork? = nil, patience: NetworkPatience = NetworkPatience(),
        office: any BrokerOffice, ended: @escaping (PostEnd) -> Void
    ) throws(StreamError) {
        self.office = office
        self.work = work ?? TurnWork(on: loop)
        self.patience = patience
        shortage = DescriptorShortage(patience.shortage)
        self.maxSessions = maxSessions
        self.ended = ended
        channel = try PostChannel(
            owning: descriptor, loop: loop, limit: Self.longestMessage,
            maxQueued: Self.maxQueued, holdsAt: Self.maxAnswers,
            mayReceive: { [unowned self] in self.mayReceive },
            received: { [unowned self] post throws(PacketError) in try take(&post) },
            ended: { [unowned self] end in lose(end) })
    }

    deinit { channel?.close() }

    /// Whether the loop may use the channel for another turn.
    private var mayReceive: Bool { channel.map { work.admits($0) } ?? true }

    private func lose(_ end: PostEnd) {
        channel = nil
        for handle in sessions.keys { office.sessionEnded(handle) }
        sessions = [:]
        ended(end)
    }

    private func take(_ post: inout Post) throws(PacketError) {
        var reader = post.packet
        guard let kind = PostKind(rawValue: reader.type), !kind.isBrokers, !kind.isControl else {
            throw reader.malformed("is not one that a loop of a network process sends")
        }
        _ = try post.takeDescriptors(0)
        if let channel {
            work.spend(TurnWork.post + TurnWork.byte * post.bytes.count, for: channel)
        }
        try take(kind, &reader)
    }

    private func take(_ kind: PostKind, _ reader: inout PacketReader) throws(PacketError) {
        switch kind {
        case .began:
            let post = try BeganPost(whole: &reader)
            try opened(post.handle).begin(post)
        case .handshakeFailed:
            let post = try HandshakeFailedPost(whole: &reader)
            try opened(post.handle).fail(post)
        case .ended:
            let post = try EndedPost(whole: &reader)
            try session(post.handle).end(post)
        case .closed:
            let post = try ClosedPost(whole: &reader)
            _ = try session(post.handle)
            sessions[post.handle] = nil
            office.sessionEnded(post.handle)
        case .run:
            let post = try RunPost(whole: &reader)
            try session(post.handle).run(post)
        case .stop:
            let post = try StopPost(whole: &reader)
            try session(post.handle).stop(post)
        case .ends:
            let post = try EndsPost(whole: &reader)
            try session(post.handle).come(post)
        case .omitted:
            let post = try OmittedPost(whole: &reader)
            try session(post.handle).note(post)
        case .heldUp:
            let post = try HeldUpPost(whole: &reader)
            try session(post.handle).answer(post)
        case .told:
            let post = try ToldPost(whole: &reader)
            try session(post.handle).told(post)
        case .replied:
            let post = try RepliedPost(whole: &reader)
            try session(post.handle).note(post)
        case .unread:
            let post = try UnreadPost(whole: &reader)
            try session(post.handle).note(post)
        case .message:
            let post = try MessagePost(whole: &reader)
            try session(post.handle).note(post)
        case .strangers: office.note(try StrangersPost(whole: &reader))
        case .open: office.say(connections: Int(try OpenPost(whole: &reader).connections))
        case .answered, .refused, .started, .running, .probe, .done, .finished, .ready, .happened,
            .ask, .askNoMore, .inForce, .alive, .settings, .policy, .order, .line, .pulse:
            break
        }
    }

    private func session(_ handle: Handle) throws(PacketError) -> BrokerSession {
        guard let session = sessions[handle] else {
            throw .outOfTurn("there is no session \(handle)")
        }
        return session
    }

    /// The session with this handle, about which nothing may have been heard yet.
    private func opened(_ handle: Handle) throws(PacketError) -> BrokerSession {
        if let session = sessions[handle] { return session }
        guard let channel, sessions.count < maxSessions else {
            throw .outOfTurn("there cannot be a session \(handle)")
        }
        let session = BrokerSession(handle, office.desk(handle), channel, work, patience, shortage)
        sessions[handle] = session
        return session
    }

    /// The longest is a run with its arguments.
    private static let longestMessage = 65_536
    /// How many bytes of answers may wait before the next run is read.
    static let maxAnswers = 1 << 20
    /// That, plus the longest answer and what is said about programs unasked.
    private static let maxQueued = 64 << 20
}

extension Message {
    /// Reads a message to its last byte.
    package init(whole reader: inout PacketReader) throws(PacketError) {
        try self.init(reading: &reader)
        try reader.end()
    }
}

extension PacketError {
    /// - Parameter what: what may not happen now, as the rest of a sentence.
    package static func outOfTurn(_ what: String) -> PacketError {
        PacketError(
            .malformed, "the other process sent a message out of turn: \(what)")
    }
}
