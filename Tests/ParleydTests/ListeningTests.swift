// What the server says where it can't listen.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import parleyd

@Suite struct ListeningTests {
    @Test func aPortThatIsTaken_isToldWithWhatToDo_andKeepsTheReason() throws {
        let taken = try #require(
            try Endpoint(host: "127.0.0.1", port: 0).listeners(backlog: 1).first)
        let port = taken.address.port
        let error = #expect(throws: StreamError.self) {
            try Endpoint(host: "127.0.0.1", port: port).listeners(backlog: 1)
        }
        #expect(error?.code == .addressInUse)
        #expect(
            error?.sentence.hasSuffix(
                "; another server is using this port: stop it, or choose another port with --port")
                == true)
        #expect(error?.cause == .system(Errno(EADDRINUSE)))
    }

    /// An address for documentation (RFC 5737), which no machine has.
    @Test func anAddressOfAnotherMachine_isToldWithWhatToDo_andKeepsTheReason() {
        let error = #expect(throws: StreamError.self) {
            try Endpoint(host: "192.0.2.1", port: 0).listeners(backlog: 1)
        }
        #expect(error?.code == .addressUnavailable)
        #expect(error?.sentence.contains("; --host must be an address of this machine") == true)
        #expect(error?.cause == .system(Errno(EADDRNOTAVAIL)))
    }
}
