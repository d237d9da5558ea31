// A program together with the permit that it runs under.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// Owns a program and its permit, and ends each part of the permit when the program's course says so. Who
/// lets it go without `seeOff` has the program killed, its place given back, and that recorded.
/// Confined to its loop.
final class PermittedProgram {
    let program: Program
    /// Rings at each change of the program.
    let bell: Bell
    /// By the loop's clock.
    let startedAt: Moment
    private var place: TakenPlace?
    private var record: OwedRecord?

    /// Begins to start the program.
    ///
    /// - Throws: what `Program` throws. The permit has ended then.
    init(
        _ start: ProgramStart, _ permit: consuming Permit, loop: EventLoop
    ) throws(StreamError) {
        let bell = Bell()
        self.bell = bell
        startedAt = loop.now
        do throws(StreamError) {
            program = try Program(start, loop: loop) { bell.ring() }
        } catch {
            permit.end(.refused(Refusal(.unavailable, error.sentence)), Usage())
            throw error
        }
        place = .some(permit.place)
        record = .some(permit.record)
        // It must not keep itself alive: until it is seen off, its session has it.
        program.whenOver { [weak self] in self?.place = nil }
    }

    /// Leaves it to itself, now that its client was told: its place and its record end with it, which may
    /// be after the session.
    func seeOff(_ outcome: Outcome, _ usage: Usage) {
        program.seeOff()
        program.whenOver { [self] in place = nil }
        program.whenSettled { [self] in
            var usage = usage
            usage.leftEnded = program.leftEnded
            // Also where the last of it has ended since its client was told that it runs on.
            usage.isLeftRunning = program.course == .lost || outcome == .leftRunning
            if let record = record.take() { record.end(outcome, usage) }
        }
    }
}
