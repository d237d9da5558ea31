// What a command reads from its standard input.
// SPDX-License-Identifier: Apache-2.0

/// A command's standard input. Nothing is taken from it unless the command takes input, and then only as fast as the
/// program reads.
public struct Input: Sendable {
    enum Kind: Sendable {
        case bytes([UInt8])
        case pump(@Sendable (InputSink) async -> Void)
    }

    let kind: Kind

    /// No input: the program reads an end at once.
    public static let none = Input.bytes([])

    /// These bytes, and then the end.
    public static func bytes(_ bytes: [UInt8]) -> Input { Input(kind: .bytes(bytes)) }

    /// The pieces of a sequence, and then the end. The sequence is iterated in a task of its own, which is cancelled
    /// when the command ends first; what it throws becomes ``ParleyError/inputFailed(_:_:)``.
    public static func pieces<Pieces: AsyncSequence & Sendable>(_ pieces: Pieces) -> Input
    where Pieces.Element == [UInt8] {
        Input(
            kind: .pump { sink in
                do {
                    for try await piece in pieces {
                        guard await sink.offer(piece) else { return }
                    }
                    sink.end(nil)
                } catch {
                    sink.end(error)
                }
            })
    }
}

/// Where a pump delivers.
struct InputSink: Sendable {
    /// Waits until the piece is used up; false if no more is wanted.
    let offer: @Sendable ([UInt8]) async -> Bool
    /// There is no more, because of an error if there is one.
    let end: @Sendable ((any Error)?) -> Void
}
