// A file that is replaced as a whole, and what is never replaced.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct FileReplacementTests {
    private let sandbox: TemporaryFolder

    init() throws { sandbox = try TemporaryFolder() }

    private func replacement(_ name: String) -> FileReplacement {
        FileReplacement(sandbox[name], beginning: "# ours")
    }

    private func write(_ name: String, _ text: String = "# ours, new") -> FileError? {
        do throws(FileError) {
            try replacement(name).write(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    private func read(_ name: String) throws -> String {
        let bytes = try TrustedFile.read(sandbox[name], limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func entries() -> [String] {
        guard let folder = unsafe opendir(sandbox.path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    @Test func aFile_isMadeAndReplaced_forAllToRead() throws {
        #expect(write("f") == nil)
        var before = stat()
        #expect(unsafe stat(sandbox["f"], &before) == 0)
        #expect(before.st_mode & 0o7777 == 0o644)
        #expect(write("f", "# ours, newer") == nil)
        var after = stat()
        #expect(unsafe stat(sandbox["f"], &after) == 0)
        // A reader that has the old one open goes on having it whole.
        #expect(before.st_ino != after.st_ino)
        #expect(try read("f") == "# ours, newer")
        #expect(entries() == ["f"])
    }

    @Test func aDraftThatWasLeft_isGone() throws {
        try sandbox.file(".f.new", 0o644, "half")
        #expect(write("f") == nil)
        #expect(entries() == ["f"])
    }

    /// Not even what its draft leads to.
    @Test func aLinkInPlaceOfTheDraft_isNotFollowed() throws {
        try sandbox.file("precious")
        try sandbox.link(".f.new", "precious")
        #expect(write("f") == nil)
        #expect(try read("precious") == "text")
    }

    @Test func whatIsNotOurs_isNotReplaced() throws {
        try sandbox.file("f", 0o644, "-----BEGIN")
        #expect(write("f")?.code == .notOurs)
        #expect(try read("f") == "-----BEGIN")
        try sandbox.file("short", 0o644, "# o")
        #expect(write("short")?.code == .notOurs)
        try sandbox.file("empty", 0o644, "")
        #expect(write("empty") == nil)
    }

    @Test func aPipeAFolderAndADescriptor_areNotReplaced() throws {
        #expect(unsafe mkfifo(sandbox["pipe"], 0o600) == 0)
        try sandbox.folder("folder")
        for name in ["pipe", "folder", "folder/"] { #expect(write(name)?.code == .notRegular) }
        let device = FileReplacement("/dev/fd/1", beginning: "")
        #expect(throws: FileError.self) { try device.write([]) }
        #expect(entries() == ["folder", "pipe"])
    }

    @Test func aFolderThatOthersMayWrite_isRefused() throws {
        for mode: mode_t in [0o775, 0o777, 0o1777] {
            try sandbox.folder("f\(mode)", mode)
            #expect(write("f\(mode)/x")?.code == .writableByOthers)
        }
    }

    @Test func aFolderThatIsMissing_isNamed() throws {
        let error = try #require(write("none/f"))
        #expect(error.code == .missing)
        #expect(error.sentence.contains("its folder \(sandbox["none"]) does not exist"))
    }

    @Test func aLink_leadsToWhatIsReplaced() throws {
        try sandbox.folder("real")
        try sandbox.link("f", "real/f")
        #expect(write("f") == nil)
        #expect(try read("real/f") == "# ours, new")
        #expect(entries() == ["f", "real"])
    }

    @Test(.disabled(if: geteuid() == 0, "root may write everywhere"))
    func aFolderThatThisUserMayNotWrite_isReported() throws {
        try sandbox.folder("locked", 0o555)
        let error = try #require(write("locked/f"))
        #expect(error.cause == .system(Errno(EACCES)))
        #expect(throws: FileError.self) { try replacement("locked/f").examine() }
    }

    /// The draft's name is longer.
    @Test func aDraftThatCanNotBeMade_leavesTheOldFile() throws {
        let name = String(repeating: "f", count: 253)
        try sandbox.file(name, 0o644, "# ours, old")
        let error = try #require(write(name))
        #expect(error.cause == .system(Errno(ENAMETOOLONG)))
        #expect(try read(name) == "# ours, old")
        #expect(entries() == [name])
    }
}
