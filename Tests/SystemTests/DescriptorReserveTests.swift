// What is held back for files.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import System

/// Where descriptors are counted, in a process whose descriptors are its own to count.
@Suite(.timeLimit(.minutes(1)))
struct DescriptorReserveTests {
    @Test func whatIsLent_isLeftForFiles_byWhoeverAsksFirst() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spare = Spare(limit: 64)
            reserve.hold(loops: 2)
            spare.takeAll(but: 3)
            reserve.lend()
            // 8 were held, 3 are free beside them.
            precondition(reserve.beginTaking(3))
            // What is promised is free no more, whether or not it is taken yet.
            precondition(!reserve.beginTaking(1))
            reserve.endTaking(3)
            precondition(spare.open(8 + 3) == 8 + 3)
        }
    }

    @Test func whatIsHeld_isNobodyElses() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spare = Spare(limit: 64)
            reserve.hold(loops: 2)
            spare.takeAll(but: 0)
            // Whoever asks meanwhile finds out by themselves.
            precondition(reserve.beginTaking(1))
            precondition(spare.open(1) == 0)
            reserve.endTaking(1)
            reserve.lend()
            precondition(spare.open(8) == 8)
        }
    }

    @Test func whatIsLent_isNotTakenBackBeforeItsTime() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spare = Spare(limit: 64)
            reserve.hold(loops: 2)
            reserve.lend()
            // A descriptor that becomes free meanwhile has the reserve filled.
            precondition(!reserve.fill())
            spare.takeAll(but: 5)
            precondition(!reserve.takeBack())
            precondition(spare.open(1) == 0)
            spare.giveAll()
            precondition(reserve.fill())
        }
    }

    @Test func whereThereIsLess_itDoesWithWhatThereIs() async {
        await #expect(processExitsWith: .success) {
            let reserve = DescriptorReserve()
            let spare = Spare(limit: 64)
            spare.takeAll(but: 5)
            reserve.hold(loops: 2)
            precondition(spare.open(1) == 0)
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

/// All the descriptors that a process may still have.
private final class Spare: @unchecked Sendable {
    private var taken: [Int32] = []

    init(limit: UInt) {
        var limits = rlimit(rlim_cur: limit, rlim_max: limit)
        precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
    }

    /// How many of `count` could be opened; they stay open.
    func open(_ count: Int) -> Int {
        var opened = 0
        while opened < count {
            let number = unsafe Glibc.open("/dev/null", O_RDONLY)
            guard number >= 0 else { break }
            taken.append(number)
            opened += 1
        }
        return opened
    }

    func takeAll(but count: Int) {
        _ = open(.max)
        for _ in 0..<count { close(taken.removeLast()) }
    }

    func giveAll() {
        for number in taken { close(number) }
        taken = []
    }
}
