// The descriptors of a message.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
package import System

/// Descriptors that go with a message, in their order; those that nobody takes are closed when it is gone.
package struct Descriptors: ~Copyable, Sendable {
    /// How many a message may have: the pipes of a program.
    package static let most = Int(PARLEY_PACKET_DESCRIPTORS)

    private var numbers: [Int32]
    /// Some came, which this process could not have, so that none of them is here.
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

    /// Stands for those that could not be had.
    static func lost() -> Descriptors {
        var lost = Descriptors()
        lost.areLost = true
        return lost
    }

    /// Takes over what has come in a packet.
    init(owning numbers: some Sequence<Int32>) {
        self.numbers = Array(numbers)
    }

    deinit {
        for number in numbers { _ = Descriptor(owning: number) }
    }

    package var count: Int { numbers.count }
    package var isEmpty: Bool { numbers.isEmpty && !areLost }

    /// Adds an open descriptor; there may be no more than `most`.
    package mutating func add(_ descriptor: consuming Descriptor) {
        precondition(descriptor.number >= 0 && count < Self.most)
        numbers.append(descriptor.release())
    }

    /// Takes the first one; there must be one.
    package mutating func removeFirst() -> Descriptor {
        Descriptor(owning: numbers.removeFirst())
    }

    /// Takes all of them; none is left.
    package mutating func takeAll() -> Descriptors {
        var all = Descriptors()
        swap(&all, &self)
        return all
    }

    /// The numbers, valid during the call.
    borrowing func withNumbers<R>(_ body: ([Int32]) -> R) -> R { body(numbers) }
}
