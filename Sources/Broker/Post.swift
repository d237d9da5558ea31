// A message that has arrived, with its descriptors.
// SPDX-License-Identifier: Apache-2.0

/// A message that has arrived on a `PostChannel`. Descriptors that nobody has taken are closed with
/// it.
package struct Post: ~Copyable {
    /// All of it, including its type.
    package let bytes: [UInt8]
    /// The part that has not been read yet.
    package var packet: PacketReader
    private var descriptors: Descriptors

    init(_ bytes: [UInt8], _ descriptors: consuming Descriptors) throws(PacketError) {
        packet = try PacketReader(bytes)
        self.bytes = bytes
        self.descriptors = descriptors
    }

    /// How many descriptors came with it and were not taken.
    package var descriptorCount: Int { descriptors.count }

    /// Takes its descriptors.
    ///
    /// - Parameter count: how many a message of its type must have; may be zero.
    /// - Throws: `descriptors` if it has another number; `descriptorsExhausted` if this process can't have more,
    ///   which is nobody's fault: the message is otherwise valid.
    package mutating func takeDescriptors(_ count: Int) throws(PacketError) -> Descriptors {
        guard !descriptors.areLost else {
            throw PacketError(
                .descriptorsExhausted,
                "the other process sent descriptors, but this one cannot have any more")
        }
        guard descriptors.count == count else {
            throw PacketError(
                .descriptors,
                "a message of type \(packet.type) from the other process came with \(descriptors.count) descriptors instead of \(count)"
            )
        }
        return descriptors.takeAll()
    }
}

/// How a `PostChannel` ended.
package enum PostEnd: Sendable, Equatable {
    /// The other end was closed, or its process has ended.
    case closed
    /// It can no longer be used.
    case failed(PacketError)
}

extension PostEnd {
    /// Why, for the end of a sentence.
    package var reason: String {
        switch self {
        case .closed: "its other end was closed"
        case .failed(let error): error.sentence
        }
    }
}
