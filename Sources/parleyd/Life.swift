// How far the server's life has come, and what its loops are to do at each step.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// From the first connection to the last turn. It touches nothing: whatever happens is a function
/// of it, which changes it and says what is to be done. Moments are those of the main loop.
enum Life: Equatable {
    /// Sessions begin, and commands start.
    case serving
    /// Nothing begins any more. What is under way may finish.
    case draining(Drain)
    /// The time for that is over. Sessions were cancelled, and have until then to end their programs
    /// and to record that.
    case leaving(until: Moment)
    /// Nobody and nothing is left.
    case over
    /// Whatever is left is killed, because of a signal, or because it has outlasted its time.
    case killed(by: Int32?)

    /// What belongs to a server that drains.
    struct Drain: Equatable {
        /// When sessions are cancelled.
        let until: Moment
        /// When sessions of messages are looked at next.
        var messages: Moment
        /// When remote sessions are; nil while a program runs.
        var remotes: Moment?
    }

    /// What happens to the server.
    enum Event: Equatable {
        /// One that ends it: SIGTERM or SIGINT.
        case signal(Int32)
        /// The operator has left.
        case endIsAsked
        /// The one session of `--once` is over, and no other was meant: whoever else is connected goes.
        case onceIsOver
        case sessionEnded
        case programEnded
        /// `due` has come.
        case time

        /// Whether nothing may begin any more.
        var ends: Bool {
            switch self {
            case .signal, .endIsAsked, .onceIsOver: true
            case .sessionEnded, .programEnded, .time: false
            }
        }
    }

    /// How long others are waited for.
    struct Patience: Equatable {
        /// What sessions have to finish.
        let drain: Duration
        /// The longest that a program has between SIGTERM and SIGKILL.
        let grace: Duration
    }

    /// What is to be done, by all loops.
    enum Order: Equatable {
        case stopAccepting
        /// Sessions of messages in which nothing is due end.
        case endMessageSessions
        /// Remote sessions in which nothing is due end. None of them runs anything.
        case endRemoteSessions
        /// All sessions end, as soon as they have told their peers.
        case cancelSessions
        case stop
    }

    /// What the counts mean to a server that ends, and nowhere else is a zero looked at.
    private enum Left {
        /// No session and no program: nothing holds the server.
        case nothing
        /// No program: remote sessions have nothing to wait for, as those of messages never have.
        case sessions
        /// A program runs, in a session or after its session's end. It is waited for, since its end is
        /// to be recorded, and its client to be told.
        case programs

        init(_ counts: Counts) {
            switch (counts.sessions, counts.programs) {
            case (0, 0): self = .nothing
            case (_, 0): self = .sessions
            case (_, _): self = .programs
            }
        }
    }

    /// What has happened, at which time, and who was there afterwards.
    ///
    /// - Returns: what is to be done, in this order.
    mutating func meet(
        _ event: Event, at now: Moment, _ counts: Counts, _ patience: Patience
    ) -> [Order] {
        switch (self, event) {
        case (.serving, .signal), (.serving, .endIsAsked):
            return drain(at: now, counts, patience)
        case (.serving, .onceIsOver):
            return [.cancelSessions] + drain(at: now, counts, patience)
        case (.serving, _): return []
        case (_, .signal(let signal)):
            self = .killed(by: signal)
            return [.stop]
        case (.draining, .onceIsOver): return [.cancelSessions]
        case (.draining, .sessionEnded), (.leaving, .sessionEnded), (.leaving, .programEnded):
            return finish(counts)
        case (.draining(var drain), .programEnded):
            if case .sessions = Left(counts) {
                drain.remotes = now + Self.inFlight
                self = .draining(drain)
            }
            return finish(counts)
        case (.draining(let drain), .time) where now >= drain.until:
            self = .leaving(until: now + patience.grace + Self.moreThanGrace)
            return [.cancelSessions]
        case (.draining(let drain), .time): return look(at: now, drain, counts)
        case (.leaving(let until), .time) where now >= until:
            self = .killed(by: nil)
            return [.stop]
        case (.leaving, _), (.draining, .endIsAsked), (.over, _), (.killed, _): return []
        }
    }

    /// When the time is an event; nil while it is none.
    var due: Moment? {
        switch self {
        case .draining(let drain): min(drain.until, drain.messages, drain.remotes ?? .never)
        case .leaving(let until): until
        case .serving, .over, .killed: nil
        }
    }

    /// What the process ends with.
    var status: Int32 {
        if case .killed(let signal?) = self { 128 + signal } else { 0 }
    }

    private mutating func drain(
        at now: Moment, _ counts: Counts, _ patience: Patience
    ) -> [Order] {
        let next = now + Self.inFlight
        let remotes: Moment? = if case .sessions = Left(counts) { next } else { nil }
        self = .draining(
            Drain(until: now + patience.drain, messages: next, remotes: remotes))
        return [.stopAccepting] + finish(counts)
    }

    private mutating func finish(_ counts: Counts) -> [Order] {
        guard case .nothing = Left(counts) else { return [] }
        self = .over
        return [.stop]
    }

    /// Some sessions are still owed something, and are looked at again.
    private mutating func look(at now: Moment, _ drain: Drain, _ counts: Counts) -> [Order] {
        var drain = drain
        var orders: [Order] = []
        if now >= drain.messages {
            drain.messages = now + Self.inFlight
            orders.append(.endMessageSessions)
        }
        if let remotes = drain.remotes, now >= remotes {
            if case .sessions = Left(counts) {
                drain.remotes = now + Self.inFlight
                orders.append(.endRemoteSessions)
            } else {
                drain.remotes = nil
            }
        }
        self = .draining(drain)
        return orders
    }

    /// What a message or a run takes that was sent before its client could know of the end.
    static let inFlight = Duration.milliseconds(200)
    /// What can't be ended is given up 2 s after its grace time, and then its record is written.
    static let moreThanGrace = Duration.seconds(3)
}
