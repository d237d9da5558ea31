// A program that runs for a session, as the broker has it: its permit, its time, its end.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// Owns a program and its permit, says what becomes of it, and ends each part of the permit when the
/// program's course says so. Who lets it go without `seeOff` has the program killed, its place given back,
/// and that recorded. Confined to its loop.
final class SupervisedProgram {
    /// What its session is to be told.
    enum News {
        /// It runs.
        case running
        /// Whether it is held up by its client is to be said.
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
    /// Until when its session is to say that its client was told.
    private var patienceTimer: Timer?
    private var phase = Phase.starting
    /// The first of all reasons why it is ended by somebody.
    private var reason: Reason?
    private var place: TakenPlace?
    private var record: OwedRecord?

    /// Where it is for its session; where the program is, `Program.Course` says.
    private enum Phase {
        case starting
        case running
        /// As its session was told.
        case done(Outcome)
        /// Its session has not said in time that its client was told, and its end is recorded without that.
        case overdue
    }

    /// Why somebody ends it.
    enum Reason: Hashable {
        case timedOut
        case stopped(StopPost.Reason)
    }

    /// Begins to start the program.
    ///
    /// An exec can hang, as on a network file system that does not answer. So all that can end the
    /// command is set up before anybody knows whether the program runs.
    ///
    /// - Parameters:
    ///   - patience: how long its session has to say that its client was told of its end. After that it is
    ///     recorded without what was moved.
    ///   - tell: not called before this returns.
    /// - Throws: what `Program` throws. The permit has ended then.
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
        // It must not keep itself alive: until it is seen off, its session has it.
        program.whenOver { link.supervised?.place = nil }
    }

    private final class Link { weak var supervised: SupervisedProgram? }

    // MARK: Its end

    /// Whether its client held it up, as was asked.
    func answer(isHeldUp: Bool) { limit?.answer(isHeldUp: isHeldUp) }

    private func timeIsUp() { end(.timedOut) }

    /// Ends it with all that it started, for the first of all reasons. One that has ended by itself keeps
    /// its status.
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

    /// What its client is told as things are.
    private var outcome: Outcome {
        // Whatever began the ending: a place that is taken and a process that runs are to be known.
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
    /// be after the session.
    ///
    /// - Returns: false where it isn't done.
    func seeOff(_ traffic: Traffic) -> Bool {
        switch phase {
        case .starting, .running: return false
        case .overdue: return true
        case .done(let outcome):
            patienceTimer = nil
            conclude(outcome, traffic)
            return true
        }
    }

    /// - Parameter traffic: nil where nobody said.
    private func conclude(_ outcome: Outcome, _ traffic: Traffic?) {
        var outcome = outcome
        // However it has ended: what is cut must not pass for all.
        if traffic?.isOverLimit == true, case .ended = outcome { outcome = .overOutput }
        var usage = Usage(traffic, pid: program.pid, duration: loop.now - startedAt)
        program.seeOff()
        program.whenOver { [self] in place = nil }
        program.whenSettled { [self] in
            usage.leftEnded = program.leftEnded
            usage.reached = program.reached
            // Also where the last of it has ended since its client was told that it runs on.
            usage.isLeftRunning = program.course == .lost || outcome == .leftRunning
            if let record = record.take() { record.end(outcome, usage) }
        }
    }
}
