// What is held back for files.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import System
@testable import TestSupport

/// Where descriptors are counted, in a process whose descriptors are its own to count.
@Suite(.timeLimit(.minutes(1)))
struct DescriptorReserveTests {
    @Test func whatIsLent_isLeftForFiles_byWhoeverAsksFirst() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spares = await Spares(limit: 64)
            reserve.hold(loops: 2)
            spares.takeAll(but: 3)
            reserve.lend()
            // 8 were held, 3 are free beside them.
            precondition(reserve.beginTaking(3))
            // What is promised is free no more, whether or not it is taken yet.
            precondition(!reserve.beginTaking(1))
            reserve.endTaking(3)
            precondition(spares.take(8 + 3) == 8 + 3)
        }
    }

    @Test func whatIsHeld_isNobodyElses() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spares = await Spares(limit: 64)
            reserve.hold(loops: 2)
            spares.takeAll(but: 0)
            // Whoever asks meanwhile finds out by themselves.
            precondition(reserve.beginTaking(1))
            precondition(spares.take(1) == 0)
            reserve.endTaking(1)
            reserve.lend()
            precondition(spares.take(8) == 8)
        }
    }

    @Test func whatIsLent_isNotTakenBackBeforeItsTime() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spares = await Spares(limit: 64)
            reserve.hold(loops: 2)
            reserve.lend()
            // A descriptor that becomes free meanwhile has the reserve filled.
            precondition(!reserve.fill())
            spares.takeAll(but: 5)
            precondition(!reserve.takeBack())
            precondition(spares.take(1) == 0)
            spares.giveAll()
            precondition(reserve.fill())
        }
    }

    @Test func whereThereIsLess_itDoesWithWhatThereIs() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spares = await Spares(limit: 64)
            spares.takeAll(but: 5)
            reserve.hold(loops: 2)
            precondition(spares.take(1) == 0)
            reserve.lend()
            precondition(reserve.takeBack())
        }
    }

    @Test func lending_waitsForThoseWhoAreTaking() throws {
        let reserve = DescriptorReserve()
        defer { reserve.lend() }
        reserve.hold(loops: 2)
        #expect(reserve.beginTaking(4))
        let hasTaken = Flag()
        let taker = try startThread {
            // Whoever lends meanwhile would be through.
            for _ in 0..<10_000 { sched_yield() }
            hasTaken.value.store(true, ordering: .sequentiallyConsistent)
            reserve.endTaking(4)
        }
        reserve.lend()
        let wasTaken = hasTaken.value.load(ordering: .sequentiallyConsistent)
        #expect(wasTaken)
        pthread_join(taker, nil)
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }
}
