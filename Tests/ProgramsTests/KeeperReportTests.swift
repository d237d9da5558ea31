// What is read of a keeper that is gone.
// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import System
import Testing

@Suite struct KeeperReportTests {
    /// A program that ends by itself while it is being ended has its own end, and not its keeper's.
    @Test func report_isRead_whereAWishWasNot() {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        #expect(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        let control = Descriptor(owning: ends[0])
        do {
            let keeper = Descriptor(owning: ends[1])
            parley_keeper_tell(control.number, 1)
            var report = parley_report()
            report.status = 3 << 8
            let size = MemoryLayout<parley_report>.size
            #expect(unsafe send(keeper.number, &report, size, 0) == size)
        }
        var report = parley_report()
        #expect(unsafe parley_keeper_read(control.number, &report) == 1)
        #expect(report.status == 3 << 8)
        #expect(unsafe parley_keeper_read(control.number, &report) == -1)
    }
}
