// A running program: its process group, its three pipes, and its end.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
internal import Synchronization

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
    /// It exited with a status.
    case status(UInt8)
    /// A signal of that number ended it.
    case signal(UInt8)
}

/// The signals that end a program (signal(7)).
public enum ProgramSignal {
    /// Asks it to end.
    public static let terminate = SIGTERM
    /// Ends it.
    public static let kill = SIGKILL
}

/// What to start, and how.
public struct ProgramStart: Sendable {
    /// An absolute path, which is the program's `argv[0]` as well.
    public var path: String
    /// Behind `argv[0]`; none contains a NUL.
    public var arguments: [String]
    /// By their names, neither of which nor a value contains a NUL; there is nothing else in its
    /// environment.
    public var environment: [String: String]
    /// An absolute path, where it runs.
    public var directory: String
    /// As umask(2) has it.
    public var umask: UInt32
    /// Whether it gets a pipe as its standard input, or nothing.
    public var takesInput: Bool

    public init(
        path: String, arguments: [String], environment: [String: String], directory: String,
        umask: UInt32 = 0o077, takesInput: Bool
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.umask = umask
        self.takesInput = takesInput
    }
}

/// A program in a session and process group of its own, with default signal dispositions and no
/// descriptor but its standard ones. Confined to its loop.
///
/// Who starts one waits for `end`, or abandons it. Whatever it left in its process group is killed
/// when it ends; a daemon that made its own session (setsid(2)) lives on.
public final class Program: EventSource, @unchecked Sendable {
    /// Its number, and that of its process group; anybody else's once `end` is set.
    public let pid: Int32
    /// Nil where it takes no input.
    public let input: PipeWriter?
    /// What it writes to its standard output.
    public let output: PipeReader
    /// What it writes to its standard error.
    public let errorOutput: PipeReader
    /// Set when the program itself has ended; its pipes may still hold something.
    public private(set) var end: ProgramEnd?
    private let descriptor: Descriptor
    private let changed: () -> Void
    private var isReaped = false
    /// Itself, while nobody else holds it and it has not ended.
    private var abandoned: Program?

    /// Starts a program.
    ///
    /// - Parameter changed: called on the loop when a pipe is ready again or the program has ended.
    /// - Throws: `descriptorsExhausted`; `system` where it can't be started.
    public init(
        _ start: ProgramStart, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        let output = try Pipe()
        let errorOutput = try Pipe()
        var input: Pipe?
        let inputEnd: Descriptor
        if start.takesInput {
            let pipe = try Pipe()
            inputEnd = pipe.takeReader()
            input = pipe
        } else {
            inputEnd = try Self.nothing()
        }
        let pid = try spawn(
            start, input: inputEnd, output: output.takeWriter(),
            errorOutput: errorOutput.takeWriter())
        self.pid = pid
        running.withLock { _ = $0.insert(pid) }
        let watch = parley_pidfd_open(pid)
        guard watch >= 0 else {
            let reason = errno
            kill(-pid, SIGKILL)
            wait(for: pid)
            throw StreamError(
                "\(start.path) was killed as soon as it ran, since it cannot be watched",
                errno: reason)
        }
        descriptor = Descriptor(owning: watch)
        self.changed = changed
        do throws(StreamError) {
            self.output = try PipeReader(output.takeReader(), loop: loop, changed)
            self.errorOutput = try PipeReader(errorOutput.takeReader(), loop: loop, changed)
            if let input {
                self.input = try PipeWriter(input.takeWriter(), loop: loop, changed)
            } else {
                self.input = nil
            }
        } catch {
            kill(-pid, SIGKILL)
            wait(for: pid)
            throw error
        }
        super.init(loop: loop)
        do throws(StreamError) {
            try loop.add(self, descriptor: watch, events: .readable)
        } catch {
            reap()
            throw error
        }
    }

    deinit {
        if !isReaped { kill(pid, SIGKILL) }
        reap()
        loop.remove(descriptor: descriptor.number)
    }

    override public func ready(_ events: Events) {
        let child = parley_peek_child(descriptor.number)
        guard child.has_ended != 0, end == nil else { return }
        let number = UInt8(truncatingIfNeeded: child.status)
        end = child.code == CLD_EXITED ? .status(number) : .signal(number)
        // It stays readable.
        loop.remove(descriptor: descriptor.number)
        reap()
        output.endBehindWhatIsThere()
        errorOutput.endBehindWhatIsThere()
        changed()
        abandoned = nil
    }

    /// Sends a signal to the whole process group, and to the program itself should it have left the
    /// group. For as long as it is not reaped neither number can be anybody else's.
    public func signal(_ number: Int32) {
        guard !isReaped else { return }
        if kill(-pid, number) != 0 || number == SIGKILL { kill(pid, number) }
        // One that is stopped would not notice.
        if number == SIGTERM { kill(-pid, SIGCONT) }
    }

    /// Lets a program go that can't be ended, because it took on another user's rights; it is
    /// reaped when it ends after all.
    public func abandon() {
        guard !isReaped, abandoned == nil else { return }
        abandoned = self
        output.endBehindWhatIsThere()
        errorOutput.endBehindWhatIsThere()
    }

    /// Kills what is left of the process group, and takes the zombie away, which kept the group's
    /// number.
    private func reap() {
        guard !isReaped else { return }
        kill(-pid, SIGKILL)
        isReaped = true
        wait(for: pid)
    }

    /// Has the system keep how programs end, even where whoever started this process ignored that.
    /// Before any program is started.
    public static func keepEnds() { Glibc.signal(SIGCHLD, SIG_DFL) }

    /// Kills every program of this process, before it ends. From any thread.
    public static func killAll() {
        running.withLock { for pid in $0 { kill(-pid, SIGKILL) } }
    }

    private static func nothing() throws(StreamError) -> Descriptor {
        let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw StreamError("cannot open /dev/null", errno: errno) }
        return Descriptor(owning: number)
    }
}

/// The process groups that run, so that none outlives this process.
private let running = Mutex<Set<pid_t>>([])

/// Takes a zombie away; the child has ended or was killed.
private func wait(for pid: pid_t) {
    var status: Int32 = 0
    while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    running.withLock { _ = $0.remove(pid) }
}

private func spawn(
    _ start: ProgramStart, input: borrowing Descriptor, output: borrowing Descriptor,
    errorOutput: borrowing Descriptor
) throws(StreamError) -> pid_t {
    let pid = unsafe withStrings([start.path] + start.arguments) { arguments in
        unsafe withStrings(start.environment.map { "\($0)=\($1)" }.sorted()) { environment in
            unsafe parley_spawn(
                start.path, arguments, environment, start.directory, start.umask, input.number,
                output.number, errorOutput.number)
        }
    }
    guard pid > 0 else {
        throw StreamError(
            "cannot start \(start.path) in the directory \(start.directory)", errno: errno)
    }
    return pid
}

/// Lends strings as C has them, with a null behind the last.
private func withStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
}
