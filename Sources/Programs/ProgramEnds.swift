// The other ends of a program's pipes.
// SPDX-License-Identifier: Apache-2.0
public import System

/// Where a program's input is written and its output is read: three descriptors, for whoever moves the
/// bytes. None of them blocks. They are closed with it.
@frozen
public struct ProgramEnds: ~Copyable, Sendable {
    /// The writing end of its standard input; nil if it takes none.
    public var input: Descriptor?
    /// The reading end of its standard output.
    public var output: Descriptor
    /// The reading end of its standard error.
    public var errorOutput: Descriptor

    /// Takes them over.
    public init(
        output: consuming Descriptor, errorOutput: consuming Descriptor,
        input: consuming Descriptor?
    ) {
        self.output = output
        self.errorOutput = errorOutput
        self.input = input
    }
}
