// The operator's lines.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: asks the operator for a line of standard input, which only the broker has. A
/// `LinePost` answers it. Only one line is asked for at a time.
package struct AskPost: Message, Equatable {
    package static var kind: PostKind { .ask }

    /// The longest line, in bytes; for a longer one, one more byte is sent.
    package var limit: UInt32

    package init(limit: Int) { self.limit = UInt32(clamping: limit) }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        limit = try reader.readUInt32()
        guard limit <= Longest.name else {
            throw reader.malformed("asks for a line longer than the limit")
        }
    }

    package func write(to writer: inout PacketWriter) { writer.add(limit) }
}

/// From the network process: the line that was asked for is no longer needed. It is answered all the same.
package struct AskNoMorePost: Message, Equatable {
    package static var kind: PostKind { .askNoMore }

    package init() {}
    package init(reading reader: inout PacketReader) throws(PacketError) {}
    package func write(to writer: inout PacketWriter) {}
}

/// From the broker: the result of an `AskPost`.
package struct LinePost: Message, Equatable {
    package static var kind: PostKind { .line }

    package enum Result: Equatable, Sendable {
        case line([UInt8])
        /// The end of input.
        case end
        /// It was no longer needed, and nothing was read.
        case withdrawn
        /// Standard input can't be read, for the reason in the sentence.
        case failed(String)
    }

    package var result: Result

    package init(_ result: Result) { self.result = result }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        switch try reader.readUInt8() {
        case 1: result = .line(try reader.bytes(atMost: Longest.name + 1))
        case 2: result = .end
        case 4: result = .withdrawn
        case 3: result = .failed(try reader.text(atMost: Longest.sentence))
        default: throw reader.malformed("is neither a line nor the end of input")
        }
    }

    package func write(to writer: inout PacketWriter) {
        switch result {
        case .line(let line):
            writer.add(UInt8(1))
            writer.add(bytes: line)
        case .end: writer.add(UInt8(2))
        case .withdrawn: writer.add(UInt8(4))
        case .failed(let sentence):
            writer.add(UInt8(3))
            writer.add(sentence: sentence)
        }
    }
}
