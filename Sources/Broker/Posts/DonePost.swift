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
        let (kind, number) = (try reader.readUInt8(), try reader.readUInt8())
        switch (kind, number) {
        case (0, let status): outcome = .ended(.status(status))
        case (1, let signal): outcome = .ended(.signal(signal))
        case (2, 0): outcome = .timedOut
        case (3, 0): outcome = .overOutput
        case (4, 0): outcome = .leftRunning
        case (5, 0): outcome = .refused(try Refusal(reading: &reader))
        default: throw reader.malformed("names an unknown kind of end")
        }
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        let (kind, number): (UInt8, UInt8) =
            switch outcome {
            case .ended(.status(let status)): (0, status)
            case .ended(.signal(let signal)): (1, signal)
            case .timedOut: (2, 0)
            case .overOutput: (3, 0)
            case .leftRunning: (4, 0)
            case .refused: (5, 0)
            }
        writer.add(kind)
        writer.add(number)
        if case .refused(let refusal) = outcome { refusal.write(to: &writer) }
    }
}
