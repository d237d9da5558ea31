// The pipes of a program that is about to be started.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Sockets
public import System

/// A program's standard input and outputs, created before it.
public struct ProgramPipes: ~Copyable {
    /// What the program gets: what it reads, and what it writes to.
    let input: Descriptor
    let output: Descriptor
    let errorOutput: Descriptor
    /// The other ends.
    public let ends: PipeEnds

    /// - Parameters:
    ///   - takesInput: otherwise its standard input is at its end at once.
    ///   - user: whose the program is; nil for the user of this process.
    /// - Throws: `descriptorsExhausted`.
    public init(takesInput: Bool, user: UserNumbers? = nil) throws(StreamError) {
        let output = try Pipe()
        let errorOutput = try Pipe()
        let input = takesInput ? try Pipe() : nil
        if let user {
            // A pipe belongs to who made it, and nobody else could open it by a name such as /dev/stderr. Where it
            // can't be given away, the program has it open all the same.
            output.give(to: user)
            errorOutput.give(to: user)
            input?.give(to: user)
        }
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
