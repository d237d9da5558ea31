// The heap of deadlines, against a sorted list.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct DeadlineHeapTests {
    @Test(arguments: [0, 1, 2, 3, 4, 7, 100, 1_000])
    func popDue_returnsTheSoonest_whateverTheOrderOfInsertion(count: Int) throws {
        let loop = try EventLoop()
        var random = SplitMix(state: UInt64(count))
        var heap = DeadlineHeap()
        let dues = (0..<count).map { _ in random.next() % 500 }
        // The heap holds its sources unowned.
        let sources = dues.map { source(loop, due: $0) }
        for source in sources { heap.insert(source) }
        #expect(heap.first?.nanoseconds == dues.min())
        var popped: [UInt64] = []
        while let source = heap.popDue(at: .never) {
            popped.append(source.due.nanoseconds)
        }
        #expect(popped == dues.sorted())
        #expect(heap.first == nil)
        #expect(sources.allSatisfy { $0.heapIndex < 0 })
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func everyStep_matchesASortedModel_withRemovalAndReinsertion(seed: UInt64) throws {
        let loop = try EventLoop()
        var random = SplitMix(state: seed)
        var heap = DeadlineHeap()
        let sources = (0..<60).map { _ in source(loop, due: 0) }
        var present: Set<Int> = []
        for _ in 0..<5_000 {
            let index = Int(random.next() % UInt64(sources.count))
            switch random.next() % 4 {
            case 0:
                heap.remove(sources[index])
                present.remove(index)
            case 1:
                let time = Moment(nanoseconds: random.next() % 1_000)
                let least = present.map { sources[$0].due }.min()
                let popped = heap.popDue(at: time)
                if let least, least <= time {
                    #expect(popped?.due == least)
                    present = present.filter { sources[$0] !== popped }
                } else {
                    #expect(popped == nil)
                }
            default:
                heap.remove(sources[index])
                sources[index].due = Moment(nanoseconds: random.next() % 1_000)
                heap.insert(sources[index])
                present.insert(index)
            }
            #expect(heap.first == present.map { sources[$0].due }.min())
        }
        for source in sources { heap.remove(source) }
        #expect(heap.first == nil)
    }

    @Test func popDue_returnsNil_beforeTheTime() throws {
        let loop = try EventLoop()
        var heap = DeadlineHeap()
        let only = source(loop, due: 10)
        heap.insert(only)
        #expect(heap.popDue(at: Moment(nanoseconds: 9)) == nil)
        #expect(heap.popDue(at: Moment(nanoseconds: 10)) === only)
        #expect(heap.popDue(at: Moment(nanoseconds: 10)) == nil)
    }

    @Test func remove_doesNothing_forASourceThatIsNotIn() throws {
        let loop = try EventLoop()
        var heap = DeadlineHeap()
        let present = source(loop, due: 1)
        let absent = source(loop, due: 0)
        heap.insert(present)
        heap.remove(absent)
        #expect(heap.popDue(at: Moment(nanoseconds: 1)) === present)
        heap.remove(present)
        #expect(heap.first == nil)
    }

    private func source(_ loop: EventLoop, due: UInt64) -> EventSource {
        let source = EventSource(loop: loop)
        source.due = Moment(nanoseconds: due)
        return source
    }
}
