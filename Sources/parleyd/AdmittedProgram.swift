// A program that was admitted: its place, and the records of its start and end.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Commands
internal import Console
internal import Programs
internal import Records
internal import Remote
internal import Sockets
internal import System

/// It may outlive its session, of which it keeps only the trail. Confined to the broker's loop.
final class AdmittedProgram: AdmittedCommand, Killable {
    /// Nil if no records are kept.
    private let trail: Recorder?
    private var command: RecordedCommand?
    private let office: Office
    private var startedAt: Moment
    private var place: Place?
    private var start = Start.recorded
    private var course = Course.running
    private var isVacated = false

    private enum Start {
        /// Its record is on its way; what to call when its fate is known, and what makes that call
        /// reach the loop.
        case onItsWay(tell: ((Refusal?) -> Void)?, StartsOnTheirWay.Ticket)
        /// Or no record is kept.
        case recorded
        case failed(Refusal)
    }

    private enum Course {
        case running
        /// Part of it is still running, as its record says; with the program's number.
        case leftRunning(Int32?)
        case recorded
    }

    init(place: consuming Place, trail: Recorder?, office: Office) {
        self.place = consume place
        self.trail = trail
        self.office = office
        startedAt = office.loop.now
    }

    // MARK: Its start

    /// Records its start.
    ///
    /// - Returns: false if that is impossible: the program must not start and is forgotten.
    func recordStart(_ name: String, _ arguments: [RecordedArgument], program: String) -> Bool {
        guard let trail else { return true }
        let settled = office.startsOnTheirWay.add { [self] in settle($0) }
        command = trail.start(name, arguments, program: program, settled: settled.call)
        guard let command, command.start != nil else {
            office.startsOnTheirWay.forget(settled)
            return command != nil
        }
        start = .onItsWay(tell: nil, settled)
        return true
    }

    func whenRecorded(_ call: @escaping (Refusal?) -> Void) {
        switch start {
        case .onItsWay(_, let ticket):
            start = .onItsWay(tell: call, ticket)
            awaitRecord()
        case .recorded: call(nil)
        case .failed(let refusal): call(refusal)
        }
    }

    private func awaitRecord() {
        guard case .onItsWay = start, let fate = command?.start?.wait() else { return }
        settle(fate)
    }

    private func settle(_ fate: StartFate) {
        guard case .onItsWay(let tell, let ticket) = start, let command else { return }
        office.startsOnTheirWay.forget(ticket)
        startedAt = office.loop.now
        // Nobody else could have had the place until now, so there are never more waiting starts
        // than programs that may run.
        if isVacated { place = nil }
        guard fate != .recorded else {
            start = .recorded
            tell?(nil)
            return
        }
        let refusal = Refusal.unrecorded(command.name)
        start = .failed(refusal)
        if fate == .failed {
            trail?.refuse(command, code: refusal.code.word, reason: refusal.sentence)
        }
        tell?(refusal)
    }

    // MARK: Its end

    func vacated() {
        isVacated = true
        if case .onItsWay = start { return awaitRecord() }
        place = nil
        recordGone()
    }

    /// What was left running has ended as well.
    private func recordGone() {
        guard case .leftRunning(let pid) = course, place == nil else { return }
        course = .recorded
        guard let command else { return }
        trail?.record(
            .commandGone(command, pid: pid, duration: office.loop.now - startedAt))
    }

    func ended(_ outcome: Outcome, _ usage: Usage) {
        course = usage.isLeftRunning ? .leftRunning(usage.pid) : .recorded
        office.ended(self)
        defer { recordGone() }
        guard let command else { return }
        trail?.record(.commandEnd(command, CommandEnd(outcome, usage)))
    }

    func abandoned() {
        recordKill()
        office.ended(self)
    }

    /// The server is stopping at once: whatever runs is killed, and this is the record of its end.
    func recordKill() {
        guard case .running = course, let command else { return }
        course = .recorded
        trail?.record(.commandEnd(command, CommandEnd(.serverEnded)))
    }
}

extension Refusal {
    /// - Parameter name: the command's name.
    static func unrecorded(_ name: String) -> Refusal {
        Refusal(
            .unavailable,
            "the start of \(name) cannot be recorded, so it was not started; tell the server's administrator"
        )
    }
}
