// A program is done.
// SPDX-License-Identifier: Apache-2.0
package import Remote
internal import System

/// From the broker: nothing more is to be waited for except what is in the program's pipes now. A
/// `ToldPost` answers it.
package struct DonePost: Message, Equatable {
    package static var kind: PostKind { .done }

    package var handle: Handle
    /// For the client.
    package var outcome: Outcome

    package init(handle: Handle, outcome: Outcome) {
        self.handle = handle
        self.outcome = outcome
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        outcome = try Outcome(reading: &reader)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        outcome.write(to: &writer)
    }
}

extension Outcome {
    init(reading reader: inout PacketReader) throws(PacketError) {
        let (kind, number) = (try reader.readUInt8(), try reader.readUInt8())
        switch (kind, number) {
        case (0, let status): self = .ended(.status(status))
        case (1, let signal): self = .ended(.signal(signal))
        case (2, 0): self = .timedOut
        case (3, 0): self = .overOutput
        case (4, 0): self = .leftRunning
        case (5, 0): self = .refused(try Refusal(reading: &reader))
        default: throw reader.malformed("names an unknown kind of end")
        }
    }

    func write(to writer: inout PacketWriter) {
        let (kind, number): (UInt8, UInt8) =
            switch self {
            case .ended(.status(let status)): (0, status)
            case .ended(.signal(let signal)): (1, signal)
            case .timedOut: (2, 0)
            case .overOutput: (3, 0)
            case .leftRunning: (4, 0)
            case .refused: (5, 0)
            }
        writer.add(kind)
        writer.add(number)
        if case .refused(let refusal) = self { refusal.write(to: &writer) }
    }
}
