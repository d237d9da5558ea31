// A table's file: whose it must be, and what it must be.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct TableFileTests {
    private let folder = Folder()

    @Test func file_isRead() throws {
        folder.write("t", "{commands: {a: {reply: 'x'}}}")
        #expect(try CommandTable(file: folder["t"]).entries.map(\.name) == ["a"])
    }

    @Test func mistake_isToldWithTheFilesName() {
        folder.write("t", "{\n x: 1}")
        let error = #expect(throws: TableError.self) { try CommandTable(file: folder["t"]) }
        #expect(error?.code == .unknownKey)
        #expect(error?.description.hasPrefix("\(folder["t"]):2:2: ") == true)
    }

    @Test(arguments: [0o644, 0o600, 0o400, 0o444, 0o755] as [mode_t])
    func file_isTaken_whereOnlyItsOwnerCanWriteIt(mode: mode_t) {
        folder.write("t", Self.good)
        folder.change("t", mode)
        #expect(code("t") == nil)
    }

    @Test(arguments: [0o664, 0o646, 0o666, 0o620, 0o602] as [mode_t])
    func file_isRefused_whereOthersCanWriteIt(mode: mode_t) {
        folder.write("t", Self.good)
        folder.change("t", mode)
        #expect(code("t") == .writableByOthers)
    }

    @Test(arguments: [0o770, 0o707, 0o1777, 0o777] as [mode_t])
    func file_isRefused_whereOthersCanWriteItsFolder(mode: mode_t) {
        folder.write("t", Self.good)
        folder.change("", mode)
        #expect(code("t") == .writableByOthers)
    }

    @Test func link_isFollowed() {
        folder.write("t", Self.good)
        folder.link("l", to: "t")
        folder.link("m", to: folder["l"])
        #expect(code("m") == nil)
    }

    @Test func link_isRefused_whereOthersCanWriteItsTarget() {
        folder.write("t", Self.good)
        folder.link("l", to: "t")
        folder.change("t", 0o666)
        #expect(code("l") == .writableByOthers)
    }

    @Test(arguments: [true, false])
    func link_isRefused_whereOthersCanWriteAFolderOnItsWay(isLast: Bool) {
        folder.make("open")
        folder.write(isLast ? "open/t" : "t", Self.good)
        if !isLast { folder.link("open/t", to: "../t") }
        folder.link("l", to: "open/t")
        #expect(code("l") == nil)
        folder.change("open", 0o777)
        #expect(code("l") == .writableByOthers)
    }

    @Test func link_isRefused_whereItHasNoEnd() {
        folder.link("a", to: "b")
        folder.link("b", to: "a")
        #expect(code("a") == .unreadable)
    }

    @Test(.enabled(if: geteuid() == 0), arguments: ["t", ""])
    func file_isRefused_whereItOrItsFolderBelongsToAnother(name: String) {
        folder.write("t", Self.good)
        unsafe chown(folder[name], 65_534, 65_534)
        #expect(code("t") == .foreignOwner)
        unsafe chown(folder[name], 0, 0)
        #expect(code("t") == nil)
    }

    @Test(arguments: ["", "nowhere", "nowhere/t", "t\0"])
    func file_isMissing(name: String) {
        folder.write("t", Self.good)
        let path = name.isEmpty ? "" : folder[name]
        let error = #expect(throws: TableError.self) { try CommandTable(file: path) }
        #expect(error?.code == .missing)
        #expect(error?.line == nil)
    }

    @Test func file_isRefused_whereItIsNoRegularFile() {
        folder.make("d")
        unsafe mkfifo(folder["p"], 0o600)
        for name in ["d", "p", ".", "d/"] { #expect(code(name) == .unreadable) }
        folder.write("t", Self.good)
        #expect(code("t/x") == .unreadable)
        #expect(code("/dev/zero") == .unreadable)
        #expect(code("/dev/null") == .unreadable)
    }

    @Test func file_isAtMostOneMiB() {
        let filling = String(repeating: " ", count: 1 << 20).dropFirst(Self.good.utf8.count)
        folder.write("t", Self.good + filling)
        #expect(code("t") == nil)
        folder.write("t", Self.good + filling + " ")
        #expect(code("t") == .unreadable)
    }

    @Test func file_isRefused_whereItIsEmpty() {
        folder.write("t", "")
        #expect(code("t") == .syntax)
    }

    @Test(arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3]] as [[UInt8]])
    func file_isRefused_whereItIsNotUTF8(bytes: [UInt8]) {
        folder.write("t", bytes: Array("{/*".utf8) + bytes + Array("*/commands: {}}".utf8))
        #expect(code("t") == .notText)
    }

    private func code(_ name: String) -> TableError.Code? {
        do throws(TableError) {
            _ = try CommandTable(file: name.hasPrefix("/") ? name : folder[name])
            return nil
        } catch {
            #expect(isSentence(error.description))
            return error.code
        }
    }

    private static let good = "{commands: {a: {reply: 'x'}}}"
}
