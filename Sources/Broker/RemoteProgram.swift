// A program that runs for a session, as the network process sees it: its pipes, and what the broker reports.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
package import Remote
package import Sockets

/// The bytes of a program that the broker has started. Confined to its session's loop.
package final class RemoteProgram {
    /// How far the program has progressed, as far as its session needs to know.
    package enum Course {
        /// It may already have written something, but isn't known to be running; for one without input that is
        /// never reported.
        case starting
        case running
        /// It has ended along with everything that has its output open, or isn't waited for: what is in the
        /// pipes now is the rest of it.
        case done(Outcome)
    }

    /// The command's name.
    package let name: String
    /// How many bytes it may write to both outputs together.
    package let outputLimit: Int
    /// Nil if it takes no input.
    package let input: PipeWriter?
    /// What it writes to its standard output.
    package let output: PipeReader
    /// What it writes to its standard error.
    package let errorOutput: PipeReader
    /// Rings at each change of the program or its pipes.
    package let bell: Bell
    package private(set) var course = Course.starting
    /// Whether the program can't continue because its client does not read; asked now and then.
    package var isHeldUp: () -> Bool = { false }

    private let send: (any Message) -> Void
    private let handle: Handle
    private var hasStopped = false

    /// - Throws: `system`, `descriptorsExhausted` if the loop can't watch the pipes.
    init(
        _ post: StartedPost, _ ends: consuming ProgramEnds, loop: EventLoop,
        send: @escaping (any Message) -> Void
    ) throws(StreamError) {
        let bell = Bell()
        self.bell = bell
        handle = post.handle
        name = post.name
        outputLimit = Int(clamping: post.outputLimit)
        self.send = send
        if let input = ends.input {
            self.input = try PipeWriter(input, loop: loop) { bell.ring() }
        } else {
            input = nil
        }
        output = try PipeReader(ends.output, loop: loop) { bell.ring() }
        errorOutput = try PipeReader(ends.errorOutput, loop: loop) { bell.ring() }
    }

    /// Ends it with everything that it started; the first reason given becomes its outcome.
    package func stop(_ reason: StopPost.Reason) {
        if hasStopped { return }
        if case .done = course { return }
        hasStopped = true
        send(StopPost(handle: handle, reason: reason))
    }

    /// Reports that its client was told of its end, and what it transferred; call this once, after it is
    /// done.
    package func told(_ traffic: Traffic) { send(ToldPost(handle: handle, traffic: traffic)) }

    /// Whether it has run, so that it may have wanted input.
    package var hasRun: Bool {
        switch course {
        case .starting, .done(.refused): false
        case .running, .done: true
        }
    }

    // MARK: What the broker says

    func runs() {
        if case .starting = course { course = .running }
        bell.ring()
    }

    func probe() { send(HeldUpPost(handle: handle, isHeldUp: isHeldUp())) }

    func isDone(_ outcome: Outcome) {
        if case .done = course { return }
        course = .done(outcome)
        // Whoever can write to the pipes from here on is not the program, or can't be waited for.
        output.endBehindWhatIsThere()
        errorOutput.endBehindWhatIsThere()
        bell.ring()
    }
}
