// The network process's half of a session's link to the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
package import Remote
internal import Sockets
internal import System

/// What happens to a run.
package enum RunAnswer {
    /// It prints this and exits with status 0; the server closes the session after it if it says
    /// so.
    case text(String, closes: Bool)
    case refusal(Refusal)
    /// A program has ended, or was not started.
    case finished(FinishedPost)
    /// A program runs, or is being started. `told` must be called on it before the next run.
    case program(RemoteProgram)
}

/// One session, as known to the broker. Confined to its loop.
package final class SessionLink {
    let handle: Handle
    private let channel: PostChannel
    private let room: Room
    private let forget: (Handle) -> Void
    private let bell = Bell()
    private var answer: RunAnswer?
    private var program: RemoteProgram?
    private var row = ReplyRow()
    /// When replies were last reported.
    private var toldAt = Moment(nanoseconds: 0)
    /// The notes in that second of the loop's clock.
    private var budget: (second: UInt64, used: Int) = (0, 0)
    private var omitted = (records: 0, commands: 0)
    private var telling: Timer?
    private var isLost = false
    /// Whether the broker was told anything about it.
    private var isKnown = false

    init(
        _ handle: Handle, _ channel: PostChannel, _ room: Room, forget: @escaping (Handle) -> Void
    ) {
        self.handle = handle
        self.channel = channel
        self.room = room
        self.forget = forget
    }

    deinit { forget(handle) }

    /// The session is being served from here on.
    package func begin(
        number: Int, address: String, balancer: String? = nil, conversation: String
    ) {
        gather(
            BeganPost(
                handle: handle, number: number, address: address, balancer: balancer,
                conversation: conversation))
    }

    /// There is no session, and this is recorded about it.
    package func fail(
        number: Int, address: String, balancer: String? = nil, code: String, reason: String
    ) {
        gather(
            HandshakeFailedPost(
                handle: handle, number: number, address: address, balancer: balancer, code: code,
                reason: reason))
    }

    /// The session, which was being served, is over, and this is recorded about it.
    package func end(
        reason: String, bytesIn: UInt64, bytesOut: UInt64, duration: Duration,
        hasFailed: Bool = false
    ) {
        gather(
            EndedPost(
                handle: handle, reason: reason, bytesIn: bytesIn,
                bytesOut: bytesOut, duration: duration, hasFailed: hasFailed))
    }

    /// The connection is closed. The last call.
    ///
    /// - Returns: whether the broker has counted the session and now stops counting it.
    package func close() -> Bool {
        forget(handle)
        guard isKnown || !row.isEmpty else { return false }
        gather(ClosedPost(handle: handle))
        return true
    }

    /// Asks for a command, and waits for the answer.
    package func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer {
        // Many may have been waiting, and the first of them may have filled it again.
        while !isLost, channel.queued > Self.maxWaiting { await room.wait() }
        if isLost { return .refusal(Self.lost) }
        send(
            RunPost(
                handle: handle, request: request, wasCancelled: wasCancelled,
                isShort: room.isShort()))
        while true {
            if let answer = answer.take() { return answer }
            await bell.wait()
        }
    }

    // MARK: Records of what needs no answer

    /// Notes that a fixed reply was given. It is reported along with anything else, or by
    /// `writeReplies`.
    package func noteReply(_ name: Span<UInt8>) {
        if !row.add(name) {
            tellReplies()
            _ = row.add(name)
        }
    }

    /// Reports the replies that were noted: at once, or a moment after those before them. Otherwise a client
    /// that asks without pause would cost the broker a message for each of its reads, and the trail keeps no
    /// more than this.
    package func writeReplies() {
        guard !row.isEmpty, telling == nil else { return }
        let due = toldAt + Self.pause
        let now = channel.loop.now
        guard now < due else { return tellReplies() }
        telling = Timer(after: due - now, on: channel.loop) { [unowned self] in tellReplies() }
    }

    private func tellReplies() {
        telling = nil
        guard let (name, times) = row.take() else { return }
        toldAt = channel.loop.now
        note(RepliedPost(handle: handle, name: name, times: times), commands: times)
    }

    /// Reports something that a client can cause in any number, but not more often than the broker should hear from
    /// one session, and only while the broker keeps up: nobody waits for it.
    private func note(_ message: any Message, commands: Int) {
        let second = channel.loop.now.nanoseconds / 1_000_000_000
        if second != budget.second { budget = (second, 0) }
        budget.used += 1
        guard budget.used <= Self.maxNotes, channel.queued <= Self.maxWaiting else {
            omitted.records += 1
            omitted.commands += commands
            isKnown = true
            return
        }
        tellOmitted()
        isKnown = true
        channel.gather(message.packet)
    }

    private func tellOmitted() {
        guard omitted.records > 0 else { return }
        channel.gather(
            OmittedPost(handle: handle, records: omitted.records, commands: omitted.commands).packet
        )
        omitted = (0, 0)
    }

    /// Per second, for one session. This bounds what the broker has to read; what is recorded is bounded there, by
    /// identity.
    static let maxNotes = 1_000
    /// In bytes, for all sessions of the loop.
    static let maxWaiting = 1 << 20

    /// So that a session has at most a hundred records of replies per second.
    private static let pause = Duration.milliseconds(10)

    /// Something was refused without asking the broker: a command if it has a name, which may be
    /// empty.
    package func noteRefusal(_ refusal: Refusal, of name: String?) {
        tellReplies()
        note(
            UnreadPost(handle: handle, name: name, refusal: refusal), commands: name == nil ? 0 : 1)
    }

    package func noteMessage(_ message: Span<UInt8>, isKnown: Bool) {
        note(
            MessagePost(handle: handle, message: Array(message), isKnown: isKnown), commands: 0)
    }

    /// At once, after the replies that were given before: its answer is waited for.
    private func send(_ message: any Message) {
        introduce()
        channel.send(message.packet)
    }

    /// The same for what nobody waits for.
    private func gather(_ message: any Message) {
        introduce()
        channel.gather(message.packet)
    }

    private func introduce() {
        tellReplies()
        tellOmitted()
        isKnown = true
    }

    // MARK: What the broker says

    func take(_ message: AnsweredPost) {
        settle(.text(message.text, closes: message.closes))
    }

    func take(_ message: RefusedPost) { settle(.refusal(message.refusal)) }

    /// - Parameter ends: nil if this process can't have them.
    func take(_ message: StartedPost, _ ends: consuming ProgramEnds?) {
        if let ends {
            program = try? RemoteProgram(message, ends, loop: channel.loop) {
                [channel] in channel.send($0.packet)
            }
        }
        // If there is none the broker ends it, and answers when it has.
        send(EndsPost(handle: handle, haveCome: program != nil))
        if let program { settle(.program(program)) }
    }

    func take(_ message: FinishedPost) { settle(.finished(message)) }

    func take(_ message: RunningPost) { program?.runs() }

    func take(_ message: ProbePost) { program?.probe() }

    func take(_ message: DonePost) {
        program?.isDone(message.outcome)
        program = nil
    }

    /// The broker is gone: nobody can say what will happen to anything.
    func lose() {
        isLost = true
        settle(.refusal(Self.lost))
        program?.isDone(.leftRunning)
        program = nil
    }

    private static let lost = Refusal(.shuttingDown, "the server was stopped at once")

    private func settle(_ answer: RunAnswer) {
        self.answer = answer
        bell.ring()
    }
}

/// Consecutive replies of the same name, which are one record.
private struct ReplyRow {
    private var name: [UInt8] = []
    private var times = 0

    /// - Returns: false if it has another name than the others.
    mutating func add(_ name: Span<UInt8>) -> Bool {
        if times == 0 { self.name = Array(name) } else if !isEqual(name) { return false }
        times += 1
        return true
    }

    var isEmpty: Bool { times == 0 }

    mutating func take() -> (name: [UInt8], times: Int)? {
        guard times > 0 else { return nil }
        defer { times = 0 }
        return (name, times)
    }

    private func isEqual(_ name: Span<UInt8>) -> Bool {
        guard name.count == self.name.count else { return false }
        for index in name.indices where name[index] != self.name[index] { return false }
        return true
    }
}
