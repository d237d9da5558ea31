// Something that a loop wakes: by an event on its descriptor or by its deadline.
// SPDX-License-Identifier: Apache-2.0

/// What a loop and its deadlines know about an `EventSource`. Confined to the loop's thread.
@safe
open class Wakeable {
    /// When `expired` is called, on the loop's clock.
    package internal(set) final var due = Moment.never
    /// The index in the loop's heap of deadlines; negative while there is no deadline.
    final var heapIndex = -1

    init() {}

    /// The descriptor has one of `events` (epoll(7)). What it calls must not free other sources.
    open func ready(_ events: Events) {}

    /// The deadline has passed. It is no longer set.
    open func expired() {}
}

/// A reference that does not keep its source alive; the source's `deinit` notifies its holder
/// before it dangles.
@safe
struct UnownedSource {
    private let reference: Unmanaged<Wakeable>

    init(_ source: Wakeable) {
        unsafe reference = .passUnretained(source)
    }

    var source: Wakeable { unsafe reference.takeUnretainedValue() }
}
