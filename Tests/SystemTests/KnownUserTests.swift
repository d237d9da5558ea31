// Users by their names, and what the kernel lets them do.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KnownUserTests {
    @Test func user_isWhatTheSystemHasOfTheName() throws {
        let root = try #require(try KnownUser(name: "root"))
        #expect(root.account.name == "root")
        #expect(root.account.home == "/root")
        #expect(root.numbers.user == 0 && root.numbers.group == 0)
        let nobody = try #require(try KnownUser(name: "nobody"))
        #expect(nobody.numbers.user == 65_534)
        #expect(nobody.numbers.groups.contains(nobody.numbers.group))
    }

    @Test(arguments: [
        "", "no such user", "root\u{0}x", "0", "ROOT", String(repeating: "x", count: 70_000),
    ])
    func name_thatNobodyHas_isNone(name: String) throws {
        #expect(try KnownUser(name: name) == nil)
    }

    // MARK: Access

    @Test(.enabled(if: geteuid() == 0)) func root_becomesAnybody() {
        #expect(UserAccess.obstacle(becoming: Self.web) == nil)
        #expect(UserAccess.obstacle(becoming: UserNumbers(user: 0, group: 0)) == nil)
    }

    @Test(.enabled(if: geteuid() != 0)) func nobodyElse_becomesAnybody() {
        #expect(UserAccess.obstacle(becoming: Self.web) == Errno(EPERM))
        let folder = UserAccess.refusal(of: Self.web, .execute, "/", keepsCapabilities: false)
        #expect(folder == Errno(EPERM))
    }

    @Test(
        .enabled(if: geteuid() == 0),
        arguments: [
            (61_001, 0, 0o100, true, false), (61_001, 0, 0o500, true, true),
            (61_001, 0, 0o055, false, false),
            (0, 61_002, 0o010, true, false), (0, 61_003, 0o040, false, true),
            (0, 61_003, 0o705, false, false),
            (0, 0, 0o750, false, false), (0, 0, 0o001, true, false), (0, 0, 0o705, true, true),
        ] as [(uid_t, gid_t, mode_t, Bool, Bool)])
    func user_mayDoWhatItsNumbersMay(
        owner: uid_t, group: gid_t, mode: mode_t, mayExecute: Bool, mayRead: Bool
    ) throws {
        let folder = try TemporaryFolder()
        try folder.mode("", 0o711)
        try folder.file("f", mode)
        try folder.owner("f", owner, group)
        #expect(isAllowed(.execute, folder["f"]) == mayExecute)
        #expect(isAllowed(.read, folder["f"]) == mayRead)
        try folder.mode("", 0o700)
        #expect(!isAllowed(.execute, folder["f"]))
    }

    @Test(.enabled(if: geteuid() == 0)) func root_mayDoMoreOnlyWithItsCapabilities() throws {
        let folder = try TemporaryFolder()
        try folder.folder("d", 0o700)
        try folder.owner("d", 61_001)
        let root = UserNumbers(user: 0, group: 0, groups: [0])
        func refusal(_ keeps: Bool) -> Errno? {
            UserAccess.refusal(of: root, .execute, folder["d"], keepsCapabilities: keeps)
        }
        #expect(refusal(false) == Errno(EACCES))
        #expect(refusal(true) == nil)
        // Nobody else has any to keep.
        #expect(
            UserAccess.refusal(of: Self.web, .execute, "/root", keepsCapabilities: true)
                == UserAccess.refusal(of: Self.web, .execute, "/root", keepsCapabilities: false))
    }

    @Test(.enabled(if: geteuid() == 0)) func asking_changesNothingHere() throws {
        let folder = try TemporaryFolder()
        try folder.file("f", 0o700)
        for _ in 0..<100 { #expect(!isAllowed(.execute, folder["f"])) }
        #expect(unsafe access(folder["f"], X_OK) == 0)
        #expect(geteuid() == 0 && getegid() == 0)
    }

    @Test(.enabled(if: geteuid() == 0)) func path_thatIsNotThere_isToldAsSuch() {
        let reason = UserAccess.refusal(
            of: Self.web, .execute, "/no such file", keepsCapabilities: false)
        #expect(reason == Errno(ENOENT))
    }

    private func isAllowed(_ purpose: UserAccess.Purpose, _ path: String) -> Bool {
        UserAccess.refusal(of: Self.web, purpose, path, keepsCapabilities: false) == nil
    }

    private static let web = UserNumbers(user: 61_001, group: 61_002, groups: [61_002, 61_003])
}
