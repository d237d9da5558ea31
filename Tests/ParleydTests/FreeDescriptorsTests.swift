// Who is woken when descriptors are free again, and who may take them.
// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import parleyd

@Suite struct FreeDescriptorsTests {
    /// Descriptors whose wakings are counted.
    private final class Woken: Sendable {
        let descriptors = FreeDescriptors()
        private let times = Atomic<Int>(0)

        init() {
            descriptors.whenFree { [unowned self] in times.add(1, ordering: .relaxed) }
        }

        var count: Int { times.load(ordering: .relaxed) }
    }

    @Test func whereNobodyWaits_nobodyIsWoken() {
        let woken = Woken()
        woken.descriptors.freed()
        #expect(woken.count == 0)
    }

    @Test func aPausedListener_isWokenUntilItGoesOn() {
        let woken = Woken()
        woken.descriptors.notePause(true)
        woken.descriptors.notePause(true)
        woken.descriptors.notePause(false)
        woken.descriptors.freed()
        #expect(woken.count == 1)
        woken.descriptors.notePause(false)
        woken.descriptors.freed()
        #expect(woken.count == 1)
    }
}
