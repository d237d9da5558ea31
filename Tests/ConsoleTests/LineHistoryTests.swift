// The lines of earlier sessions.
// SPDX-License-Identifier: Apache-2.0
import Console
import Glibc
import Testing

@testable import TestSupport

@Suite(.serialized, .timeLimit(.minutes(1)))
struct LineHistoryTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder["a/b/history"] }
    private var history: LineHistory { LineHistory(path: path) }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func lines_comeBackInOrder_fromAFileOfItsOwnersAlone() {
        #expect(history.lines() == [])
        history.add("one")
        history.add("zwei ä")
        #expect(history.lines() == ["one", "zwei ä"])
        #expect(mode(path) == 0o600)
        #expect(mode(folder["a"]) == 0o700)
    }

    @Test func lineThatBeginsWithABlank_isNotKept() {
        for line in ["one", " two", "\tthree", "  ", "\t", "", "four\tfive "] { history.add(line) }
        #expect(history.lines() == ["one"])
        for (line, isKept) in [("a", true), (" a", false), ("\ta", false), ("", false)] {
            #expect(LineHistory.mayKeep(Array(line.utf8)) == isKept)
        }
    }

    @Test func fileThatOthersCouldRead_isClosedToThem() throws {
        history.add("one")
        unsafe chmod(path, 0o644)
        #expect(history.lines() == ["one"])
        #expect(mode(path) == 0o600)
    }

    @Test func link_isNeitherFollowedNorReplaced() throws {
        history.add("one")
        unsafe rename(path, folder["a/other"])
        try #require(unsafe symlink(folder["a/other"], path) == 0)
        #expect(history.lines() == [])
        history.add("two")
        #expect(LineHistory(path: folder["a/other"]).lines() == ["one"])
    }

    @Test func lineThatATerminalMustNotGet_isLeftOut() throws {
        history.add("one")
        try write(Array("good\nba\u{1b}[2Jd\n\nlast".utf8), to: path)
        #expect(history.lines() == ["good", "last"])
    }

    @Test func longFile_isCutToItsLastLines() throws {
        history.add("one")
        try write(Array((0..<2_500).map { "line \($0)\n" }.joined().utf8), to: path)
        let expected = (1_500..<2_500).map { "line \($0)" }
        #expect(history.lines() == expected)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(Int(status.st_size) == expected.joined(separator: "\n").utf8.count + 1)
        #expect(mode(path) == 0o600)
        #expect(history.lines() == expected)
    }
}
