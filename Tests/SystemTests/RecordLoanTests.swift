// Records that a group may read.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RecordLoanTests {
    private let sandbox: TemporaryFolder

    init() throws { sandbox = try TemporaryFolder() }

    /// One that this process may give its files to, and that they don't have by themselves where there is such a group.
    private static let group: KnownGroup = {
        guard geteuid() != 0 else { return KnownGroup(name: "61003", number: 61_003) }
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = unsafe getgroups(Int32(groups.count), &groups)
        let other = groups.prefix(Int(max(0, count))).first { $0 != getegid() }
        let number = other ?? getegid()
        return KnownGroup(name: String(number), number: number)
    }()

    private func facts(_ name: String) -> (mode: mode_t, group: gid_t)? {
        var status = stat()
        guard unsafe stat(sandbox[name], &status) == 0 else { return nil }
        return (status.st_mode & 0o7777, status.st_gid)
    }

    private func refusal(
        _ path: String, isTrial: Bool, _ group: KnownGroup = Self.group
    ) -> FileError? {
        do throws(FileError) {
            if isTrial {
                try TrustedFile.examine(appending: path, readableBy: group)
            } else {
                _ = try TrustedFile(appending: path, readableBy: group)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test func aFileThatIsMade_isForItsGroup() throws {
        #expect(refusal(sandbox["f"], isTrial: true) == nil)
        #expect(facts("f") == nil)
        #expect(refusal(sandbox["f"], isTrial: false) == nil)
        #expect(try #require(facts("f")) == (0o640, Self.group.number))
    }

    /// Whatever it was before: nobody but the group may read it then.
    @Test(arguments: [0o600, 0o640, 0o644, 0o604, 0o755, 0o2640] as [mode_t])
    func aFileThatIsThere_isGivenToItsGroup(mode: mode_t) throws {
        try sandbox.file("f", mode)
        let before = try #require(facts("f"))
        #expect(refusal(sandbox["f"], isTrial: true) == nil)
        #expect(try #require(facts("f")) == before)
        #expect(refusal(sandbox["f"], isTrial: false) == nil)
        #expect(try #require(facts("f")) == (0o640, Self.group.number))
    }

    @Test func whatOthersCanWrite_isRefused_andNotMended() throws {
        try sandbox.file("f", 0o660)
        #expect(refusal(sandbox["f"], isTrial: false)?.code == .writableByOthers)
        #expect(facts("f")?.mode == 0o660)
    }

    @Test(arguments: ["pipe", "device", "/dev/null"], [false, true])
    func whatIsNoRegularFile_isRefused(name: String, isTrial: Bool) throws {
        try #require(unsafe mkfifo(sandbox["pipe"], 0o600) == 0)
        try sandbox.link("device", "/dev/null")
        let path = name.hasPrefix("/") ? name : sandbox[name]
        let error = try #require(refusal(path, isTrial: isTrial))
        #expect(error.code == .notLent)
        #expect(error.sentence.hasPrefix("it is not a regular file"))
        #expect(try #require(facts("pipe")).mode == 0o600)
    }

    /// Whoever opened it has decided who reads it.
    @Test(arguments: [false, true]) func whatWasHandedOver_isRefused(isTrial: Bool) throws {
        try sandbox.file("f", 0o600)
        let file = Descriptor(owning: unsafe open(sandbox["f"], O_WRONLY | O_CLOEXEC))
        let error = try #require(refusal("/dev/fd/\(file.number)", isTrial: isTrial))
        #expect(error.code == .notLent)
        #expect(error.sentence.contains("opened by whoever started this process"))
        #expect(facts("f")?.mode == 0o600)
    }

    /// In a process of its own, which has no rights.
    @Test func whoMayNotGiveItAway_isToldTheCommand_andNothingIsMade() async {
        await #expect(processExitsWith: .success) {
            let isRoot = geteuid() == 0
            let folder = try TemporaryFolder.make(in: "/tmp")
            let group = KnownGroup(name: "61003", number: 61_003)
            for name in ["mine", "lent"] {
                close(unsafe open("\(folder)/\(name)", O_WRONLY | O_CREAT, 0o600))
            }
            unsafe mkdir("\(folder)/s", 0o750)
            if isRoot {
                for (name, owner) in [
                    ("", 61_001), ("/mine", 61_001), ("/s", 61_003), ("/lent", 61_003),
                ] {
                    unsafe chown(folder + name, 61_001, gid_t(owner))
                }
                unsafe chmod(folder + "/lent", 0o640)
                unsafe chmod(folder + "/s", 0o2750)
                try #require(setgroups(0, nil) == 0)
                try #require(setgid(61_001) == 0 && setuid(61_001) == 0)
            }
            func refusal(_ name: String, isTrial: Bool) -> FileError? {
                do throws(FileError) {
                    let path = "\(folder)/\(name)"
                    if isTrial {
                        try TrustedFile.examine(appending: path, readableBy: group)
                    } else {
                        _ = try TrustedFile(appending: path, readableBy: group)
                    }
                    return nil
                } catch {
                    return error
                }
            }
            func mode(_ name: String) -> mode_t? {
                var status = stat()
                return unsafe stat("\(folder)/\(name)", &status) == 0
                    ? status.st_mode & 0o7777 : nil
            }
            for isTrial in [true, false] {
                let mine = try #require(refusal("mine", isTrial: isTrial))
                try #require(mine.code == .notLent && mode("mine") == 0o600)
                try #require(
                    mine.sentence.hasSuffix(
                        "run as root: chgrp 61003 \(folder)/mine && chmod 640 \(folder)/mine"))
                let new = try #require(refusal("new", isTrial: isTrial))
                try #require(new.code == .notLent && mode("new") == nil)
                try #require(
                    new.sentence.hasSuffix("as root: chgrp 61003 \(folder) && chmod g+s \(folder)"))
                guard isRoot else { continue }
                // Both are as root has made them, which is all that is needed.
                try #require(refusal("lent", isTrial: isTrial) == nil)
                try #require(refusal("s/new", isTrial: isTrial) == nil)
                try #require(mode("s/new") == (isTrial ? nil : 0o640))
            }
            TemporaryFolder.remove(folder)
            exit(0)
        }
    }

    // MARK: Names

    @Test func aGroup_isNamedOrNumbered() throws {
        #expect(try KnownGroup("root") == KnownGroup(name: "root", number: 0))
        #expect(try KnownGroup("0") == KnownGroup(name: "root", number: 0))
        #expect(try KnownGroup("61003") == KnownGroup(name: "61003", number: 61_003))
    }

    @Test(arguments: ["", "no such group", "root\0", "-1", "+5", "4294967295", "99999999999"])
    func anythingElse_isNoGroup(text: String) throws {
        #expect(try KnownGroup(text) == nil)
    }
}
