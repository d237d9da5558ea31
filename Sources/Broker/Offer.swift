// A program that may start, until its start is recorded.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Remote
internal import Sockets

/// What a program that may start will be started with, once its start is recorded. Releasing it gives back its
/// place and records that. Confined to the broker's loop.
final class Offer {
    let name: String
    let start: ProgramStart
    let timeout: Duration
    private var pipes: ProgramPipes?
    private var permit: Permit?
    private let command: any AdmittedCommand
    let delivery: PipeDelivery
    /// It was to be ended before it could start.
    var stop: StopPost.Reason?
    /// Ends its time.
    var timer: Timer?

    init(
        _ name: String, _ start: ProgramStart, timeout: Duration,
        _ pipes: consuming ProgramPipes, _ delivery: PipeDelivery, _ permit: consuming Permit
    ) {
        self.name = name
        self.start = start
        self.timeout = timeout
        self.pipes = consume pipes
        self.delivery = delivery
        command = permit.command
        self.permit = consume permit
    }

    /// Calls once it is known whether its start is recorded: with nil if it is.
    func whenRecorded(_ call: @escaping (Refusal?) -> Void) {
        command.whenRecorded(call)
    }

    /// At most one call of each.
    func takePipes() -> ProgramPipes { pipes.take()! }
    func takePermit() -> Permit { permit.take()! }
}
