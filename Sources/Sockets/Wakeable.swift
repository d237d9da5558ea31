// What a loop wakes: by an event on its descriptor or by its deadline.
// SPDX-License-Identifier: Apache-2.0

/// What a loop and its deadlines know of an `EventSource`. Confined to the loop's thread.
@safe
open class Wakeable {
    /// When `expired` is called, on the loop's clock.
    package internal(set) final var due = Moment.never
    /// The place in the loop's heap of deadlines; below zero while there is no deadline.
    final var heapIndex = -1

    init() {}

    /// The descriptor has one of `events` (epoll(7)). What it calls must not free other sources.
    open func ready(_ events: Events) {}

    /// The deadline has come. It is not set any more.
    open func expired() {}
}

/// A reference that does not keep its source alive; whoever stores one is told by the source's
/// `deinit` before it dangles.
@safe
struct UnownedSource {
    private let reference: Unmanaged<Wakeable>

    init(_ source: Wakeable) {
        unsafe reference = .passUnretained(source)
    }

    var source: Wakeable { unsafe reference.takeUnretainedValue() }
}
