// The keys of a line that is being edited.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Synchronization
internal import System

/// State shared by the thread that edits a line and the loop that waits for it. Usable from any
/// thread.
@safe
final class LineKeys: Sendable {
    /// Why the thread must leave the line.
    enum Reason: Equatable {
        case interrupted, ended
    }

    @safe
    private struct State {
        var isAsking = false
        var reason: Reason?
        /// Typed but not consumed yet.
        var ahead: [UInt8] = []
        /// What libedit reads while a line is edited.
        var prompt: UnsafeMutablePointer<CChar>?
    }

    /// Wakes the thread.
    private let bell: Descriptor
    /// The terminal's attributes before the first line.
    private let attributes: termios
    private let interruptKey: UInt8
    private let state = Mutex(State())

    /// Nil if standard input is not a terminal, or no descriptor is free.
    init?() {
        var attributes = termios()
        guard unsafe tcgetattr(0, &attributes) == 0 else { return nil }
        let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard number >= 0 else { return nil }
        bell = Descriptor(owning: number)
        self.attributes = attributes
        interruptKey = unsafe withUnsafeBytes(of: attributes.c_cc) { unsafe $0[Int(VINTR)] }
    }

    // MARK: For the loop

    var isAsking: Bool { state.withLock { $0.isAsking } }

    /// A line is asked for from here on; `ahead` was typed before.
    func begin(_ text: String, ahead: [UInt8]) {
        state.withLock { state in
            unsafe free(state.prompt)
            unsafe state = State(isAsking: true, ahead: ahead, prompt: strdup(text))
        }
    }

    /// The line was edited, or left.
    ///
    /// - Returns: what was typed but not consumed, and why the line was left.
    func end() -> (ahead: [UInt8], reason: Reason?) {
        state.withLock { state in
            state.isAsking = false
            defer { state.ahead = [] }
            return (state.ahead, state.reason)
        }
    }

    /// Has the thread leave the line that is being edited.
    func leave(_ reason: Reason) {
        state.withLock { if $0.reason != .ended { $0.reason = reason } }
        var one: UInt64 = 1
        _ = unsafe write(bell.number, &one, 8)
    }

    /// Restores the terminal if a line is still being edited.
    func restoreTerminal() {
        guard isAsking else { return }
        unsafe withUnsafePointer(to: attributes) { _ = unsafe tcsetattr(0, TCSANOW, $0) }
    }

    // MARK: For the thread

    /// Valid until the next line is asked for.
    var prompt: UnsafeMutablePointer<CChar>? {
        unsafe UnsafeMutablePointer(
            bitPattern: state.withLock { unsafe UInt(bitPattern: $0.prompt) })
    }

    /// Whether there is more to come already, as when something is pasted.
    var hasMore: Bool {
        if state.withLock({ !$0.ahead.isEmpty }) { return true }
        var ready = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&ready, 1, 0) > 0
    }

    /// - Returns: nil at the end of input and when the line must be left.
    func nextScalar() -> UInt32? {
        guard let first = nextByte() else { return nil }
        if first == interruptKey, first != 0 {
            state.withLock { if $0.reason == nil { $0.reason = .interrupted } }
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

    private enum Next {
        case byte(UInt8)
        case wait
        case leave
    }

    private func nextByte() -> UInt8? {
        while true {
            let next = state.withLock { state -> Next in
                if state.reason != nil { return .leave }
                return state.ahead.isEmpty ? .wait : .byte(state.ahead.removeFirst())
            }
            switch next {
            case .byte(let byte): return byte
            case .leave: return nil
            case .wait: break
            }
            var ready = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell.number, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&ready, 2, -1) > 0 else { continue }
            if ready[1].revents != 0 {
                var count: UInt64 = 0
                _ = unsafe read(bell.number, &count, 8)
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
