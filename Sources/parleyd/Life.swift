// How far the server's life has progressed, and what its loops must do at each step.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// From the first connection to the last turn. It has no side effects: each event is a function
/// that changes it and returns what to do. Moments are those of the main loop.
enum Life: Equatable {
    /// Sessions begin, and commands start.
    case serving
    /// Nothing new begins. What is under way may finish.
    case draining(Drain)
    /// The time for that is over. Sessions were cancelled, and have until then to end their programs
    /// and record that.
    case leaving(until: Moment)
    /// Nothing is left.
    case over
    /// Whatever is left is killed, because of a signal or because its time has run out.
    case killed(by: Int32?)

    /// State of a server that is draining.
    struct Drain: Equatable {
        /// When sessions are cancelled.
        let until: Moment
        /// When sessions of messages are next checked.
        var messages: Moment
        /// When remote sessions are; nil while a program runs.
        var remotes: Moment?
    }

    /// What happens to the server.
    enum Event: Equatable {
        /// An event that ends the server: SIGTERM or SIGINT.
        case signal(Int32)
        /// The operator has left.
        case endIsAsked
        /// The one session of `--once` is over, and no other was meant: all other connections are
        /// dropped.
        case onceIsOver
        case sessionEnded
        case programEnded
        /// The moment `due` has come.
        case time

        /// Whether nothing new may begin.
        var ends: Bool {
            switch self {
            case .signal, .endIsAsked, .onceIsOver: true
            case .sessionEnded, .programEnded, .time: false
            }
        }
    }

    /// How long to wait for others.
    struct Patience: Equatable {
        /// How long sessions have to finish.
        let drain: Duration
        /// The longest time that a program has between SIGTERM and SIGKILL.
        let grace: Duration
    }

    /// What all loops must do.
    enum Order: Equatable {
        case stopAccepting
        /// Sessions of messages that owe their client nothing end.
        case endMessageSessions
        /// Remote sessions that owe their client nothing end. None of them runs anything.
        case endRemoteSessions
        /// All sessions end, as soon as they have told their peers.
        case cancelSessions
        case stop
    }

    /// What the counts mean to a server that is shutting down; nothing else interprets a zero.
    private enum Left {
        /// No session and no program: nothing keeps the server running.
        case nothing
        /// No program: remote sessions have nothing to wait for, as those of messages never have.
        case sessions
        /// A program is running, in a session or after the end of its session. The server waits for
        /// it, because its end must be recorded and its client told.
        case programs

        init(_ counts: Counts) {
            switch (counts.sessions, counts.programs) {
            case (0, 0): self = .nothing
            case (_, 0): self = .sessions
            case (_, _): self = .programs
            }
        }
    }

    /// An event, when it happened, and who was connected afterwards.
    ///
    /// - Returns: what to do, in this order.
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

    /// When time itself is the next event; nil if it isn't.
    var due: Moment? {
        switch self {
        case .draining(let drain): min(drain.until, drain.messages, drain.remotes ?? .never)
        case .leaving(let until): until
        case .serving, .over, .killed: nil
        }
    }

    /// The exit status of the process.
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

    /// Some sessions still owe their client something and are checked again.
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

    /// How long a message or a run takes that was sent before its client could know of the
    /// shutdown.
    static let inFlight = Duration.milliseconds(200)
    /// What can't be killed is given up 2 s after its grace period, and its record is written then.
    static let moreThanGrace = Duration.seconds(3)
}
