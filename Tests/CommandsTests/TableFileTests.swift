// A table's file: whose it must be, and what it must be.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Commands
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TableFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func file_isRead() throws {
        try folder.file("t", 0o600, "{commands: {a: {reply: 'x'}}}")
        #expect(try CommandTable(file: folder["t"], users: .own).entries.map(\.name) == ["a"])
    }

    @Test func mistake_isToldWithTheFilesName() throws {
        try folder.file("t", 0o600, "{\n x: 1}")
        let error = #expect(throws: TableError.self) {
            try CommandTable(file: folder["t"], users: .own)
        }
        #expect(error?.code == .unknownKey)
        #expect(error?.description.hasPrefix("\(folder["t"]):2:2: ") == true)
    }

    @Test(arguments: [0o644, 0o600, 0o400, 0o444, 0o755] as [mode_t])
    func file_isTaken_whereOnlyItsOwnerCanWriteIt(mode: mode_t) throws {
        try folder.file("t", 0o600, Self.good)
        try folder.mode("t", mode)
        #expect(code("t") == nil)
    }

    @Test(arguments: [0o664, 0o646, 0o666, 0o620, 0o602] as [mode_t])
    func file_isRefused_whereOthersCanWriteIt(mode: mode_t) throws {
        try folder.file("t", 0o600, Self.good)
        try folder.mode("t", mode)
        #expect(code("t") == .writableByOthers)
    }

    @Test(arguments: [0o770, 0o707, 0o1777, 0o777] as [mode_t])
    func file_isRefused_whereOthersCanWriteItsFolder(mode: mode_t) throws {
        try folder.file("t", 0o600, Self.good)
        try folder.mode("", mode)
        #expect(code("t") == .writableByOthers)
    }

    @Test func link_isFollowed() throws {
        try folder.file("t", 0o600, Self.good)
        try folder.link("l", "t")
        try folder.link("m", folder["l"])
        #expect(code("m") == nil)
    }

    @Test func link_isRefused_whereOthersCanWriteItsTarget() throws {
        try folder.file("t", 0o600, Self.good)
        try folder.link("l", "t")
        try folder.mode("t", 0o666)
        #expect(code("l") == .writableByOthers)
    }

    @Test(arguments: [true, false])
    func link_isRefused_whereOthersCanWriteAFolderOnItsWay(isLast: Bool) throws {
        try folder.folder("open", 0o700)
        try folder.file(isLast ? "open/t" : "t", 0o600, Self.good)
        if !isLast { try folder.link("open/t", "../t") }
        try folder.link("l", "open/t")
        #expect(code("l") == nil)
        try folder.mode("open", 0o777)
        #expect(code("l") == .writableByOthers)
    }

    @Test func link_isRefused_whereItHasNoEnd() throws {
        try folder.link("a", "b")
        try folder.link("b", "a")
        #expect(code("a") == .unreadable)
    }

    @Test(.enabled(if: geteuid() == 0), arguments: ["t", ""])
    func file_isRefused_whereItOrItsFolderBelongsToAnother(name: String) throws {
        try folder.file("t", 0o600, Self.good)
        unsafe chown(folder[name], 65_534, 65_534)
        #expect(code("t") == .foreignOwner)
        unsafe chown(folder[name], 0, 0)
        #expect(code("t") == nil)
    }

    @Test(arguments: ["", "nowhere", "nowhere/t", "t\0"])
    func file_isMissing(name: String) throws {
        try folder.file("t", 0o600, Self.good)
        let path = name.isEmpty ? "" : folder[name]
        let error = #expect(throws: TableError.self) { try CommandTable(file: path, users: .own) }
        #expect(error?.code == .missing)
        #expect(error?.line == nil)
    }

    @Test func file_isRefused_whereItIsNoRegularFile() throws {
        try folder.folder("d", 0o700)
        unsafe mkfifo(folder["p"], 0o600)
        for name in ["d", "p", ".", "d/"] { #expect(code(name) == .unreadable) }
        try folder.file("t", 0o600, Self.good)
        #expect(code("t/x") == .unreadable)
        #expect(code("/dev/zero") == .unreadable)
        #expect(code("/dev/null") == .unreadable)
    }

    @Test func file_isAtMostOneMiB() throws {
        let filling = String(repeating: " ", count: 1 << 20).dropFirst(Self.good.utf8.count)
        try folder.file("t", 0o600, Self.good + filling)
        #expect(code("t") == nil)
        try folder.file("t", 0o600, Self.good + filling + " ")
        #expect(code("t") == .unreadable)
    }

    @Test func file_isRefused_whereItIsEmpty() throws {
        try folder.file("t", 0o600, "")
        #expect(code("t") == .syntax)
    }

    @Test(arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3]] as [[UInt8]])
    func file_isRefused_whereItIsNotUTF8(bytes: [UInt8]) throws {
        try folder.file("t", bytes: Array("{/*".utf8) + bytes + Array("*/commands: {}}".utf8))
        #expect(code("t") == .notText)
    }

    private func code(_ name: String) -> TableError.Code? {
        failureCode { () throws(TableError) in
            do throws(TableError) {
                _ = try CommandTable(
                    file: name.hasPrefix("/") ? name : folder[name], users: .own)
            } catch {
                #expect(isSentence(error.description))
                throw error
            }
        }
    }

    private static let good = "{commands: {a: {reply: 'x'}}}"
}
