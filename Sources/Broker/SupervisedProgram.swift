// A program that runs for a session, as the broker sees it: its permit, its time limit, its end.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// Owns a program and its permit, decides what happens to it, and ends each part of the permit when the
/// program's course requires it. Releasing it without `seeOff` kills the program, gives back its place and
/// records that. Confined to its loop.
final class SupervisedProgram {
    /// What its session is told.
    enum News {
        /// It runs.
        case running
        /// Asks to report whether its client holds it up.
        case probe
        /// Nothing more is to be waited for; this is for its client.
        case done(Outcome)
    }

    private let program: Program
    private let loop: EventLoop
    private let startedAt: Moment
    private let tell: (News) -> Void
    private var limit: TimeLimit?
    private let patience: Duration
    /// The time by which its session must report that its client was told.
    private var patienceTimer: Timer?
    private var phase = Phase.starting
    /// The first reason for which somebody ended it.
    private var reason: Reason?
    private var place: TakenPlace?
    private var record: OwedRecord?

    /// How far it is for its session; `Program.Course` says how far the program is.
    private enum Phase {
        case starting
        case running
        /// As its session was told.
        case done(Outcome)
        /// Its session has not reported in time that its client was told, and its end is recorded without
        /// that.
        case overdue
    }

    /// Why somebody ends it.
    enum Reason: Hashable {
        case timedOut
        case stopped(StopPost.Reason)
    }

    /// Begins to start the program.
    ///
    /// An exec can hang, for example on a network file system that does not answer. So everything
    /// that can end the command is set up before it is known whether the program runs.
    ///
    /// - Parameters:
    ///   - patience: how long its session has to report that its client was told of its end. After that the
    ///     end is recorded without the amounts transferred.
    ///   - tell: not called before this returns.
    /// - Throws: what `Program` throws. The permit has then ended.
    init(
        _ start: ProgramStart, _ pipes: consuming ProgramPipes, timeout: Duration,
        patience: Duration, _ permit: consuming Permit, loop: EventLoop,
        tell: @escaping (News) -> Void
    ) throws(StreamError) {
        let link = Link()
        self.patience = patience
        self.loop = loop
        self.tell = tell
        startedAt = loop.now
        do throws(StreamError) {
            program = try Program(start, pipes, loop: loop) { link.supervised?.changed() }
        } catch {
            permit.end(.refused(Refusal(.unavailable, error.sentence)), Usage())
            throw error
        }
        place = .some(permit.place)
        record = .some(permit.record)
        link.supervised = self
        limit = TimeLimit(timeout, on: loop) {
            tell(.probe)
        } ended: {
            link.supervised?.timeIsUp()
        }
        // It must not keep itself alive: its session holds it until it is seen off.
        program.whenOver { link.supervised?.place = nil }
    }

    private final class Link { weak var supervised: SupervisedProgram? }

    // MARK: Its end

    /// The answer to whether its client held it up.
    func answer(isHeldUp: Bool) { limit?.answer(isHeldUp: isHeldUp) }

    private func timeIsUp() { end(.timedOut) }

    /// Ends it with everything that it started; the first reason given counts. A program that has ended
    /// by itself keeps its status.
    func end(_ reason: Reason) {
        if self.reason == nil, program.end == nil { self.reason = reason }
        program.terminate()
    }

    private func changed() {
        if case .starting = phase, program.pid != nil {
            phase = .running
            tell(.running)
        }
        switch phase {
        case .done, .overdue: return
        case .starting, .running: break
        }
        guard program.isDone else { return }
        let outcome = outcome
        phase = .done(outcome)
        limit = nil
        patienceTimer = Timer(after: patience, on: loop) { [unowned self] in
            phase = .overdue
            conclude(outcome, nil)
        }
        tell(.done(outcome))
    }

    /// What its client would be told now.
    private var outcome: Outcome {
        // Whatever began the ending: that a place is taken and a process is running must be known.
        guard program.course != .lost else { return .leftRunning }
        if let failure = program.failure {
            return .refused(Refusal(.unavailable, failure.sentence))
        }
        switch reason {
        case .timedOut: return .timedOut
        case .stopped(.overOutput): return .overOutput
        case .stopped(.ordered), nil: return program.end.map { .ended($0) } ?? .leftRunning
        }
    }

    /// Leaves it to itself, now that its client was told: its place and its record end with it, which may
    /// be after the session. Does nothing if it isn't done.
    func seeOff(_ traffic: Traffic) {
        guard case .done(let outcome) = phase else { return }
        patienceTimer = nil
        conclude(outcome, traffic)
    }

    /// - Parameter traffic: nil if it was not reported.
    private func conclude(_ outcome: Outcome, _ traffic: Traffic?) {
        var outcome = outcome
        // However it has ended: output that was cut off must not pass for all of it.
        if traffic?.isOverLimit == true, case .ended = outcome { outcome = .overOutput }
        var usage = Usage(traffic, pid: program.pid, duration: loop.now - startedAt)
        program.seeOff()
        program.whenOver { [self] in place = nil }
        program.whenSettled { [self] in
            usage.leftEnded = program.leftEnded
            usage.reached = program.reached
            // Also if the last of it has ended since its client was told that it was left running.
            usage.isLeftRunning = program.course == .lost || outcome == .leftRunning
            if let record = record.take() { record.end(outcome, usage) }
        }
    }
}
