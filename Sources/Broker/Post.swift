// A message that has come, with its descriptors.
// SPDX-License-Identifier: Apache-2.0

/// A message that has come on a `PostChannel`. Descriptors that nobody has taken are closed with it.
package struct Post: ~Copyable {
    /// All of it, its type included.
    package let bytes: [UInt8]
    /// What it says, as far as it was not read yet.
    package var packet: PacketReader
    private var descriptors: Descriptors

    init(_ bytes: [UInt8], _ descriptors: consuming Descriptors) throws(PacketError) {
        packet = try PacketReader(bytes)
        self.bytes = bytes
        self.descriptors = descriptors
    }

    /// How many descriptors came with it, and were not taken.
    package var descriptorCount: Int { descriptors.count }

    /// Takes its descriptors.
    ///
    /// - Parameter count: how many a message of its type must have, which may be none.
    /// - Throws: `descriptors` where it has another number; `descriptorsExhausted` where this process can have no
    ///   more, which is nobody's fault: the message is a good one otherwise.
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
    /// It can't be used any more.
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
