// Which files are taken: file × owner × mode × folder × link.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TrustedFileTests {
    private let sandbox: TemporaryFolder

    init() throws { sandbox = try TemporaryFolder() }

    /// A user that is nobody here.
    private static let other: uid_t = 61_002

    // MARK: Modes of the file

    @Test(arguments: [0o644, 0o600, 0o400, 0o444, 0o755, 0o640, 0o4755] as [mode_t])
    func decision_isTaken_whereOnlyItsOwnerCanWriteIt(mode: mode_t) throws {
        try sandbox.file("f", mode)
        #expect(refusal("f") == nil)
    }

    @Test(arguments: [0o664, 0o646, 0o666, 0o620, 0o602, 0o777] as [mode_t])
    func file_isRefused_whereOthersCanWriteIt(mode: mode_t) throws {
        try sandbox.file("f", mode)
        for use in [FileUse.decision, .secret, .program] {
            let error = try #require(refusal("f", use))
            #expect(error.code == .writableByOthers)
            #expect(error.sentence.contains("-w \(sandbox["f"])"))
        }
        #expect(refusalToAppend("f")?.code == .writableByOthers)
    }

    /// What a secret of root's may be, a user's own may not: its group is not of root's choice.
    @Test(
        arguments: [
            (0o600, true), (0o400, true), (0o700, true), (0o640, geteuid() == 0),
            (0o440, geteuid() == 0), (0o644, false), (0o604, false), (0o601, false),
        ] as [(mode_t, Bool)])
    func secret_isTaken_whereNobodyElseCanReadIt(mode: mode_t, isTaken: Bool) throws {
        try sandbox.file("f", mode)
        #expect(refusal("f", .secret)?.code == (isTaken ? nil : .readableByOthers))
    }

    @Test(arguments: [(0o600, true), (0o640, false), (0o604, false)] as [(mode_t, Bool)])
    func secretRecord_isTaken_whereNobodyElseCanReadIt(mode: mode_t, isTaken: Bool) throws {
        try sandbox.file("f", mode)
        #expect(
            refusalToAppend("f", isSecret: true)?.code == (isTaken ? nil : .readableByOthers))
    }

    // MARK: Folders

    @Test(
        arguments: [
            (0o700, nil), (0o755, nil), (0o2755, nil), (0o1755, nil), (0o775, .writableByOthers),
            (0o757, .writableByOthers), (0o777, .writableByOthers), (0o1777, .writableByOthers),
            (0o1775, .writableByOthers),
        ] as [(mode_t, FileError.Code?)], [false, true])
    func file_isRefused_inAFolderThatOthersCanWrite(
        _ folder: (mode: mode_t, code: FileError.Code?), isToBeMade: Bool
    ) throws {
        try sandbox.folder("a")
        if !isToBeMade { try sandbox.file("a/f") }
        try sandbox.mode("a", folder.mode)
        if isToBeMade {
            #expect(refusalToAppend("a/f")?.code == folder.code)
            // What is refused must not be made either.
            #expect(unsafe access(sandbox["a/f"], F_OK) == (folder.code == nil ? 0 : -1))
        } else {
            #expect(refusal("a/f")?.code == folder.code)
        }
    }

    @Test(
        arguments: [
            (0o755, nil), (0o1777, nil), (0o1775, nil), (0o775, .writableByOthers),
            (0o777, .writableByOthers),
        ] as [(mode_t, FileError.Code?)], ["a/b/f", "a/b/c/f"])
    func file_isTaken_whereOnlyAStickyFolderAboveItsOwnIsOpen(
        _ folder: (mode: mode_t, code: FileError.Code?), name: String
    ) throws {
        try sandbox.folder("a")
        try sandbox.folder("a/b")
        try sandbox.folder("a/b/c")
        try sandbox.file(name)
        try sandbox.mode("a", folder.mode)
        let error = refusal(name)
        #expect(error?.code == folder.code)
        if let error { #expect(error.sentence.contains("chmod g")) }
    }

    @Test func file_isRefused_whereTheWayLeadsBackToAnOpenFolder() throws {
        try sandbox.folder("a")
        try sandbox.folder("a/b")
        try sandbox.file("a/f")
        #expect(refusal("a/b/../f") == nil)
        try sandbox.mode("a", 0o1777)
        #expect(refusal("a/b/../f")?.code == .writableByOthers)
        #expect(refusal("a/../a/b/../f")?.code == .writableByOthers)
    }

    @Test func stickyFolder_isNotToBeClosed() throws {
        try sandbox.folder("a")
        try sandbox.file("a/f")
        try sandbox.mode("a", 0o1777)
        // Others use it: a chmod of it would break what they do there.
        #expect(refusal("a/f")?.sentence.contains("chmod") == false)
    }

    // MARK: Owners

    @Test(
        .enabled(if: geteuid() == 0), arguments: ["", "a", "a/b", "a/b/f", "l"],
        [FileUse.decision, .secret, .program])
    func file_isRefused_whereItOrAFolderOrALinkBelongsToAnother(
        name: String, use: FileUse
    ) throws {
        try sandbox.folder("a")
        try sandbox.folder("a/b")
        try sandbox.file("a/b/f", 0o700)
        try sandbox.link("l", "a/b/f")
        #expect(refusal("l", use) == nil)
        try sandbox.owner(name, Self.other)
        let error = try #require(refusal("l", use))
        #expect(error.code == .foreignOwner)
        #expect(error.sentence.contains("\(sandbox[name])"))
        #expect(error.sentence.contains("61002"))
        if name != "l" { #expect(refusal("a/b/f", use)?.code == .foreignOwner) }
    }

    @Test(.enabled(if: geteuid() == 0), arguments: ["f", "l"])
    func record_isRefused_whereItBelongsToAnother(name: String) throws {
        try sandbox.file("f")
        try sandbox.link("l", "f")
        try sandbox.owner(name, Self.other)
        #expect(refusalToAppend("l")?.code == .foreignOwner)
    }

    /// What an ordinary user meets: its own files and root's are taken, another's are not.
    @Test(.enabled(if: geteuid() == 0))
    func ordinaryUser_takesItsOwnAndRoots() throws {
        try sandbox.mode("", 0o755)
        for (name, owner) in [("mine", 61_001), ("roots", 0), ("others", Self.other)] {
            try sandbox.folder(name)
            try sandbox.file("\(name)/f", 0o640)
            try sandbox.owner("\(name)/f", owner, 61_001)
            try sandbox.owner(name, owner)
        }
        try sandbox.owner("", 0)
        let found = ["mine", "roots", "others"].map { name in
            [FileUse.decision, .secret].map {
                refusal(at: sandbox["\(name)/f"], $0, reader: 61_001)?.code
            }
        }
        #expect(found[0] == [nil, .readableByOthers])
        // It may be lent to a group, since that is root's choice.
        #expect(found[1] == [nil, nil])
        #expect(found[2] == [.foreignOwner, .foreignOwner])
        // A user without a name appears in a command as its ID.
        let path = sandbox["roots/f"]
        try sandbox.owner("roots/f", Self.other)
        #expect(
            refusal(at: path, reader: 61_001)?.sentence.hasSuffix("chown 61001 \(path)") == true)
    }

    /// A program may be its own user's, if that is another than this process's; no command gives it to it.
    @Test(.enabled(if: geteuid() == 0))
    func program_isTaken_whereItIsItsUsersOrRoots() throws {
        try sandbox.mode("", 0o755)
        try sandbox.file("f", 0o755)
        func refusal(_ user: uid_t) -> FileError? {
            do throws(FileError) {
                _ = try TrustedFile(program: sandbox["f"], for: user)
                return nil
            } catch {
                return error
            }
        }
        #expect([0, 61_001].map { refusal($0)?.code } == [nil, nil])
        try sandbox.owner("f", 61_001)
        let codes = [0, 61_001, Self.other].map { refusal($0)?.code }
        #expect(codes == [.foreignOwner, nil, .foreignOwner])
        #expect(refusal(Self.other)?.sentence.hasSuffix("chown root \(sandbox["f"])") == true)
        try sandbox.mode("f", 0o775)
        #expect(refusal(61_001)?.code == .writableByOthers)
    }

    // MARK: Links

    @Test(arguments: ["b/f", "./b/../b/f", "/b/f", "m", "k/f"])
    func link_isFollowed(target: String) throws {
        try sandbox.folder("a")
        try sandbox.folder("a/b")
        try sandbox.file("a/b/f")
        try sandbox.link("a/m", "b/f")
        try sandbox.link("a/k", "b")
        try sandbox.link("a/l", target.hasPrefix("/") ? sandbox["a"] + target : target)
        #expect(refusal("a/l") == nil)
        #expect(refusalToAppend("a/l") == nil)
    }

    @Test(arguments: ["open", "open/b", "open/c"])
    func link_isRefused_whereOthersCanWriteAFolderOnItsWay(folder: String) throws {
        for name in ["open", "open/b", "open/c", "open/c/d"] { try sandbox.folder(name) }
        try sandbox.file("open/c/d/f")
        // The way leads through b, back out of it, and through c.
        try sandbox.link("open/b/m", "../c/d/f")
        try sandbox.link("l", "open/b/m")
        #expect(refusal("l") == nil)
        try sandbox.mode(folder, 0o777)
        #expect(refusal("l")?.code == .writableByOthers)
        // A link's own folder must not even be a sticky one, and c has neither link nor file.
        try sandbox.mode(folder, 0o1777)
        #expect(refusal("l")?.code == (folder == "open/b" ? .writableByOthers : nil))
    }

    @Test func link_isRefused_whereOthersCanWriteItsTarget() throws {
        try sandbox.file("f", 0o666)
        try sandbox.link("l", "f")
        let error = try #require(refusal("l"))
        #expect(error.code == .writableByOthers)
        #expect(error.description.hasPrefix("\(sandbox["l"]): "))
        #expect(error.sentence.contains("\(sandbox["f"]),"))
    }

    @Test func link_isRefused_whereItHasNoEnd() throws {
        try sandbox.link("a", "b")
        try sandbox.link("b", "a")
        #expect(refusal("a")?.code == .unreadable)
        #expect(refusalToAppend("a")?.code == .unreadable)
    }

    // MARK: Paths

    /// In a process of its own, since all tests share one working folder, which its group may write.
    @Test func path_mayBeRelative() async {
        await #expect(processExitsWith: .success) {
            let sandbox = try TemporaryFolder()
            try sandbox.file("f")
            try sandbox.folder("g")
            try #require(unsafe chdir(sandbox["g"]) == 0)
            _ = try TrustedFile("../f", .decision, reader: geteuid())
            let up = String(repeating: "../", count: 40)
            _ = try TrustedFile(up + sandbox["f"].dropFirst(), .decision, reader: geteuid())
        }
    }

    @Test(arguments: ["", "nowhere", "nowhere/f", "f\0"])
    func file_isMissing(name: String) throws {
        try sandbox.file("f")
        let error = refusal(at: name.isEmpty ? "" : sandbox[name])
        #expect(error?.code == .missing)
        #expect(error?.cause == (name.hasPrefix("nowhere") ? .system(Errno(ENOENT)) : nil))
    }

    @Test(arguments: [
        ("a", FileError.Code.notRegular), ("a/", .notRegular), ("a/..", .notRegular),
        (".", .notRegular), ("pipe", .notRegular), ("f/", .unreadable), ("f/x", .unreadable),
        ("f/..", .unreadable), ("/dev/null", .notRegular), ("/dev/zero", .notRegular),
        ("/", .notRegular), ("device", .notRegular),
    ])
    func file_isRefused_whereItIsNotARegularOne(name: String, code: FileError.Code) throws {
        try sandbox.folder("a")
        try sandbox.file("f")
        try #require(unsafe mkfifo(sandbox["pipe"], 0o600) == 0)
        try sandbox.link("device", "/dev/null")
        #expect(refusal(at: name.hasPrefix("/") ? name : sandbox[name])?.code == code)
    }

    @Test(arguments: ["it's", "two words", "$(id)", "-rf"])
    func command_quotesWhatAShellWouldTakeApart(name: String) throws {
        try sandbox.folder(name)
        try sandbox.file("\(name)/f", 0o666)
        let sentence = try #require(refusal("\(name)/f")?.sentence)
        let command = try #require(sentence.split(separator: "run: ").last)
        #expect(unsafe system(String(command)) == 0)
        #expect(refusal("\(name)/f") == nil)
    }

    // MARK: Sentences

    /// Whether it may not be read by others, or can't be read at all, one command fixes both.
    @Test(.enabled(if: geteuid() == 0))
    func secret_ofRoots_isLentToTheReadersGroup() throws {
        try sandbox.mode("", 0o755)
        try sandbox.file("f", 0o644)
        let error = refusal(at: sandbox["f"], .secret, reader: 61_001)
        #expect(error?.code == .readableByOthers)
        #expect(error?.sentence.contains("run as root: chgrp ") == true)
        #expect(error?.sentence.hasSuffix(" && chmod 640 \(sandbox["f"])") == true)
    }

    @Test(.enabled(if: geteuid() != 0))
    func secret_ofRoots_thatCannotBeRead_isLentToTheReadersGroup() throws {
        let error = try #require(refusal(at: "/etc/shadow", .secret))
        #expect(error.code == .unreadable)
        #expect(error.sentence.contains("run as root: chgrp "))
        #expect(error.sentence.hasSuffix(" && chmod 640 /etc/shadow"))
    }

    // MARK: Contents

    @Test(arguments: [(0, true), (1, true), (10, true), (11, false), (70_000, false)])
    func contents_areWhole_upToTheLimit(count: Int, isTaken: Bool) throws {
        let text = String(repeating: "x", count: count)
        try sandbox.file("f", 0o600, text)
        do throws(FileError) {
            let bytes = try TrustedFile.read(sandbox["f"], as: .secret, limit: 10)
            #expect(isTaken)
            #expect(bytes == Array(text.utf8))
        } catch {
            #expect(!isTaken)
            #expect(error.code == .tooLarge)
        }
    }

    @Test func start_isWhatIsThere() throws {
        try sandbox.file("f", 0o755, "#!/bin/sh\n")
        #expect(try TrustedFile(sandbox["f"], as: .program).start(4) == Array("#!/b".utf8))
        #expect(try TrustedFile(sandbox["f"], as: .program).start(99)?.count == 10)
    }

    @Test func program_thatCannotBeRead_isTaken() throws {
        try sandbox.file("f", 0o111)
        let isRoot = geteuid() == 0
        let program = try TrustedFile(sandbox["f"], as: .program)
        #expect(program.mode & 0o7777 == 0o111)
        #expect((program.start(4) == nil) != isRoot)
    }

    @Test func record_isAppendedTo_andMadeForItsOwnerOnly() throws {
        for _ in 1...2 {
            let number = try TrustedFile(appending: sandbox["new"]).release()
            #expect(unsafe write(number, "x", 1) == 1)
            close(number)
        }
        #expect(try TrustedFile.read(sandbox["new"], as: .secret, limit: 9) == Array("xx".utf8))
    }

    /// What a start would refuse is refused, and nothing is made.
    @Test func examination_findsWhatAppendingWouldFailOn_andMakesNothing() throws {
        try sandbox.folder("closed", 0o555)
        try sandbox.folder("shared", 0o777)
        try sandbox.folder("d")
        try sandbox.file("mine", 0o600)
        try sandbox.file("readable", 0o644)
        try sandbox.link("dangling", "made-by-link")
        let isRoot = geteuid() == 0
        for (name, code) in [
            ("new", nil), ("mine", nil), ("dangling", nil), ("readable", .readableByOthers),
            ("d", .unreadable), ("nowhere/f", .missing), ("shared/f", .writableByOthers),
            ("closed/f", isRoot ? nil : .unreadable),
        ] as [(String, FileError.Code?)] {
            var found: FileError.Code?
            do throws(FileError) {
                try TrustedFile.examine(appending: sandbox[name], isSecret: true)
            } catch {
                found = error.code
            }
            #expect(found == code, "\(name)")
            #expect(unsafe access(sandbox["new"], F_OK) != 0, "\(name)")
            #expect(unsafe access(sandbox["made-by-link"], F_OK) != 0, "\(name)")
            #expect(unsafe access(sandbox["\(name)"], F_OK) != 0 || !name.hasSuffix("/f"))
            // The same as a start.
            #expect(refusalToAppend(name, isSecret: true)?.code == code, "\(name)")
            unsafe unlink(sandbox["new"])
            unsafe unlink(sandbox["made-by-link"])
            if name.hasSuffix("/f") { unsafe unlink(sandbox[name]) }
        }
    }

    private func refusal(_ name: String, _ use: FileUse = .decision) -> FileError? {
        refusal(at: sandbox[name], use)
    }

    private func refusal(
        at path: String, _ use: FileUse = .decision, reader: uid_t = geteuid()
    ) -> FileError? {
        do throws(FileError) {
            _ = try TrustedFile(path, use, reader: reader)
            return nil
        } catch {
            return error
        }
    }

    private func refusalToAppend(_ name: String, isSecret: Bool = false) -> FileError? {
        do throws(FileError) {
            _ = try TrustedFile(appending: sandbox[name], isSecret: isSecret)
            return nil
        } catch {
            return error
        }
    }
}
