// A member of one loop, with a descriptor or a deadline there.
// SPDX-License-Identifier: Apache-2.0

/// Something that belongs to one event loop, which calls it when its descriptor is ready and when
/// its deadline has come. All of it is confined to the loop's thread.
@safe
open class EventSource: Wakeable {
    public final let loop: EventLoop

    public init(loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        // A loop holds its sources unowned; one that died on another thread would leave a
        // dangling reference behind.
        assert(heapIndex < 0 || loop.isMine)
        if heapIndex >= 0 { loop.deadlines.remove(self) }
    }

    /// Schedules `expired` at a time on the loop's clock; a later call replaces it.
    public final func setDue(_ time: Moment) {
        assert(loop.isMine)
        loop.deadlines.remove(self)
        due = time
        loop.deadlines.insert(self)
    }

    /// Cancels the deadline.
    public final func clearDue() {
        assert(loop.isMine)
        loop.deadlines.remove(self)
    }
}
