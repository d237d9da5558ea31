// The pipes of a program that is about to be started.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Sockets
internal import System

/// A program's standard input and outputs, created before it: whoever moves its bytes can have the other
/// ends first, so that nothing runs whose output nobody can receive.
public struct ProgramPipes: ~Copyable {
    /// What the program gets: what it reads, and what it writes to.
    let input: Descriptor
    let output: Descriptor
    let errorOutput: Descriptor
    /// Copies of the reading ends, which show whether anybody may still write.
    let copies: Copies
    private var ends: ProgramEnds?

    struct Copies: ~Copyable {
        let output: Descriptor
        let errorOutput: Descriptor
    }

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
        let outputReader = output.takeReader()
        let errorReader = errorOutput.takeReader()
        unblock(outputReader)
        unblock(errorReader)
        let outputCopy = try Self.copy(outputReader)
        let errorCopy = try Self.copy(errorReader)
        self.input = inputEnd
        self.output = output.takeWriter()
        self.errorOutput = errorOutput.takeWriter()
        copies = Copies(output: outputCopy, errorOutput: errorCopy)
        ends = ProgramEnds(output: outputReader, errorOutput: errorReader, input: inputWriter)
    }

    /// Hands out the other ends, once.
    public mutating func takeEnds() -> ProgramEnds { ends.take()! }

    private static func copy(_ reader: borrowing Descriptor) throws(StreamError) -> Descriptor {
        let copy = Descriptor(duplicating: reader.number)
        guard copy.number >= 0 else { throw StreamError("cannot watch a pipe", errno: errno) }
        return copy
    }

    private static func nothing() throws(StreamError) -> Descriptor {
        let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw StreamError("cannot open /dev/null", errno: errno) }
        return Descriptor(owning: number)
    }
}
