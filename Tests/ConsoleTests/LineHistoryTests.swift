// The lines of earlier sessions.
// SPDX-License-Identifier: Apache-2.0
import Console
import Glibc
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
final class LineHistoryTests {
    private let folder: String

    init() throws {
        var name = Array("/tmp/history-XXXXXX".utf8CString)
        folder = try #require(unsafe mkdtemp(&name).map { unsafe String(cString: $0) })
    }

    deinit {
        for name in ["/a/b/history", "/a/other", "/a/b", "/a", ""] {
            unsafe remove(folder + name)
        }
    }

    private var path: String { folder + "/a/b/history" }
    private var history: LineHistory { LineHistory(path: path) }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private struct Unwritable: Error {}

    private func write(_ text: String, to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw Unwritable() }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    @Test func lines_comeBackInOrder_fromAFileOfItsOwnersAlone() {
        #expect(history.lines() == [])
        history.add("one")
        history.add("zwei ä")
        #expect(history.lines() == ["one", "zwei ä"])
        #expect(mode(path) == 0o600)
        #expect(mode(folder + "/a") == 0o700)
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
        unsafe rename(path, folder + "/a/other")
        try #require(unsafe symlink(folder + "/a/other", path) == 0)
        #expect(history.lines() == [])
        history.add("two")
        #expect(LineHistory(path: folder + "/a/other").lines() == ["one"])
    }

    @Test func lineThatATerminalMustNotGet_isLeftOut() throws {
        history.add("one")
        try write("good\nba\u{1b}[2Jd\n\nlast", to: path)
        #expect(history.lines() == ["good", "last"])
    }

    @Test func longFile_isCutToItsLastLines() throws {
        history.add("one")
        try write((0..<2_500).map { "line \($0)\n" }.joined(), to: path)
        let expected = (1_500..<2_500).map { "line \($0)" }
        #expect(history.lines() == expected)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(Int(status.st_size) == expected.joined(separator: "\n").utf8.count + 1)
        #expect(mode(path) == 0o600)
        #expect(history.lines() == expected)
    }
}
