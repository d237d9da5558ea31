// Which controllers are enabled for control groups, and what is said of those that can't be.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite struct ControlGroupSupportTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A folder in place of a group, with this process in it or not.
    private func place(
        offers: String, enabled: String = "", processes: String = "", isRoot: Bool = false,
        elsewhere: Set<Controller> = []
    ) throws -> ControlGroupPlace {
        try folder.file("cgroup.controllers", 0o644, offers)
        try folder.file("cgroup.subtree_control", 0o644, enabled)
        try folder.file("cgroup.procs", 0o644, processes)
        if !isRoot { try folder.file("cgroup.type") }
        // A folder that is made has no files, unlike a group.
        try folder.folder("parley-server")
        try folder.file("parley-server/cgroup.procs", 0o644, "")
        let base = ControlGroup(folder.path)
        return ControlGroupPlace(base: base, own: base, elsewhere: elsewhere)
    }

    private var moved: String? { base.child("parley-server").read("cgroup.procs") }
    private var asked: String? { base.read("cgroup.subtree_control") }
    private var base: ControlGroup { ControlGroup(folder.path) }
    private static let all = Set(Controller.allCases)

    @Test func processMovesAside_beforeControllersAreEnabled() throws {
        let place = try place(offers: "cpuset memory\n", processes: "\(getpid())\n")
        #expect(place.examine().controllers == [.memory])
        #expect((moved, asked) == ("", ""), "nothing may be changed")
        _ = place.prepare()
        #expect((moved, asked) == ("0", "+memory"))
    }

    /// The first of all groups may have both.
    @Test func processStays_whereItIsInTheFirstGroup() throws {
        _ = try place(offers: "pids", processes: "1\n2\n", isRoot: true).prepare()
        #expect((moved, asked) == ("", "+pids"))
    }

    @Test func processStays_whereControllersAreEnabledAlready() throws {
        let place = try place(offers: "cpu pids memory", enabled: "cpu memory pids")
        #expect(place.prepare().controllers == Self.all)
        #expect(place.prepare().shortage == nil)
        #expect((moved, asked) == ("", "cpu memory pids"))
    }

    @Test func otherProcesses_areLeftWhereTheyAre() throws {
        let place = try place(offers: "cpu pids memory", processes: "\(getpid())\n1\n")
        for support in [place.examine(), place.prepare()] {
            #expect(support.place == folder.path)
            #expect(support.controllers.isEmpty)
            #expect(support.shortage?.contains("processes other than parleyd") == true)
        }
        #expect((moved, asked) == ("", ""))
    }

    @Test func controllersThatAreMissing_areNamed() throws {
        let some = try place(offers: "memory", enabled: "memory").examine()
        #expect(some.controllers == [.memory])
        #expect(some.shortage?.contains("no controllers pids, cpu") == true)
    }

    @Test func controllersOfTheFirstVersion_areToldAsThat() throws {
        let old = try place(offers: "hugetlb", elsewhere: Self.all).examine()
        #expect(old.shortage?.contains("in cgroup v1") == true)
    }

    @Test func limits_areWrittenAsTheKernelHasThem() {
        #expect(ControlGroupLimits().settings.isEmpty)
        let limits = ControlGroupLimits(memory: 1 << 26, processes: 7, cpu: 1.5)
        #expect(limits.controllers == Self.all)
        #expect(
            limits.settings.map { "\($0.file) \($0.text)" } == [
                "memory.oom.group 1", "memory.swap.max 0", "pids.max 7", "cpu.max 150000 100000",
            ])
        // The kernel takes no less.
        #expect(ControlGroupLimits(cpu: 0.001).settings.map(\.text) == ["1000 100000"])
    }
}
