// A file that is replaced as a whole, and what is never replaced.
// SPDX-License-Identifier: Apache-2.0
import CLinux
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
            var replacement = replacement(name)
            try replacement.write(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    private func code(_ file: inout FileReplacement, _ text: String) -> FileError.Code? {
        do throws(FileError) {
            try file.write(Array(text.utf8))
            return nil
        } catch {
            return error.code
        }
    }

    /// - Parameter kind: F_RDLCK or F_WRLCK.
    private func lock(_ number: Int32, _ kind: Int32) -> Bool {
        var lock = Glibc.flock()
        lock.l_type = Int16(kind)
        return unsafe fcntl(number, parley_ofd_setlk, &lock) == 0
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
        #expect(write("folder")?.sentence == "it is a folder; name a file")
        var device = FileReplacement("/dev/fd/1", beginning: "")
        #expect(code(&device, "") == .notRegular)
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
    @Test(arguments: [251, 253, 256])
    func aNameThatIsTooLong_isReportedAsThat(length: Int) throws {
        let name = String(repeating: "f", count: length)
        if length < 256 { try sandbox.file(name, 0o644, "# ours, old") }
        let error = try #require(write(name))
        #expect(error.cause == .system(Errno(ENAMETOOLONG)))
        #expect(error.sentence.contains("too long"))
        #expect(throws: error) { try replacement(name).examine() }
        guard length < 256 else { return }
        #expect(try read(name) == "# ours, old")
        #expect(entries() == [name])
    }

    @Test func aName_mayBeAsLongAsItsDraftAllows() {
        #expect(write(String(repeating: "f", count: 250)) == nil)
    }

    @Test func aFolderInPlaceOfTheDraft_isNamed() throws {
        try sandbox.folder(".f.new")
        let error = try #require(write("f"))
        #expect(error.code == .notRegular)
        #expect(error.sentence.contains(".f.new, which is a folder"))
        #expect(throws: error) { try replacement("f").examine() }
        #expect(entries() == [".f.new"])
    }

    // MARK: Several that write it

    @Test func ofTwoThatWriteAFile_theSecondIsRefused_untilTheFirstEnds() throws {
        var second = replacement("f")
        do {
            var first = replacement("f")
            #expect(code(&first, "# ours, 1") == nil)
            #expect(code(&second, "# ours, 2") == .inUse)
            #expect(code(&first, "# ours, 3") == nil)
            #expect(code(&second, "# ours, 4") == .inUse)
            #expect(try read("f") == "# ours, 3")
            // That the first goes on to write it is no obstacle to a check.
            try replacement("f").examine()
        }
        #expect(code(&second, "# ours, 5") == nil)
        #expect(try read("f") == "# ours, 5")
        #expect(entries() == ["f"])
    }

    @Test func aLinkToAFileThatAnotherWrites_isNoWayToIt() throws {
        try sandbox.link("link", "f")
        var first = replacement("f")
        var second = replacement("link")
        #expect(code(&first, "# ours, 1") == nil)
        #expect(code(&second, "# ours, 2") == .inUse)
    }

    /// Both find no file.
    @Test func aDraftThatAnotherWrites_isLeftAlone() throws {
        try sandbox.file(".f.new", 0o600, "# ou")
        let other = Descriptor(owning: unsafe open(sandbox[".f.new"], O_WRONLY | O_CLOEXEC))
        #expect(lock(other.number, F_WRLCK))
        #expect(write("f")?.code == .inUse)
        #expect(try read(".f.new") == "# ou")
        _ = consume other
    }

    @Test func aFileThatWasTakenAway_isMadeAgain_byWhoeverIsFirst() throws {
        var first = replacement("f")
        var second = replacement("f")
        #expect(code(&first, "# ours, 1") == nil)
        #expect(unsafe unlink(sandbox["f"]) == 0)
        #expect(code(&second, "# ours, 2") == nil)
        #expect(code(&first, "# ours, 3") == .inUse)
        #expect(try read("f") == "# ours, 2")
    }

    /// Everybody may read it.
    @Test func aReadersLock_keepsNobodyAway() throws {
        #expect(write("f") == nil)
        let reader = Descriptor(owning: unsafe open(sandbox["f"], O_RDONLY | O_CLOEXEC))
        #expect(lock(reader.number, F_RDLCK))
        #expect(flock(reader.number, LOCK_EX | LOCK_NB) == 0)
        #expect(write("f", "# ours, newer") == nil)
        #expect(try read("f") == "# ours, newer")
        _ = consume reader
    }

    @Test(arguments: [
        (ENOSPC, "make room"), (EROFS, "this user can write"), (EIO, "another file"),
    ])
    func aWriteThatFails_isBlamedOnItsReason(reason: Int32, remedy: String) {
        let error = replacement("f").failure(Errno(reason))
        #expect(error.sentence.contains("\(Errno(reason))"))
        #expect(error.sentence.contains(remedy))
        #expect(error.sentence.contains("room") == (reason == ENOSPC))
    }
}
