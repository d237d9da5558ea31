// Runs a line of the shell's to the end of all that it started.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Programs
@testable import Sockets
@testable import TestSupport

/// What a program did.
struct RunResult: Sendable {
    var output = ""
    var errorOutput = ""
    var end: ProgramEnd?
    var leftEnded = 0
    /// What it was when its output was complete and somebody could be told of its end.
    var courseWhenDone: Program.Course?
}

/// A program of a test's, and what it has written so far. Confined to its loop.
final class Running {
    let program: Program
    let input: PipeWriter?
    private let outputs: (PipeReader, PipeReader)
    private let bell: Bell
    private var output: [UInt8] = []
    private var errorOutput: [UInt8] = []

    /// Waits until it runs.
    ///
    /// - Throws: what `Program` throws, and where it can't be started.
    init(_ start: ProgramStart, loop: EventLoop) async throws(StreamError) {
        // As both programs do at their start.
        Signals.ignoreFailedWrites()
        let bell = Bell()
        self.bell = bell
        let pipes = try ProgramPipes(takesInput: start.takesInput)
        let ends = try pipes.ends.copies()
        program = try Program(start, pipes, loop: loop) { bell.ring() }
        if let end = ends.input {
            input = try PipeWriter(end, loop: loop) { bell.ring() }
        } else {
            input = nil
        }
        outputs = (
            try PipeReader(ends.output, loop: loop) { bell.ring() },
            try PipeReader(ends.errorOutput, loop: loop) { bell.ring() }
        )
        // Without a keeper nobody is told of it.
        let pause =
            start.takesInput ? nil : Metronome(every: .milliseconds(1), on: loop) { bell.ring() }
        while program.pid == nil {
            if let failure = program.failure { throw failure }
            await bell.wait()
        }
        _ = pause
    }

    var pid: Int32 { program.pid ?? 0 }

    /// Reads on until `condition` holds.
    func wait(until condition: () -> Bool) async {
        while true {
            let isMet = condition()
            var hasRead = false
            while read(outputs.0, &output) || read(outputs.1, &errorOutput) {
                hasRead = true
            }
            if isMet { return }
            if !hasRead { await bell.wait() }
        }
    }

    /// Reads on until it has written a line, and returns the last one.
    func line() async -> String {
        await wait { output.last == UInt8(ascii: "\n") }
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }

    var text: String { String(decoding: output, as: UTF8.self) }

    /// Waits until nothing of it runs.
    func result() async -> RunResult {
        await wait { program.isDone }
        var result = RunResult()
        result.courseWhenDone = program.course
        await wait { program.course == .over }
        // Whoever may write from here on is not the program.
        outputs.0.endBehindWhatIsThere()
        outputs.1.endBehindWhatIsThere()
        await wait { true }
        result.output = text
        result.errorOutput = String(decoding: errorOutput, as: UTF8.self)
        result.end = program.end
        result.leftEnded = program.leftEnded
        return result
    }
}

/// Rings until it is released.
private final class Metronome: EventSource {
    private let pause: Duration
    private let body: () -> Void

    init(every pause: Duration, on loop: EventLoop, _ body: @escaping () -> Void) {
        (self.pause, self.body) = (pause, body)
        super.init(loop: loop)
        expired()
    }

    override func expired() {
        setDue(loop.now + pause)
        body()
    }
}

/// A line of the shell's, or of bash's.
func shell(
    _ script: String, by path: String = "/bin/sh",
    environment: [String: String] = ["PATH": "/usr/bin:/bin"], directory: String = "/",
    umask: UInt32 = 0o077, takesInput: Bool = false, grace: Duration = .seconds(20),
    isBackground: Bool = false
) -> ProgramStart {
    ProgramStart(
        path: path, arguments: ["-c", script], environment: environment, directory: directory,
        umask: umask, takesInput: takesInput, grace: grace, isBackground: isBackground)
}

/// Runs a line of the shell's to the end of all that it started.
func run(
    _ script: String, environment: [String: String] = ["PATH": "/usr/bin:/bin"],
    directory: String = "/", umask: UInt32 = 0o077, input: [UInt8]? = nil,
    grace: Duration = .seconds(20)
) async throws -> RunResult {
    try await onLoop { loop in
        let running = try await Running(
            shell(
                script, environment: environment, directory: directory, umask: umask,
                takesInput: input != nil, grace: grace), loop: loop)
        if let input {
            running.input?.write(input.span)
            running.input?.finish()
        }
        return await running.result()
    }
}

/// The state of a process (proc(5)); nil if there is none with that ID.
func state(of pid: Int32) -> Character? {
    guard let file = unsafe fopen("/proc/\(pid)/stat", "r") else { return nil }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    guard unsafe fgets(&line, 512, file) != nil else { return nil }
    let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.split(separator: ")").last?.dropFirst().first
}

/// Whether a process runs. One that ended may be a zombie of a process that is not ours.
func isAlive(_ pid: Int32) -> Bool {
    let state = state(of: pid)
    return state != nil && state != "Z" && state != "X"
}

extension String {
    /// Without the line's end.
    var line: String { split(separator: "\n").joined(separator: "\n") }

    /// The numbers of its lines.
    var numbers: [Int32] { split(whereSeparator: { $0.isWhitespace }).compactMap { Int32($0) } }
}

/// - Returns: whether there was something.
private func read(_ pipe: PipeReader, _ bytes: inout [UInt8]) -> Bool {
    let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
        var span = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
        _ = pipe.read(into: &span, cutting: 65_536, after: 0)
        count = unsafe span.finalize(for: buffer)
    }
    bytes += chunk
    return !chunk.isEmpty
}
