// The console lines of sessions on standard output, and the operator's from standard input.
// SPDX-License-Identifier: Apache-2.0
public import Conversations
internal import Glibc
public import Sockets
internal import System
internal import TLS

/// A transcript on the process's own console. Confined to its loop.
public final class ConsoleTranscript: Transcript {
    public let output: Output
    private let input: (any LineSource)?
    private let log: Log
    private let isQuiet: Bool
    /// Whether lines are suppressed for now, though it is not quiet.
    public var isHidden = false
    private let limit: Int
    /// Edits the lines that are read; nil if the terminal's own line editing has to do.
    private let editor: LineEditor?
    /// The prompt that is being shown now.
    private var prompt: String?
    private let form: Form

    /// Which parts of a peer's message reach standard output.
    public enum Form: UInt8, Sendable {
        /// All of it.
        case whole = 1
        /// Without what can control a terminal; line ends and tabs stay.
        case terminal = 2
        /// Without what can end a line.
        case line = 3

        /// - Parameter meetsRecords: whether what reads standard output may read the log or an audit trail as
        ///   well, so that a message must not look like a line of theirs. It is so in any case where
        ///   standard output and standard error lead to the same file.
        public init(of output: Output, meetsRecords: Bool = false) {
            self =
                output.isTerminal
                ? .terminal : meetsRecords || leadToSameFile(1, 2) ? .line : .whole
        }
    }

    /// - Parameters:
    ///   - input: where lines are asked for; nil where nothing is ever asked.
    ///   - isQuiet: prints nothing, but still asks.
    ///   - limit: the longest line, in bytes; a longer one is returned cut to one byte more.
    ///   - form: what of messages reaches the output; that of standard output where nil.
    ///   - editor: edits the lines, where there is one.
    public init(
        output: Output, input: (any LineSource)?, log: Log, isQuiet: Bool = false,
        limit: Int = Message.limit, form: Form? = nil, editor: LineEditor? = nil
    ) {
        self.editor = editor
        self.form = form ?? Form(of: output)
        self.limit = limit
        self.output = output
        self.input = input
        self.log = log
        self.isQuiet = isQuiet
    }

    /// Whether lines are edited here, and so can be completed.
    public var isEditing: Bool { editor != nil }

    public var isInteractive: Bool { input?.isTerminal ?? false }

    public func print(_ line: String) {
        guard !isQuiet, !isHidden else { return }
        let start = output.position
        let bytes = Array(line.utf8)
        append(bytes.span)
        output.endLine(from: start)
    }

    public func print(_ start: StaticString, _ message: Span<UInt8>) {
        guard !isQuiet, !isHidden else { return }
        let position = output.position
        unsafe output.write(
            UnsafeBufferPointer(start: start.utf8Start, count: start.utf8CodeUnitCount))
        append(message)
        output.endLine(from: position)
    }

    public func ask(_ prompt: String) async throws(StreamError) -> [UInt8]? {
        guard let input else { return nil }
        self.prompt = isQuiet ? "" : prompt
        defer { self.prompt = nil }
        if let editor { return try await edit(editor, isQuiet ? "" : prompt, input) }
        if !isQuiet { output.write(prompt.utf8) }
        await output.flushed()
        var line: [UInt8]?
        // If the line has no end, the cursor is still after the prompt.
        defer { if line == nil, input.isTerminal, form == .terminal { endPrompt() } }
        line = try await input.next(limit: limit)
        return line
    }

    private func edit(
        _ editor: LineEditor, _ prompt: String, _ input: any LineSource
    ) async throws(StreamError) -> [UInt8]? {
        log.flush()
        await output.flushed()
        var ahead = input.takeAhead()
        while true {
            switch await editor.ask(prompt, ahead: &ahead) {
            case .line(let line):
                input.giveBack(ahead)
                return Array(line.prefix(limit + 1))
            case .interrupted:
                output.write("^C\n".utf8)
                await output.flushed()
            case .end:
                endPrompt()
                if Task.isCancelled { throw StreamError(.cancelled, "the prompt was cancelled") }
                return nil
            }
        }
    }

    /// Clears the line that is being typed and asks again, as Ctrl-C at a prompt does.
    ///
    /// - Returns: false if there is no prompt at a terminal.
    public func interrupt() -> Bool {
        guard let prompt, let input, input.isTerminal else { return false }
        if let editor {
            editor.interrupt()
        } else {
            // The interrupt key has the terminal forget the line; a signal from elsewhere doesn't.
            tcflush(0, TCIFLUSH)
            _ = input.takeAhead()
            output.write("\n\(prompt)".utf8)
        }
        return true
    }

    private func endPrompt() {
        guard !isQuiet else { return }
        output.write("\n".utf8)
        output.flush()
    }

    public func warn(_ fault: StreamError) {
        log.write(fault.told)
    }

    /// Appends as much of a message as its form lets through, and never bytes that are not UTF-8.
    private func append(_ message: Span<UInt8>) {
        if Self.isPlain(message) { return output.write(message) }
        let text = String(repairing: message)
        switch form {
        case .whole: output.write(text.utf8)
        case .terminal: output.write(printable(text, keeping: "\t\n").utf8)
        // A pipe could separate anything beyond a page, so that it would look like the start of a
        // line.
        case .line: output.write(printable(text, keeping: "\t").start(Self.longestLine).utf8)
        }
    }

    /// Printable ASCII, which is most of it.
    private static func isPlain(_ message: Span<UInt8>) -> Bool {
        for index in message.indices where message[index] < 0x20 || message[index] > 0x7e {
            return false
        }
        return true
    }

    /// Together with its prefix less than PIPE_BUF (pipe(7)).
    private static let longestLine = 4_000
}
