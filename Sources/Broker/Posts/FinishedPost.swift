// A program has ended, with all that it wrote.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// From the broker: the whole answer to a run whose program is over, or was not started. The network process has none
/// of its pipes, and reports nothing about it.
package struct FinishedPost: Message, Equatable {
    package static var kind: PostKind { .finished }

    package var handle: Handle
    /// For the client.
    package var outcome: Outcome
    package var output: [UInt8]
    package var errorOutput: [UInt8]

    package init(handle: Handle, outcome: Outcome, output: [UInt8], errorOutput: [UInt8]) {
        self.handle = handle
        self.outcome = outcome
        self.output = output
        self.errorOutput = errorOutput
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        outcome = try Outcome(reading: &reader)
        output = try reader.bytes(atMost: Self.limit)
        errorOutput = try reader.bytes(atMost: Self.limit - output.count)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        outcome.write(to: &writer)
        writer.add(bytes: output)
        writer.add(bytes: errorOutput)
    }

    /// How much a program may have written, in bytes: what fits into a record for the client. More is not worth copying
    /// twice more.
    static let limit = 16_000
}
