// The descriptors of a message.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
package import System

/// Descriptors that are sent with a message, in order; those that nobody takes are closed with it.
package struct Descriptors: ~Copyable, Sendable {
    /// How many a message may have: as many as a program has pipes.
    package static let limit = Int(PARLEY_PACKET_DESCRIPTORS)

    private var numbers: [Int32]
    /// Some arrived that this process could not accept, so none of them is here.
    private(set) var areLost = false

    /// None.
    package init() {
        numbers = []
    }

    /// One.
    package init(_ descriptor: consuming Descriptor) {
        self.init()
        add(descriptor)
    }

    /// Stands for descriptors that could not be accepted.
    static func lost() -> Descriptors {
        var lost = Descriptors()
        lost.areLost = true
        return lost
    }

    /// Takes over what arrived with a packet.
    init(owning numbers: some Sequence<Int32>) {
        self.numbers = Array(numbers)
    }

    deinit {
        for number in numbers { _ = Descriptor(owning: number) }
    }

    package var count: Int { numbers.count }
    package var isEmpty: Bool { numbers.isEmpty && !areLost }

    /// Adds an open descriptor; there may be at most `limit`.
    package mutating func add(_ descriptor: consuming Descriptor) {
        precondition(descriptor.number >= 0 && count < Self.limit)
        numbers.append(descriptor.release())
    }

    /// Takes the first one; there must be one.
    package mutating func removeFirst() -> Descriptor {
        Descriptor(owning: numbers.removeFirst())
    }

    /// Takes all of them, leaving none.
    package mutating func takeAll() -> Descriptors {
        var all = Descriptors()
        swap(&all, &self)
        return all
    }

    /// Their numbers, valid during the call.
    borrowing func withNumbers<R>(_ body: ([Int32]) -> R) -> R { body(numbers) }
}
