// Our ends of a program's pipes, until somebody else has them.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
public import System

/// The ends of a program's pipes that it does not have: whoever moves its bytes gets copies, or what is in them once
/// the program has ended. What it writes until then waits in the pipes. Confined to its loop.
public final class PipeEnds {
    let output: PipeEnd
    let errorOutput: PipeEnd
    private var input: Descriptor?

    /// Takes over the ends. The writing one must be non-blocking.
    init(
        output: consuming Descriptor, errorOutput: consuming Descriptor,
        input: consuming Descriptor?
    ) {
        self.output = PipeEnd(output)
        self.errorOutput = PipeEnd(errorOutput)
        self.input = input
    }

    /// Copies for whoever moves the bytes. The input is at its end once these and this are gone.
    ///
    /// - Throws: `descriptorsExhausted`.
    public func copies() throws(StreamError) -> ProgramEnds {
        let outputCopy = try output.copy()
        let errorCopy = try errorOutput.copy()
        // A property of the pipe's end, not of the descriptor.
        unblock(outputCopy)
        unblock(errorCopy)
        var inputCopy: Descriptor?
        if let number = input?.number { inputCopy = try copy(of: number) }
        return ProgramEnds(output: outputCopy, errorOutput: errorCopy, input: inputCopy)
    }

    /// Whether the program has written something.
    public var haveOutput: Bool { output.count > 0 || errorOutput.count > 0 }

    /// Takes everything that is in the two outputs, once the program is done: what others write after that is not its
    /// output. Not after `copies`: who has one can make a read of this one wait, since they are the same open file.
    ///
    /// - Parameter limit: in bytes, for both together.
    /// - Returns: nil, with nothing taken, if there is more.
    public func contents(atMost limit: Int) -> Contents? {
        let (count, errorCount) = (output.count, errorOutput.count)
        guard count + errorCount <= limit else { return nil }
        return Contents(output: output.read(count), errorOutput: errorOutput.read(errorCount))
    }

    /// What a program has written.
    public struct Contents {
        public var output: [UInt8] = []
        public var errorOutput: [UInt8] = []

        /// Nothing.
        public init() {}

        init(output: [UInt8], errorOutput: [UInt8]) {
            self.output = output
            self.errorOutput = errorOutput
        }
    }
}

/// The reading end of a pipe.
final class PipeEnd {
    private let descriptor: Descriptor
    private var state = State.open

    /// As of the last look.
    private enum State {
        /// Somebody may write to it.
        case open
        case ended(isEmpty: Bool)
    }

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    var number: Int32 { descriptor.number }

    func copy() throws(StreamError) -> Descriptor { try Programs.copy(of: number) }

    /// Finds out whether anybody may still write to it.
    ///
    /// - Returns: whether nobody can.
    func look() -> Bool {
        if case .ended = state { return true }
        var now = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&now, 1, 0) > 0, now.revents & ~Int16(POLLIN) != 0 else { return false }
        state = .ended(isEmpty: now.revents & Int16(POLLIN) == 0)
        return true
    }

    /// How much is in it, in bytes.
    var count: Int {
        if case .ended(isEmpty: true) = state { 0 } else { Int(parley_readable(number)) }
    }

    /// Reads so many of the bytes that are in it.
    func read(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        // Who has its other end can open it for reading as well (proc(5)), and may have taken them.
        unblock(descriptor)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let more = unsafe Glibc.read(number, buffer.baseAddress! + filled, count - filled)
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { return }
                filled += more
            }
        }
    }
}

private func copy(of number: Int32) throws(StreamError) -> Descriptor {
    let copy = Descriptor(duplicating: number)
    guard copy.number >= 0 else { throw StreamError("cannot hand on a pipe", errno: errno) }
    return copy
}
