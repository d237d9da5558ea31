// Where control groups can be made, by texts of the kernel's and folders in place of a hierarchy.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

@Suite struct ControlGroupPlaceTests {
    /// A folder that looks like a hierarchy, of which some groups were handed over.
    private struct Tree {
        let folder: TemporaryFolder

        init(_ groups: [String]) throws {
            folder = try TemporaryFolder()
            for group in [""] + groups {
                if !group.isEmpty { try folder.folder(group) }
                for file in ["cgroup.procs", "cgroup.subtree_control", "cgroup.type"] {
                    // The first of all has no type.
                    if group.isEmpty, file == "cgroup.type" { continue }
                    try folder.file(group.isEmpty ? file : "\(group)/\(file)", 0o644, "")
                }
            }
        }

        func find(
            _ own: String, root: String = "/", isManaged: Bool = false
        ) throws(ControlGroupError) -> ControlGroupPlace {
            let point = folder.path.replacing(" ", with: "\\040")
            return try .find(
                mounts: """
                    23 1 0:21 / /proc rw - proc proc rw
                    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw
                    35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
                    41 31 0:38 \(root) \(point) rw,relatime shared:1 master:2 - cgroup2 cgroup2 rw

                    """,
                groups: "4:memory:/x\n3:cpu,cpuacct:/\n0::\(own)\n", isManaged: isManaged)
        }

        func delegate(_ group: String) -> Bool {
            // Swift's Glibc module doesn't have it.
            typealias Call =
                @convention(c) (
                    UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, Int, Int32
                ) -> Int32
            guard let symbol = unsafe dlsym(nil, "setxattr") else { return false }
            let call = unsafe unsafeBitCast(symbol, to: Call.self)
            return unsafe call(folder[group], "user.delegate", "1", 1, 0) == 0
        }
    }

    @Test(arguments: [
        ("/", "/", ""), ("/a", "/", "a"), ("/a/b", "/", "a/b"), ("/a/b", "/a", "b"),
        ("/a", "/a", ""), ("/a/parley-server", "/", "a"),
    ])
    func place_isThisProcesssGroup_whereNobodyManagesGroups(
        own: String, root: String, base: String
    ) throws {
        let tree = try Tree(["a", "a/b", "b", "a/parley-server"])
        let place = try tree.find(own, root: root)
        #expect(place.base.path == (base.isEmpty ? tree.folder.path : tree.folder[base]))
        #expect(place.base.isRoot == base.isEmpty)
        #expect(place.elsewhere == [.memory, .cpu])
    }

    @Test(arguments: [("/gone", "/"), ("/../b", "/"), ("/ab", "/a"), ("/b", "/a")])
    func place_isMissing_whereTheGroupCannotBeSeen(own: String, root: String) throws {
        let tree = try Tree(["a", "b", "ab"])
        let error = #expect(throws: ControlGroupError.self) { try tree.find(own, root: root) }
        #expect(error?.code == .missing)
        #expect(error?.sentence.contains(own) == true)
    }

    @Test func place_isMissing_whereNoHierarchyIsMounted() {
        for (mounts, groups) in [
            ("", "0::/\n"), ("1 2 0:1 / /x rw - cgroup2\n", "1:memory:/\n"),
            ("x - cgroup2", "0::/"),
        ] {
            let error = #expect(throws: ControlGroupError.self) {
                try ControlGroupPlace.find(mounts: mounts, groups: groups, isManaged: false)
            }
            #expect(error?.code == .missing)
        }
    }

    /// systemd's tree is systemd's.
    @Test func place_mustBeHandedOver_whereSystemdManagesGroups() throws {
        let tree = try Tree(["x.service", "x.service/server", "x.service/y.scope"])
        for own in ["/", "/x.service", "/x.service/server"] {
            let error = #expect(throws: ControlGroupError.self) {
                try tree.find(own, isManaged: true)
            }
            #expect(error?.code == .notDelegated)
            #expect(error?.sentence.contains("Delegate=yes") == true)
        }
        // Not every file system for temporary files has attributes.
        guard tree.delegate("x.service") else { return }
        #expect(try tree.find("/x.service", isManaged: true).base.name == "x.service")
        #expect(try tree.find("/x.service/server", isManaged: true).base.name == "x.service")
        // Another manager's unit, such as a user's.
        #expect(throws: ControlGroupError.self) {
            try tree.find("/x.service/y.scope", isManaged: true)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everything"))
    func place_isRefused_whereItCannotBeChanged() throws {
        let tree = try Tree(["a"])
        try tree.folder.mode("a/cgroup.procs", 0o444)
        let error = #expect(throws: ControlGroupError.self) { try tree.find("/a") }
        #expect(error?.code == .refused)
    }

    @Test func mountPoint_mayHaveBlanks() throws {
        let folder = try TemporaryFolder()
        try folder.folder("a b")
        for file in ["cgroup.procs", "cgroup.subtree_control"] { try folder.file("a b/\(file)") }
        let place = try ControlGroupPlace.find(
            mounts: "1 2 0:1 / \(folder.path)/a\\040b rw - cgroup2 c rw\n", groups: "0::/\n",
            isManaged: false)
        #expect(place.base.path == folder["a b"])
    }
}
