// What SIGHUP has the server do, and how often.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import Sockets
import Testing

@testable import Console
@testable import Records
@testable import System
@testable import TestSupport
@testable import parleyd

@Suite struct ReloadTests {
    /// A table's file in a folder of its own, gone with it.
    private final class TableFile: Sendable {
        private let folder: TemporaryFolder
        var path: String { folder["commands.json5"] }

        init(_ text: String) throws {
            folder = try TemporaryFolder()
            try write(text)
        }

        func write(_ text: String) throws { try folder.file("commands.json5", 0o600, text) }
    }

    /// A server's reload, and what it has said.
    private final class Server {
        let file: TableFile
        let reload: Reload
        private(set) var uses: [[String]] = []
        private(set) var ends = 0
        /// What was read is in force once these are called.
        private(set) var awaited: [((any Error)?) -> Void] = []
        var isInForceAtOnce = true
        /// Why what was read can't be in force.
        var failure: Errno?
        let audit: String
        let ended = Bell()
        let used = Bell()

        init(on loop: EventLoop) throws {
            file = try TableFile("{commands: {old: {reply: 'old'}}}")
            let options = try ServerOptions(["command", "--plaintext", "--commands", file.path])
            let log = Log(program: "parleyd", loop: loop)
            audit = file.path + ".audit"
            let office = try Office(
                options, AuditFile([.file(audit)], syncs: false), loop: loop, log: log,
                policy: try Policy(options), loops: 1)
            reload = Reload(office, main: loop, log: log)
        }

        func begin() {
            reload.begin { [unowned self] table, _, inForce in
                uses.append(table?.entries.map(\.name) ?? [])
                if isInForceAtOnce { inForce(failure) } else { awaited.append(inForce) }
                used.ring()
            } done: { [unowned self] in
                ends += 1
                ended.ring()
            }
        }

        func wait(for count: Int) async {
            while ends < count { await ended.wait() }
        }
    }

    @Test func aReload_isUsedOnce() async throws {
        try await onLoop { loop in
            let server = try Server(on: loop)
            try server.file.write("{commands: {new: {reply: 'new'}}}")
            server.begin()
            #expect(DescriptorReserve.shared.isLent)
            #expect(server.reload.isUnderWay)
            await server.wait(for: 1)
            #expect(server.uses == [["new"]])
            #expect(!DescriptorReserve.shared.isLent)
        }
    }

    @Test func whatCanNotBeInForce_isNotToldOfAsReloaded() async throws {
        try await onLoop { loop in
            let server = try Server(on: loop)
            server.begin()
            await server.wait(for: 1)
            server.failure = Errno(ENOMEM)
            server.begin()
            await server.wait(for: 2)
            var lines: [Substring] = []
            try await eventually("both are recorded") {
                let trail = Descriptor(owning: unsafe open(server.audit, O_RDONLY)).contents()
                lines = String(decoding: trail, as: UTF8.self).split(separator: "\n")
                return lines.count == 2
            }
            #expect(lines.map { $0.contains("\(Errno(ENOMEM))") } == [false, true])
        }
    }

    /// Whoever reads in the log that a revocation was read relies on it.
    @Test func aReload_isToldOfWhenItIsInForceEverywhere() async throws {
        try await onLoop { loop in
            let server = try Server(on: loop)
            server.isInForceAtOnce = false
            server.begin()
            while server.uses.isEmpty { await server.used.wait() }
            await turns(10)
            #expect((server.ends, server.reload.isUnderWay) == (0, true))
            for call in server.awaited { call(nil) }
            #expect((server.ends, server.reload.isUnderWay) == (1, false))
        }
    }

    @Test func thoseThatAreAskedForMeanwhile_areOne() async throws {
        try await onLoop { loop in
            let server = try Server(on: loop)
            for _ in 1...5 { server.begin() }
            await server.wait(for: 2)
            await turns(10)
            #expect(server.uses.count == 2)
            #expect(!server.reload.isUnderWay)
        }
    }

    @Test func aMistake_replacesNothing() async throws {
        try await onLoop { loop in
            let server = try Server(on: loop)
            try server.file.write("{commands: 1}")
            server.begin()
            await server.wait(for: 1)
            #expect(server.uses == [[]])
            #expect(!DescriptorReserve.shared.isLent)
        }
    }
}
