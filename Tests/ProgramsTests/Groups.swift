// A control group of one test's own, in which programs have theirs.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System

@testable import Programs

/// A group in this process's part of the hierarchy; gone with its last reference, with all that is in it.
final class Groups: Sendable {
    let base: ControlGroup
    let groups: CommandGroups

    init() throws {
        base = try Self.prepared.get().base.child(
            "parley-test-\(UInt32.random(in: 0...UInt32.max))")
        try base.make()
        for controller in Self.controllers {
            try base.write("+\(controller.rawValue)", to: "cgroup.subtree_control")
        }
        groups = Self.groups(base)
    }

    /// Those in which commands need no keepers; nil where there can be none.
    static func warded() throws -> Groups? {
        guard Holder.missing == nil else { return nil }
        let groups = try Groups()
        groups.groups.isWarded = true
        return groups
    }

    deinit {
        try? base.kill()
        for _ in 0..<1_000 {
            for name in base.children { try? base.child(name).remove() }
            if (try? base.remove()) != nil { return }
            usleep(1_000)
        }
    }

    /// Whether no group of a command's has anything in it: some are kept for the next.
    var areEmpty: Bool { base.children.allSatisfy { base.child($0).processes.isEmpty } }

    /// As a parleyd that starts has it.
    static func groups(_ base: ControlGroup) -> CommandGroups {
        CommandGroups(base: base, ControlGroupSupport(in: base, controllers, shortage: nil))
    }

    /// Why tests can have none; nil where they can.
    static var missing: String? {
        switch prepared {
        case .success: nil
        case .failure(let error): error.sentence
        }
    }

    /// Those whose limits can be in force.
    static var controllers: Set<Controller> { (try? prepared.get().base.enabled) ?? [] }

    private static let prepared = Result { () throws(ControlGroupError) in
        let place = try ControlGroupPlace.find()
        _ = place.prepare()
        return place
    }
}
