// The deadlines of one loop, soonest first.
// SPDX-License-Identifier: Apache-2.0

/// A binary heap of sources by their `due`; each source knows its index, so that it can be removed.
/// It holds them unowned: a source removes itself in its `deinit`.
struct DeadlineHeap {
    private var heap: [UnownedSource] = []

    /// When the first one is due.
    var first: Moment? {
        heap.first?.source.due
    }

    mutating func insert(_ source: Wakeable) {
        heap.append(UnownedSource(source))
        source.heapIndex = heap.count - 1
        rise(heap.count - 1)
    }

    mutating func remove(_ source: Wakeable) {
        let index = source.heapIndex
        guard index >= 0 else { return }
        source.heapIndex = -1
        let last = heap.removeLast()
        guard index < heap.count else { return }
        heap[index] = last
        last.source.heapIndex = index
        rise(index)
        sink(index)
    }

    /// Takes the first one out if it is due at `time`.
    mutating func popDue(at time: Moment) -> Wakeable? {
        guard let first, first <= time else { return nil }
        let source = heap[0].source
        remove(source)
        return source
    }

    private func due(_ index: Int) -> Moment {
        heap[index].source.due
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0, due(index) < due((index - 1) / 2) {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in (2 * index + 1)...(2 * index + 2)
            where child < heap.count && due(child) < due(least) {
                least = child
            }
            guard least != index else { return }
            swap(index, least)
            index = least
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        heap[a].source.heapIndex = a
        heap[b].source.heapIndex = b
    }
}
