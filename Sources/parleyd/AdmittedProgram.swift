// A program that was admitted: its place, and the records of its end.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Commands
internal import Console
internal import Programs
internal import Records
internal import Remote
internal import Sockets
internal import System

/// It may outlive its session, of which it holds the trail only. Confined to the broker's loop.
final class AdmittedProgram: AdmittedCommand, Killable {
    /// Nil where no records are kept.
    private let command: RecordedCommand?
    private let trail: Recorder?
    private let office: Office
    private let startedAt: Moment
    private var place: Place?
    private var course = Course.running

    private enum Course {
        case running
        /// Something of it runs on, as its record says; with the program's number.
        case leftRunning(Int32?)
        case recorded
    }

    /// - Parameter command: what was recorded of its start.
    init(
        _ command: RecordedCommand?, place: consuming Place, trail: Recorder?, office: Office
    ) {
        self.command = command
        self.place = consume place
        self.trail = trail
        self.office = office
        startedAt = office.loop.now
    }

    func vacated() {
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

    /// The server ends at once: what runs is killed, and this is its end's record.
    func recordKill() {
        guard case .running = course, let command else { return }
        course = .recorded
        trail?.record(.commandEnd(command, CommandEnd(.serverEnded)))
    }
}
