// The pipes of a program that is about to be started.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Sockets
internal import System

/// A program's standard input and outputs, created before it.
public struct ProgramPipes: ~Copyable {
    /// What the program gets: what it reads, and what it writes to.
    let input: Descriptor
    let output: Descriptor
    let errorOutput: Descriptor
    /// The other ends.
    public let ends: PipeEnds

    /// - Parameter takesInput: otherwise its standard input is at its end at once.
    /// - Throws: `descriptorsExhausted`.
    public init(takesInput: Bool) throws(StreamError) {
        let output = try Pipe()
        let errorOutput = try Pipe()
        let input = takesInput ? try Pipe() : nil
        let inputEnd: Descriptor
        var inputWriter: Descriptor?
        if let input {
            inputEnd = input.takeReader()
            let writer = input.takeWriter()
            unblock(writer)
            inputWriter = consume writer
        } else {
            inputEnd = try Self.nothing()
        }
        self.input = inputEnd
        self.output = output.takeWriter()
        self.errorOutput = errorOutput.takeWriter()
        ends = PipeEnds(
            output: output.takeReader(), errorOutput: errorOutput.takeReader(), input: inputWriter)
    }

    private static func nothing() throws(StreamError) -> Descriptor {
        let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw StreamError("cannot open /dev/null", errno: errno) }
        return Descriptor(owning: number)
    }
}
