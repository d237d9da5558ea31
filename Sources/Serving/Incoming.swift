// What a session's client sends, from its first frame to its last.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System

/// What a frame asks of the phase that the session is in. What the whole session has to know of the
/// frame was noted before.
enum Arrival {
    /// A run, to be answered now.
    case run
    /// Input for the command that runs.
    case input
    /// The end of that input.
    case inputEnd
    /// All commands so far are to end, also the one that runs.
    case cancel
    case ping
    case pong
    /// Nothing.
    case noted
}

/// Cuts the client's bytes into frames, and keeps account of input and of runs that have to wait. Both
/// phases of a session feed from it: between programs, and while one runs. Confined to its loop.
final class Incoming {
    private var frames = FrameReader(from: .client)
    private var ledger = InputLedger()
    private var request = RequestReader()
    private var hasCommand = false
    /// Frames of the runs that came while a command ran.
    private var ahead: [UInt8] = []
    /// How many runs these are.
    private var waiting = 0
    /// Of the runs that are read next, so many were cancelled while they waited.
    private var cancelled = 0

    /// Takes the next frame out of `bytes`, beginning at `offset`, which moves on.
    ///
    /// - Returns: false where it has not come whole yet; `bytes` is used up then.
    /// - Throws: `malformed`, or what `body` throws; nothing can be read after that.
    func next(
        _ bytes: Span<UInt8>, at offset: inout Int,
        _ body: (Arrival, Span<UInt8>) throws(StreamError) -> Void
    ) throws(StreamError) -> Bool {
        try frames.next(bytes, at: &offset) { (type, payload) throws(StreamError) in
            try body(note(type, payload), payload)
        }
    }

    private func note(
        _ type: FrameType, _ payload: Span<UInt8>
    ) throws(StreamError) -> Arrival {
        switch type {
        case .run:
            guard hasCommand else { return .run }
            keep(type, payload)
            waiting += 1
        case .runPart:
            if hasCommand { keep(type, payload) } else { request.add(part: payload) }
        case .input: return try ledger.receive(payload.count) ? .input : .noted
        case .inputEnd: return try ledger.end() ? .inputEnd : .noted
        case .cancel:
            // Without a command, all that could be cancelled has its answer.
            if hasCommand { cancelled = waiting }
            return .cancel
        case .ping: return .ping
        case .pong: return .pong
        case .inputWanted, .output, .errorOutput, .exit, .refusal: break
        }
        return .noted
    }

    private func keep(_ type: FrameType, _ payload: Span<UInt8>) {
        ahead.append(type, Array(payload))
    }

    // MARK: Runs

    /// Whether all of the run that has come is in its one frame, and nothing was said of it before.
    var isPlain: Bool { cancelled == 0 && !request.isOpen }

    /// Reads the payload of the run that has come, after the parts that came before it.
    ///
    /// - Throws: `malformed`.
    func finishRun(_ payload: Span<UInt8>) throws(StreamError) -> RequestReader.Reading {
        try request.finish(payload)
    }

    /// Whether the run that has come was cancelled while it waited. To be asked once for each run.
    func takeCancel() -> Bool {
        guard cancelled > 0 else { return false }
        cancelled -= 1
        return true
    }

    // MARK: A command that runs

    /// A command begins: until its end, runs wait.
    func commandBegins() { hasCommand = true }

    /// So many bytes more of the running command's input may come.
    func want(_ count: Int) { ledger.want(count) }

    /// So much has come ahead of the running command that nothing more may be read.
    var isFull: Bool { ahead.count > Frame.aheadLimit }

    /// The command has ended: what still comes of its input reaches no other command.
    ///
    /// - Throws: `malformed` where a client never ends its inputs.
    func commandEnded() throws(StreamError) {
        hasCommand = false
        waiting = 0
        try ledger.exited()
    }

    /// Gives up what came ahead, to be read again before anything else.
    func takeAhead() -> [UInt8] {
        defer { ahead = [] }
        // What came whole came before what is not whole yet.
        return ahead + frames.takePartial()
    }
}
