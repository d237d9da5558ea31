// What a loop wakes: by an event on its descriptor or by its deadline.
// SPDX-License-Identifier: Apache-2.0

/// Something that belongs to one event loop, which calls it when its descriptor is ready and when
/// its deadline has come. All of it is confined to the loop's thread.
@safe
open class EventSource: @unchecked Sendable {
    public final let loop: EventLoop
    /// When `expired` is called, on the loop's clock in nanoseconds.
    package internal(set) final var due: UInt64 = .max
    /// The place in the loop's heap of deadlines; below zero while there is no deadline.
    final var heapIndex = -1

    public init(loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        // A loop holds its sources unowned; one that died on another thread would leave a
        // dangling reference behind.
        assert(heapIndex < 0 || loop.isMine)
        if heapIndex >= 0 { loop.deadlines.remove(self) }
    }

    /// The descriptor has one of `events` (epoll(7)). What it calls must not free other sources.
    open func ready(_ events: Events) {}

    /// The deadline has come. It is not set any more.
    open func expired() {}

    /// Asks for `expired` at a time on the loop's clock; a later call replaces it.
    public final func setDue(_ time: UInt64) {
        loop.deadlines.remove(self)
        due = time
        loop.deadlines.insert(self)
    }

    /// Takes the deadline back.
    public final func clearDue() {
        loop.deadlines.remove(self)
    }
}
