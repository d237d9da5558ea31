// Whether a network process has room for descriptors.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What a network process has lately said of its descriptors. A program whose pipes it can't take is ended, so none is
/// started while that is likely. Confined to the broker's loop.
final class DescriptorShortage {
    private var last: Moment?

    /// There was no room for some.
    func note() { last = .now }

    /// There was none a moment ago.
    var isLikely: Bool { last.map { Moment.now - $0 < Self.memory } ?? false }

    private static let memory = Duration.milliseconds(200)
}
