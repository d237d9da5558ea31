// Whether a network process has room for descriptors.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What a network process has lately said of its descriptors. A program whose pipes it can't take is ended, so none is
/// started while that is likely. Confined to the broker's loop.
final class DescriptorShortage {
    private let memory: Duration
    private var last: Moment?

    /// - Parameter memory: how long a shortage is likely to last.
    init(_ memory: Duration) { self.memory = memory }

    /// There was no room for some.
    func note() { last = .now }

    /// There was none a moment ago.
    var isLikely: Bool { last.map { Moment.now - $0 < memory } ?? false }
}
