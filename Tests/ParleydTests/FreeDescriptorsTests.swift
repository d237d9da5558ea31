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
        woken.descriptors.noteReserve(isWhole: true)
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

    @Test func aReserveThatIsNotWhole_isWokenUntilItIs() {
        let woken = Woken()
        woken.descriptors.noteReserve(isWhole: false)
        woken.descriptors.freed()
        #expect(woken.count == 1)
        woken.descriptors.noteReserve(isWhole: true)
        #expect(woken.count == 2)
        woken.descriptors.freed()
        #expect(woken.count == 2)
    }

    @Test func theEndOfReading_wakesWhoHasNotAccepted() {
        let woken = Woken()
        woken.descriptors.keepForFiles()
        #expect(woken.descriptors.areForFiles)
        #expect(woken.count == 0)
        woken.descriptors.filesAreRead()
        #expect(!woken.descriptors.areForFiles)
        #expect(woken.count == 1)
    }

    @Test(arguments: [false, true], [false, true])
    func nobodyAccepts_whileFilesAreRead_orTheReserveIsNotWhole(_ isReading: Bool, _ isWhole: Bool)
    {
        let descriptors = FreeDescriptors()
        if isReading { descriptors.keepForFiles() }
        descriptors.noteReserve(isWhole: isWhole)
        #expect(descriptors.mayBeAccepted == (!isReading && isWhole))
    }

    @Test func aReserveThatIsWholeAgain_wakesWhoHasNotAccepted() {
        let woken = Woken()
        woken.descriptors.noteReserve(isWhole: false)
        #expect(woken.count == 0)
        woken.descriptors.noteReserve(isWhole: true)
        woken.descriptors.noteReserve(isWhole: true)
        #expect(woken.count == 1)
    }
}
