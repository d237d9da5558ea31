// `--timeout` of `run`.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Sockets

/// Ends a command when its time is over, and everything when even that takes long. Confined to its loop.
final class CallLimit {
    private(set) var isOver = false
    private var timer: Timer?

    /// - Parameters:
    ///   - endCommand: asks the server to end what is running; false if nothing is.
    ///   - endAll: ends the session, or the attempt to begin one.
    init(
        _ span: Duration, on loop: EventLoop, endCommand: @escaping () -> Bool,
        endAll: @escaping () -> Void
    ) {
        timer = Timer(after: span, on: loop) { [unowned self] in
            isOver = true
            if endCommand() {
                timer = Timer(after: Self.patience, on: loop, endAll)
            } else {
                endAll()
            }
        }
    }

    /// Reports what the end of the time has ended.
    ///
    /// - Parameter hadSession: whether there was a session to run commands in.
    /// - Returns: parley's exit status.
    func tell(_ options: RunOptions, _ report: Report, _ log: Log, hadSession: Bool) -> Int32 {
        let time = "\(options.timeout ?? .zero)"
        guard !report.hasTold else {
            if !options.isJSON {
                log.writeFailure(
                    options.server.named("ended after \(time), since --timeout allows no more"))
            }
            return ExitStatus.cutShort
        }
        let status = hadSession ? ExitStatus.cutShort : ExitStatus.failure
        report.tell(
            code: "timedOut",
            hadSession
                ? "no outcome within \(time), the time of --timeout; it is unknown"
                : "no session within \(time), the time of --timeout; nothing was run",
            status: status)
        return status
    }

    /// How long the server may take to end a command: its grace is 5 s by default.
    private static let patience = Duration.seconds(10)
}
