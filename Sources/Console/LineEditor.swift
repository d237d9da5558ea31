// Edits lines at a terminal while a loop keeps running.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
internal import Synchronization
internal import System

/// Asks for lines with libedit: on its own thread, since libedit blocks for keys while the loop must keep
/// answering its peer. Confined to its loop. A process has one.
@safe
public final class LineEditor {
    /// The result of a prompt.
    public enum Answer: Sendable {
        /// A line without its end.
        case line([UInt8])
        /// The interrupt key, or `interrupt()`.
        case interrupted
        /// The end of input, or a cancelled task.
        case end
    }

    private let loop: EventLoop
    private let keys: LineKeys
    private let library: EditLine
    private let history: LineHistory?
    private let words: LineWords
    private let isBold = Colour.isWanted(on: 1)
    /// The line that was kept last.
    private var last: String?

    /// libedit's callbacks get no context.
    private static let current = Mutex<Current?>(nil)

    private struct Current {
        let keys: LineKeys
        let library: EditLine
        let words: LineWords
    }

    /// - Returns: nil if standard input or output is not a terminal that supports editing, or libedit is
    ///   missing.
    ///
    /// - Parameter words: those that the Tab key completes.
    public static func make(
        loop: EventLoop, history: LineHistory?, words: LineWords
    ) -> LineEditor? {
        guard isatty(0) == 1, isatty(1) == 1, let editor = LineEditor(loop, history, words) else {
            return nil
        }
        let now = Current(keys: editor.keys, library: editor.library, words: words)
        current.withLock { $0 = now }
        return editor
    }

    /// Restores the terminal if a line is still being edited; to be called before the process ends.
    public static func restoreTerminal() { current.withLock { $0 }?.keys.restoreTerminal() }

    private init?(_ loop: EventLoop, _ history: LineHistory?, _ words: LineWords) {
        // It draws with escape sequences, which such terminals don't know.
        guard let kind = unsafe getenv("TERM"), unsafe strcmp(kind, "dumb") != 0 else { return nil }
        guard let keys = LineKeys() else { return nil }
        // libedit writes by the locale's encoding, and what is sent is UTF-8.
        unsafe setlocale(LC_CTYPE, "")
        if unsafe strcmp(nl_langinfo(Int32(CODESET)), "UTF-8") != 0 {
            unsafe setlocale(LC_CTYPE, "C.UTF-8")
        }
        let library = unsafe EditLine(
            prompt: { _ in unsafe LineEditor.current.withLock { $0 }?.keys.prompt },
            reader: { _, scalar in
                guard let next = LineEditor.current.withLock({ $0 })?.keys.nextScalar() else {
                    return 0
                }
                unsafe scalar?.pointee = next
                return 1
            }, tab: { _, _ in LineEditor.complete().rawValue }, historySize: Int32(LineHistory.size)
        )
        guard let library else { return nil }
        self.loop = loop
        self.keys = keys
        self.library = library
        self.history = history
        self.words = words
        for line in history?.lines() ?? [] {
            library.remember(line)
            last = line
        }
    }

    /// Edits a line. `ahead` holds what was typed and read before; what is left of it is given back.
    public func ask(_ text: String, ahead typed: inout [UInt8]) async -> Answer {
        let mark = EditLine.mark
        let prompt =
            isBold && !text.isEmpty
            ? "\(mark)\(Colour.bold)\(mark)\(text)\(mark)\(Colour.none)\(mark)" : text
        keys.begin(prompt, ahead: typed)
        let line = await withTaskCancellationHandler {
            await withCheckedContinuation { (answered: CheckedContinuation<[UInt8]?, Never>) in
                do throws(Errno) {
                    try startDetachedThread { [library, loop] in
                        let line = library.line()
                        loop.execute { answered.resume(returning: line) }
                    }
                } catch {
                    answered.resume(returning: nil)
                }
            }
        } onCancel: { [keys] in
            keys.leave(.ended)
        }
        let (ahead, reason) = keys.end()
        typed = ahead
        guard var line else {
            guard reason == .interrupted, !Task.isCancelled else { return .end }
            typed = []
            return .interrupted
        }
        while let last = line.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
            line.removeLast()
        }
        keep(line)
        return .line(line)
    }

    /// Leaves the line that is being edited, as the interrupt key does.
    public func interrupt() {
        if keys.isAsking { keys.leave(.interrupted) }
    }

    /// Completes the line that is being edited, on its thread.
    private static func complete() -> EditLine.Effect {
        guard let now = current.withLock({ $0 }) else { return .error }
        let typed = String(validating: now.library.typed, as: UTF8.self)
        // A tab in a line that is being pasted is not a request.
        switch now.keys.hasMore ? .blank : typed.map(now.words.completion) ?? .blank {
        case .insert(let text):
            now.library.insert(text)
            return .refresh
        case .choices(let names):
            print(names)
            return .redisplay
        case .blank:
            now.library.insert("\t")
            return .refresh
        case .nothing: return .error
        }
    }

    /// Prints names below the line that is being edited, as many as can be read.
    private static func print(_ names: [String]) {
        var size = winsize()
        let isKnown = unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let width = isKnown ? max(Int(size.ws_col), 20) : 80
        var text = "\n"
        var column = 0
        for name in names.prefix(mostChoices) {
            if column > 0, column + name.count > width {
                text += "\n"
                column = 0
            }
            text += column > 0 ? "  \(name)" : name
            column += name.count + 2
        }
        if names.count > mostChoices { text += "\n(\(names.count - mostChoices) more)" }
        let bytes = Array("\(text)\n".utf8)
        // The rest of it isn't worth waiting for.
        unsafe _ = write(1, bytes, bytes.count)
    }

    private static let mostChoices = 100

    private func keep(_ line: [UInt8]) {
        guard LineHistory.mayKeep(line),
            let text = String(validating: line, as: UTF8.self), text != last, !words.isSecret(text)
        else { return }
        last = text
        library.remember(text)
        history?.add(text)
    }
}
