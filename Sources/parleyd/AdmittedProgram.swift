// A program that was admitted: its place, and the records of its end.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Programs
internal import Records
internal import Remote
internal import Serving
internal import Sockets
internal import System

/// It may outlive its session, of which it holds the trail only. Confined to its loop.
final class AdmittedProgram: AdmittedCommand, Killable {
    private let entry: CommandEntry
    private let arguments: [String]
    /// In its session.
    private let number: Int
    /// Nil where no records are kept.
    private let trail: Recorder?
    private let office: Office
    private let startedAt: UInt64
    private var place: Place?
    private var course = Course.running

    private enum Course {
        case running
        /// Something of it runs on, as its record says; with the program's number.
        case leftRunning(Int32?)
        case recorded
    }

    init(
        _ entry: CommandEntry, _ arguments: [String], number: Int, place: consuming Place,
        trail: Recorder?, office: Office
    ) {
        self.entry = entry
        self.arguments = arguments
        self.number = number
        self.place = consume place
        self.trail = trail
        self.office = office
        startedAt = office.loop.now
    }

    /// - Returns: false where it can't be kept.
    func recordStart() -> Bool {
        guard let trail else { return true }
        return trail.write(record("command-start"), isDurable: true)
    }

    func vacated() {
        place = nil
        office.commons.descriptors.freed()
        recordGone()
    }

    /// What was left running has ended as well.
    private func recordGone() {
        guard case .leftRunning(let pid) = course, place == nil else { return }
        course = .recorded
        guard let trail else { return }
        var record = record("command-gone")
        if let pid { record.add("pid", pid) }
        record.add("seconds", nanoseconds: office.loop.now - startedAt)
        trail.write(record, isDurable: true)
    }

    func ended(_ outcome: Outcome, _ usage: Usage) {
        course = usage.isLeftRunning ? .leftRunning(usage.pid) : .recorded
        office.ended(self)
        defer { recordGone() }
        guard let trail else { return }
        var record = record("command-end")
        if let pid = usage.pid { record.add("pid", pid) }
        record.add(outcome, isLeftRunning: usage.isLeftRunning)
        if usage.leftEnded > 0 { record.add("left_ended", usage.leftEnded) }
        record.add("bytes_in", usage.bytesIn)
        record.add("bytes_out", usage.bytesOut)
        record.add("seconds", nanoseconds: usage.nanoseconds)
        trail.write(record, isDurable: true)
    }

    func abandoned() {
        recordKill()
        office.ended(self)
    }

    /// The server ends at once: what runs is killed, and this is its end's record.
    func recordKill() {
        guard case .running = course, let trail else { return }
        course = .recorded
        var record = record("command-end")
        record.add("outcome", "server-ended")
        trail.write(record, isDurable: true)
    }

    private func record(_ event: String) -> JSONLine {
        guard var record = trail?.record(event) else { return JSONLine() }
        record.add("command", number)
        record.add("name", entry.name)
        guard case .program(let program) = entry.action else { return record }
        record.add("arguments", arguments) { program.arguments[$0].isSecret }
        record.add("program", program.path)
        return record
    }
}

extension JSONLine {
    /// How a program ended. Where something runs on, that is what counts, and beside it stands what the
    /// client was told before it was known.
    fileprivate mutating func add(_ outcome: Outcome, isLeftRunning: Bool) {
        add("outcome", isLeftRunning ? "left-running" : outcome.word)
        switch outcome {
        case .ended(.status(let number)): add("status", number)
        case .ended(.signal(let number)): add("signal", number)
        case .refused(let refusal): add("reason", refusal.sentence)
        case .timedOut, .overOutput, .leftRunning: break
        }
    }
}

extension Outcome {
    fileprivate var word: String {
        switch self {
        case .ended(.status): "exit"
        case .ended(.signal): "signal"
        case .timedOut: "time-out"
        case .overOutput: "output-limit"
        case .leftRunning: "left-running"
        case .refused: "not-started"
        }
    }
}
