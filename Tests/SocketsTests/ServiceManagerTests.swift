// What a service manager is told, as its protocol has it.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets
@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ServiceManagerTests {
    private let folder: TemporaryFolder
    private var path: String { folder["notify"] }

    init() throws { folder = try TemporaryFolder() }

    private func manager(_ variables: [String: String] = [:]) -> ServiceManager? {
        ServiceManager(
            environment: { variables.merging(["NOTIFY_SOCKET": path]) { first, _ in first }[$0] },
            process: 7)
    }

    @Test(
        arguments: [
            ([.ready], "READY=1"),
            ([.reloading(at: Moment(nanoseconds: 5_000_999))], "RELOADING=1\nMONOTONIC_USEC=5000"),
            (
                [.stopping(within: .milliseconds(1_500))],
                "STOPPING=1\nEXTEND_TIMEOUT_USEC=1500000"
            ),
            ([.ready, .status("a\nWATCHDOG=1")], "READY=1\nSTATUS=a\\x0aWATCHDOG=1"),
            ([.watchdog], "WATCHDOG=1"),
        ] as [([ServiceManager.State], String)])
    func states_areOneDatagram(_ states: [ServiceManager.State], _ text: String) throws {
        let socket = try LocalDatagrams(at: path)
        try #require(manager()).tell(states)
        #expect(socket.receive(limit: 4_096) == Array(text.utf8))
    }

    /// A manager that is gone, or has no room, holds nobody up.
    @Test func whatNobodyTakes_isLeftOut() throws {
        let manager = try #require(self.manager())
        manager.tell([.ready])
        let socket = try LocalDatagrams(at: path)
        for _ in 0..<10_000 { manager.tell([.watchdog]) }
        #expect(socket.receive(limit: 64) == Array("WATCHDOG=1".utf8))
    }

    @Test func abstractNames_haveTheirZero() throws {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let descriptor = Descriptor(owning: number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The kernel chooses an abstract name (unix(7), autobind).
        let isBound = unsafe withUnsafeBytes(of: &address) {
            unsafe bind(
                descriptor.number, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), 2)
        }
        #expect(isBound == 0)
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        unsafe withUnsafeMutableBytes(of: &address) {
            _ = unsafe getsockname(
                descriptor.number, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        let name = unsafe withUnsafeBytes(of: &address.sun_path) {
            unsafe Array($0[1..<Int(length) - 2])
        }
        let path = "@" + String(decoding: name, as: UTF8.self)
        try #require(manager(["NOTIFY_SOCKET": path])).tell([.ready])
        var room = [UInt8](repeating: 0, count: 64)
        #expect(unsafe recv(descriptor.number, &room, 64, Int32(MSG_DONTWAIT)) == 7)
    }

    @Test(arguments: ["", "/", "notify", "vsock:2:1234"])
    func otherSockets_areNobodys(_ path: String) {
        #expect(manager(["NOTIFY_SOCKET": path]) == nil)
        #expect(ServiceManager(environment: { _ in nil }) == nil)
    }

    @Test(
        arguments: [
            (["WATCHDOG_USEC": "3000000"], Duration.seconds(3)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"], .seconds(3)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"], nil),
            (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "-1"], nil),
            (["WATCHDOG_USEC": "x"], nil), ([:], nil),
        ] as [([String: String], Duration?)])
    func watchdog_isForTheProcessThatIsMeant(_ variables: [String: String], _ limit: Duration?)
        throws
    {
        #expect(try #require(manager(variables)).watchdog == limit)
    }

    @Test(arguments: [
        ("7", "2", false), ("8", "2", true), ("7", "0", true), ("7", "-1", true), ("7", "x", true),
    ])
    func activatedSockets_areForTheProcessThatIsMeant(
        _ process: String, _ count: String, _ isEmpty: Bool
    ) {
        let variables = ["LISTEN_PID": process, "LISTEN_FDS": count]
        let sockets = ActivatedSockets(environment: { variables[$0] }, process: 7)
        #expect(sockets.isEmpty == isEmpty)
        #expect(ActivatedSockets(environment: { _ in nil }, process: 7).isEmpty)
    }

    @Test func socketsOfAService_areItsOwnersAlone() throws {
        let socket = try LocalDatagrams(at: path)
        var status = stat()
        #expect(unsafe lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(throws: StreamError.self) { try LocalDatagrams(at: path) }
        withExtendedLifetime(socket) {}
    }

    @Test func sockets_goWithTheirOwner() throws {
        do { _ = try LocalDatagrams(at: path) }
        var status = stat()
        #expect(unsafe lstat(path, &status) != 0)
        #expect(throws: StreamError.self) {
            try LocalDatagrams(at: folder[String(repeating: "x", count: 108)])
        }
        #expect(!LocalDatagrams.send([1], to: Array(path.utf8)))
    }
}
