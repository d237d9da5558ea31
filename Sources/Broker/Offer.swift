// A program that may start, while its pipes are on their way.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Sockets

/// What a program that may start is to be started with, when its pipes have come and its start is recorded. Who lets it go has
/// its place given back, and that recorded. Confined to the broker's loop.
final class Offer {
    let name: String
    let start: ProgramStart
    let timeout: Duration
    private var pipes: ProgramPipes?
    private var permit: Permit?
    private let command: any AdmittedCommand
    /// Its start is.
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

    /// It waits for nothing else any more.
    func awaitRecord() { command.awaitRecord() }

    /// Each once.
    func takePipes() -> ProgramPipes { pipes.take()! }
    func takePermit() -> Permit { permit.take()! }
}
