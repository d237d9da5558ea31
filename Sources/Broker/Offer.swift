// A program that may start, while its pipes are on their way.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Sockets

/// What a program that may start will be started with, once its pipes have arrived and its start is recorded. Releasing it
/// gives back its place and records that. Confined to the broker's loop.
final class Offer {
    let name: String
    let start: ProgramStart
    let timeout: Duration
    private var pipes: ProgramPipes?
    private var permit: Permit?
    private let command: any AdmittedCommand
    /// Its start is recorded.
    var isRecorded = false
    /// It was to be ended before it could start.
    var stop: StopPost.Reason?
    /// Ends its time.
    var timer: Timer?

    init(
        _ name: String, _ start: ProgramStart, timeout: Duration,
        _ pipes: consuming ProgramPipes, _ permit: consuming Permit
    ) {
        self.name = name
        self.start = start
        self.timeout = timeout
        self.pipes = consume pipes
        command = permit.command
        self.permit = consume permit
    }

    /// It isn't waiting for anything else.
    func awaitRecord() { command.awaitRecord() }

    /// At most one call of each.
    func takePipes() -> ProgramPipes { pipes.take()! }
    func takePermit() -> Permit { permit.take()! }
}
