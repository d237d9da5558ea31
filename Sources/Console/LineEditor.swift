// Edits lines at a terminal beside a loop that goes on.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
internal import Synchronization
internal import System

/// Asks for lines with libedit: on a thread of its own, since libedit waits for a key where the loop must
/// go on answering its peer. Confined to its loop but for what says otherwise. A process has one.
@safe
public final class LineEditor: @unchecked Sendable {
    /// What an asking came to.
    public enum Answer: Sendable {
        /// A line without its end.
        case line([UInt8])
        /// The interrupt key, or `interrupt()`.
        case interrupted
        /// The end of input, or a cancelled task.
        case end
    }

    private enum Reason: Equatable {
        case interrupted, ended
    }

    private let loop: EventLoop
    /// Wakes the thread.
    private let bell: Descriptor
    /// The terminal's before the first line.
    private let attributes: termios
    private let interruptKey: UInt8
    private let history: LineHistory?
    private var isAsking = false
    /// The line that was kept last.
    private var last: String?

    // The thread's while a line is asked for, and the loop's otherwise.
    private var library: EditLine!
    private var prompt: UnsafeMutablePointer<CChar>?
    private var ahead: [UInt8] = []

    /// Why the thread is to leave the line.
    private let reason = Mutex<Reason?>(nil)

    /// Its callbacks get no context.
    private static let current = Mutex<LineEditor?>(nil)

    /// - Returns: nil where standard input or output is not a terminal that can be edited at, or libedit is
    ///   missing.
    public static func make(loop: EventLoop, history: LineHistory?) -> LineEditor? {
        guard isatty(0) == 1, isatty(1) == 1, let editor = LineEditor(loop, history) else {
            return nil
        }
        current.withLock { $0 = editor }
        return editor
    }

    /// Gives the terminal back as it was where a line is still being edited: before the process ends.
    public static func restoreTerminal() {
        guard let editor = current.withLock({ $0 }), editor.isAsking else { return }
        unsafe withUnsafePointer(to: editor.attributes) {
            _ = unsafe tcsetattr(0, TCSANOW, $0)
        }
    }

    private init?(_ loop: EventLoop, _ history: LineHistory?) {
        // It draws with escape sequences, which these don't know.
        guard let kind = unsafe getenv("TERM"), unsafe strcmp(kind, "dumb") != 0 else { return nil }
        var attributes = termios()
        guard unsafe tcgetattr(0, &attributes) == 0 else { return nil }
        let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard number >= 0 else { return nil }
        bell = Descriptor(owning: number)
        self.loop = loop
        self.attributes = attributes
        self.history = history
        interruptKey = unsafe withUnsafeBytes(of: attributes.c_cc) { unsafe $0[Int(VINTR)] }
        // libedit writes by the locale's encoding, and what is sent is UTF-8.
        unsafe setlocale(LC_CTYPE, "")
        if unsafe strcmp(nl_langinfo(Int32(CODESET)), "UTF-8") != 0 {
            unsafe setlocale(LC_CTYPE, "C.UTF-8")
        }
        let library = unsafe EditLine(
            prompt: { _ in unsafe LineEditor.current.withLock { $0 }?.prompt },
            reader: { _, scalar in
                guard let next = LineEditor.current.withLock({ $0 })?.nextScalar() else { return 0 }
                unsafe scalar?.pointee = next
                return 1
            }, historySize: Int32(LineHistory.size))
        guard let library else { return nil }
        self.library = library
        for line in history?.lines() ?? [] {
            library.remember(line)
            last = line
        }
    }

    /// Edits a line. What was typed before and read already stands in `ahead`; what is left of it is
    /// given back.
    public func ask(_ text: String, ahead typed: inout [UInt8]) async -> Answer {
        unsafe free(prompt)
        unsafe prompt = strdup(text)
        ahead = typed
        reason.withLock { $0 = nil }
        isAsking = true
        let line = await withTaskCancellationHandler {
            await withCheckedContinuation { (answered: CheckedContinuation<[UInt8]?, Never>) in
                do throws(Errno) {
                    try startDetachedThread { [self] in
                        let line = library.line()
                        loop.execute { answered.resume(returning: line) }
                    }
                } catch {
                    answered.resume(returning: nil)
                }
            }
        } onCancel: {
            self.wake(.ended)
        }
        isAsking = false
        typed = ahead
        ahead = []
        guard var line else {
            guard reason.withLock({ $0 }) == .interrupted, !Task.isCancelled else { return .end }
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
        if isAsking { wake(.interrupted) }
    }

    private func keep(_ line: [UInt8]) {
        guard LineHistory.mayKeep(line),
            let text = String(validating: line, as: UTF8.self), text != last
        else { return }
        last = text
        library.remember(text)
        history?.add(text)
    }

    /// From any thread.
    private func wake(_ reason: Reason) {
        self.reason.withLock { if $0 != .ended { $0 = reason } }
        var one: UInt64 = 1
        _ = unsafe write(bell.number, &one, 8)
    }

    /// From any thread.
    private func silence() {
        var count: UInt64 = 0
        _ = unsafe read(bell.number, &count, 8)
    }

    // MARK: On the thread

    /// - Returns: nil at the end of input and where the line is to be left.
    private func nextScalar() -> UInt32? {
        guard let first = nextByte() else { return nil }
        if first == interruptKey, first != 0 {
            reason.withLock { if $0 == nil { $0 = .interrupted } }
            return nil
        }
        guard first >= 0x80 else { return UInt32(first) }
        var bytes = [first]
        let further = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0
        for _ in 0..<further {
            guard let byte = nextByte() else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self).unicodeScalars.first?.value
    }

    private func nextByte() -> UInt8? {
        while true {
            if reason.withLock({ $0 }) != nil { return nil }
            if !ahead.isEmpty { return ahead.removeFirst() }
            var ready = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell.number, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&ready, 2, -1) > 0 else { continue }
            if ready[1].revents != 0 {
                silence()
                continue
            }
            var byte: UInt8 = 0
            let count = unsafe read(0, &byte, 1)
            if count == 1 { return byte }
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            // The terminal has hung up.
            return nil
        }
    }
}
