// What the programs write to standard error, line by line.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Sockets
internal import System

/// Writes lines with the program's name in front; what a peer sent can't break a line or reach
/// the terminal raw. Confined to its loop.
public final class Log {
    /// What each line begins with.
    private let beginning: [UInt8]
    /// Standard error, for anything else that goes there in order.
    public let output: Output

    private let isRed = Colour.isWanted(on: 2)

    public init(program: String, loop: EventLoop) {
        beginning = Array("\(program): ".utf8)
        output = Output(.error, loop: loop)
    }

    /// Writes a sentence on something that went wrong, in red where the terminal has it.
    public func writeFailure(_ sentence: String) { write(sentence, isFailure: true) }

    public func write(_ sentence: String) { write(sentence, isFailure: false) }

    private func write(_ sentence: String, isFailure: Bool) {
        let start = output.position
        if isFailure, isRed { output.write(Colour.red.utf8) }
        output.write(beginning)
        var text = printable(sentence)
        // As a collection, so that it doesn't count as the output whose line may be unfinished.
        text.withUTF8 { unsafe output.write($0) }
        if isFailure, isRed { output.write(Colour.none.utf8) }
        output.endLine(from: start)
    }

    /// A sentence in UTF-8, as far as it is.
    package func write(_ sentence: Span<UInt8>) {
        guard isPrintableASCII(sentence) else { return write(String(repairing: sentence)) }
        let start = output.position
        output.write(beginning)
        unsafe sentence.withUnsafeBufferPointer { unsafe output.write($0) }
        output.endLine(from: start)
    }

    public func flush() { output.flush() }

    /// Writes the last message before the process ends, without a loop.
    public static func end(_ program: String, _ sentence: String, status: Int32) -> Never {
        write(program, sentence)
        exit(status)
    }

    /// Writes a line at once, where no loop runs.
    public static func write(_ program: String, _ sentence: String) {
        let line = Array((line(program, sentence) + "\n").utf8)
        unsafe Glibc.write(2, line, line.count)
    }

    private static func line(_ program: String, _ sentence: String) -> String {
        "\(program): \(printable(sentence))"
    }
}
