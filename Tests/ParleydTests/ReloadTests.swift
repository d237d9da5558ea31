// What SIGHUP has the server do, and how often.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import Sockets
import Testing

@testable import Console
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
        let commons: Commons
        let reload: Reload
        private(set) var uses: [[String]] = []
        private(set) var ends = 0
        let ended = Bell()

        init(on loop: EventLoop) throws {
            file = try TableFile("{commands: {old: {reply: 'old'}}}")
            let options = try ServerOptions(["command", "--plaintext", "--commands", file.path])
            commons = Commons(options: options, audit: nil)
            reload = Reload(commons, main: loop, log: Log(program: "parleyd", loop: loop))
        }

        func begin() {
            reload.begin { [unowned self] table, _ in
                uses.append(table?.entries.map(\.name) ?? [])
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
            #expect(server.commons.descriptors.areForFiles)
            #expect(server.reload.isUnderWay)
            await server.wait(for: 1)
            #expect(server.uses == [["new"]])
            #expect(!server.commons.descriptors.areForFiles)
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
            #expect(!server.commons.descriptors.areForFiles)
        }
    }
}
