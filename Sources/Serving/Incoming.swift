// What a session's client sends, from its first frame to its last.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System

/// What a frame asks of the phase that the session is in. What concerns the whole session was noted
/// before.
enum Arrival {
    /// A run, to be answered now.
    case run
    /// Input for the running command.
    case input
    /// The end of that input.
    case inputEnd
    /// All commands so far must end, including the running one.
    case cancel
    case ping
    case pong
    /// Nothing.
    case noted
}

/// Cuts the client's bytes into frames, and keeps account of input and of runs that have to wait. Both
/// phases of a session use it: between programs, and while one runs. Confined to its loop.
final class Incoming {
    private var frames = FrameReader(from: .client)
    private var ledger = InputLedger()
    private var request = RequestReader()
    private var hasCommand = false
    /// Frames of the runs that arrived while a command was running.
    private var ahead: [UInt8] = []
    /// How many runs these are.
    private var waiting = 0
    /// How many of the runs that are read next were cancelled while they waited.
    private var cancelled = 0

    /// Takes the next frame from `bytes`, starting at `offset`, which is advanced.
    ///
    /// - Returns: false if it has not arrived completely; `bytes` is then used up.
    /// - Throws: `malformed`, or what `body` throws; nothing can be read after that.
    func next(
        _ bytes: Span<UInt8>, at offset: inout Int,
        _ body: (Arrival, Span<UInt8>) throws(StreamError) -> Void
    ) throws(StreamError) -> Bool {
        try frames.next(bytes, at: &offset) { (type, payload) throws(StreamError) in
            try body(note(type, payload), payload)
        }
    }

    /// Takes all frames from `bytes`.
    ///
    /// - Parameters:
    ///   - input: takes input for the running command that came together, which is pieces of its span.
    ///   - body: takes everything else.
    /// - Throws: `malformed`; nothing can be read after that, and what came before it was taken.
    func takeAll(
        _ bytes: Span<UInt8>, input: ([Range<Int>], Span<UInt8>) -> Void, _ body: (Arrival) -> Void
    ) throws(StreamError) {
        var offset = 0
        try frames.takeAll(bytes, at: &offset, joining: .input) {
            (pieces, bytes) throws(StreamError) in
            let count = pieces.reduce(0) { $0 + $1.count }
            if try ledger.receive(count) { input(pieces, bytes) }
        } _: { (type, payload) throws(StreamError) in
            body(try note(type, payload))
            return true
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
            // Without a running command, everything that could be cancelled has its answer.
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

    /// Whether the whole run is in its one frame, with no earlier parts.
    var isPlain: Bool { cancelled == 0 && !request.isOpen }

    /// Reads the payload of the run that has arrived, after the parts that came before it.
    ///
    /// - Throws: `malformed`.
    func finishRun(_ payload: Span<UInt8>) throws(StreamError) -> RequestReader.Reading {
        try request.finish(payload)
    }

    /// Whether the run that has arrived was cancelled while it waited. Must be asked once for each
    /// run.
    func takeCancel() -> Bool {
        guard cancelled > 0 else { return false }
        cancelled -= 1
        return true
    }

    // MARK: A running command

    /// A command begins: until it ends, runs wait.
    func commandBegins() { hasCommand = true }

    /// This many more bytes of the running command's input may come.
    func want(_ count: Int) { ledger.want(count) }

    /// So much has arrived ahead of the running command that nothing more may be read.
    var isFull: Bool { ahead.count > Frame.aheadLimit }

    /// The command has ended: any more of its input reaches no other command.
    ///
    /// - Throws: `malformed` if a client never ends its inputs.
    func commandEnded() throws(StreamError) {
        hasCommand = false
        waiting = 0
        try ledger.exited()
    }

    /// Gives up what arrived ahead, to be read again before anything else.
    func takeAhead() -> [UInt8] {
        defer { ahead = [] }
        // Complete frames came before the incomplete one.
        return ahead + frames.takePartial()
    }
}
