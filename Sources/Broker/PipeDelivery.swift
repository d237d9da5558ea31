// How the network process gets what a program writes: its pipes, or all of it at once.
// SPDX-License-Identifier: Apache-2.0
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// A run's answer. Most programs are over after some milliseconds: one message then has everything that they wrote,
/// with their end. The pipes of others are handed over soon, at once if they take input. Until then, and while this
/// process has no free descriptor, what a program writes waits in its pipes. Confined to the broker's loop.
final class PipeDelivery {
    private let post: StartedPost
    private let channel: PostChannel
    private let answered: (Traffic) -> Void
    private var state: State
    private var timer: Timer?
    private var course = Course.starting

    private enum Course {
        case starting
        /// And takes input.
        case running
        /// It is over, was not started, or is no longer waited for; this is for its client.
        case over(Outcome)
    }

    private enum State {
        case held(PipeEnds)
        /// They are on their way.
        case sent
        /// The network process has them.
        case arrived
        /// The network process had no room for them: its client can't be heard, and gets nothing of it.
        case unheard
        /// The end was reported as well, which `ToldPost` follows, or everything was in one message.
        case over
    }

    /// - Parameter answered: called when the client needs nothing more than what was sent in one message.
    init(
        _ post: StartedPost, _ ends: PipeEnds, _ channel: PostChannel, _ patience: NetworkPatience,
        answered: @escaping (Traffic) -> Void
    ) {
        self.post = post
        self.channel = channel
        self.answered = answered
        state = .held(ends)
        if post.takesInput {
            deliver()
            return
        }
        look(every: patience.output, for: patience.silence)
    }

    /// Hands over the pipes once there is output, or when its client has not been heard for long enough: it may leave
    /// or cancel meanwhile.
    private func look(every pause: Duration, for span: Duration) {
        wait(pause) { [unowned self] in
            guard case .held(let ends) = state, !ends.haveOutput, span > pause else {
                return deliver()
            }
            look(every: pause, for: span - pause)
        }
    }

    /// Whether the network process has the pipes, and may know of the program.
    var hasArrived: Bool {
        switch state {
        case .arrived, .over: true
        case .held, .sent, .unheard: false
        }
    }

    /// Whether the network process was told of the end, and has to say what was moved.
    var isOver: Bool { if case .over = state { true } else { false } }

    /// The program runs, and takes input.
    func runs() {
        course = .running
        if case .arrived = state { channel.send(RunningPost(handle: post.handle).packet) }
    }

    /// The program is over, was not started, or is no longer waited for: its client is told as soon as it can be.
    func conclude(_ outcome: Outcome) {
        course = .over(outcome)
        switch state {
        case .held(let ends):
            if let contents = contents(of: ends, outcome) {
                answer(outcome, contents)
            } else {
                deliver()
            }
        case .arrived:
            state = .over
            channel.send(DonePost(handle: post.handle, outcome: outcome).packet)
        case .unheard: answer(unheard(outcome), PipeEnds.Contents())
        case .sent, .over: break
        }
    }

    /// The network process has received the pipes, or had no room for them; then the program must be ended.
    func come(_ haveCome: Bool) throws(PacketError) {
        guard case .sent = state else {
            throw .outOfTurn("no program's pipes are on their way")
        }
        state = haveCome ? .arrived : .unheard
        switch course {
        case .starting: break
        case .running: runs()
        case .over(let outcome): conclude(outcome)
        }
    }

    private func unheard(_ outcome: Outcome) -> Outcome {
        if case .refused = outcome { return outcome }
        return .refused(
            Refusal(
                .unavailable,
                "\(post.name) was ended because the server has no free descriptor for its output; try again later"
            ))
    }

    private func deliver() {
        guard case .held(let ends) = state else { return }
        timer = nil
        var descriptors: Descriptors
        do throws(StreamError) {
            let copies = try ends.copies()
            descriptors = Descriptors(copies.output)
            descriptors.add(copies.errorOutput)
            if let input = copies.input { descriptors.add(input) }
        } catch {
            return tryAgain()
        }
        state = .sent
        channel.send(post.packet, descriptors: descriptors, otherwise: post.withoutEnds.packet)
    }

    /// This process's descriptors become free again.
    private func tryAgain() {
        wait(Self.pause) { [unowned self] in
            if case .over(let outcome) = course { conclude(outcome) } else { deliver() }
        }
    }

    private func contents(of ends: PipeEnds, _ outcome: Outcome) -> PipeEnds.Contents? {
        // Nothing has run that could have written anything.
        if case .refused = outcome { return PipeEnds.Contents() }
        return ends.contents(atMost: min(FinishedPost.limit, Int(clamping: post.outputLimit)))
    }

    private func answer(_ outcome: Outcome, _ contents: PipeEnds.Contents) {
        timer = nil
        state = .over
        channel.send(
            FinishedPost(
                handle: post.handle, outcome: outcome, output: contents.output,
                errorOutput: contents.errorOutput
            ).packet)
        answered(
            Traffic(bytesOut: contents.output.count, bytesError: contents.errorOutput.count))
    }

    private func wait(_ span: Duration, _ call: @escaping () -> Void) {
        timer = Timer(after: span, on: channel.loop, call)
    }

    /// Between two attempts.
    private static let pause = Duration.milliseconds(100)
}
