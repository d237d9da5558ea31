// Where this process may create control groups.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why this process can't create control groups.
package typealias ControlGroupError = Fault<ControlGroups>

/// The domain of `ControlGroupError`.
package enum ControlGroups: FaultDomain {}

extension Fault<ControlGroups>.Code {
    /// There is no hierarchy here, or this process's group can't be seen in it.
    package static let missing = Self(rawValue: "missing")
    /// Only systemd may change it.
    package static let notDelegated = Self(rawValue: "notDelegated")
    /// The kernel doesn't let this process change it.
    package static let refused = Self(rawValue: "refused")
}

/// The part of a hierarchy that this process may change.
package struct ControlGroupPlace: Hashable, Sendable {
    /// Where groups can be created.
    package let base: ControlGroup
    /// Where this process is: in `base`, or in a group inside it.
    package let own: ControlGroup
    /// Controllers that this machine has in cgroup v1 hierarchies, so that no v2 group can have them.
    package let elsewhere: Set<Controller>

    /// Where this process's groups would be. Changes nothing.
    package static func find() throws(ControlGroupError) -> Self {
        // A tree that systemd manages belongs to systemd, except for what it has delegated (systemd's
        // CGROUP_DELEGATION).
        let isManaged = unsafe access("/run/systemd/system", F_OK) == 0
        guard let mounts = file("/proc/self/mountinfo"), let groups = file("/proc/self/cgroup")
        else {
            throw ControlGroupError(
                .missing, "/proc, which shows parleyd's control group, is not mounted")
        }
        return try find(mounts: mounts, groups: groups, isManaged: isManaged)
    }

    /// The same, from the texts of two files in `/proc/self`.
    ///
    /// - Parameters:
    ///   - mounts: `mountinfo`.
    ///   - groups: `cgroup`.
    ///   - isManaged: whether systemd manages this machine's groups.
    package static func find(
        mounts: String, groups: String, isManaged: Bool
    ) throws(ControlGroupError) -> Self {
        let lines = groups.split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("0::") }) else {
            throw ControlGroupError(.missing, "no cgroup v2 hierarchy is mounted on this machine")
        }
        let own = try group(String(line.dropFirst(3)), mounts)
        let base: ControlGroup
        if !isManaged {
            // This program, restarted from within its own group.
            base = own.name == serverName ? own.parent : own
        } else if own.isDelegated {
            base = own
        } else if own.parent.isDelegated, !isUnit(own.name) {
            // Where systemd starts a unit's main process (DelegateSubgroup=) and its control processes (.control).
            base = own.parent
        } else {
            throw ControlGroupError(
                .notDelegated,
                "systemd has not delegated \(escaped(own.path)) to parleyd; set Delegate=yes in parleyd's unit"
            )
        }
        if let reason = base.refusal {
            throw ControlGroupError(
                .refused, "parleyd may not change \(escaped(base.path)) (\(reason))",
                cause: .system(reason))
        }
        let old = lines.filter { !$0.hasPrefix("0::") }.flatMap {
            $0.split(separator: ":").dropFirst().first?.split(separator: ",") ?? []
        }
        return Self(
            base: base, own: own,
            elsewhere: Set(old.compactMap { Controller(rawValue: String($0)) }))
    }

    /// The folder of a group that `/proc/self/cgroup` names.
    private static func group(
        _ path: String, _ mounts: String
    ) throws(ControlGroupError) -> ControlGroup {
        var isMounted = false
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            // The type comes after a hyphen, which any number of fields may precede.
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: "-"),
                hyphen + 1 < fields.count, fields[hyphen + 1] == "cgroup2"
            else { continue }
            isMounted = true
            let root = unescaped(fields[3])
            let point = unescaped(fields[4])
            guard let rest = path.below(root) else { continue }
            let group = ControlGroup(rest.isEmpty ? point : "\(point)/\(rest)")
            if group.has("cgroup.procs") { return group }
        }
        throw ControlGroupError(
            .missing,
            isMounted
                ? "parleyd's control group, \(escaped(path)), is not in any cgroup v2 hierarchy mounted here"
                : "no cgroup v2 hierarchy is mounted here")
    }

    /// Decodes blanks as proc(5) writes them, in three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isUnit(_ name: Substring) -> Bool {
        [".slice", ".service", ".scope"].contains { name.hasSuffix($0) }
    }

    private static func file(_ path: String) -> String? {
        let descriptor = Descriptor(owning: unsafe open(path, O_RDONLY | O_CLOEXEC))
        guard descriptor.number >= 0 else { return nil }
        return String(decoding: descriptor.contents(), as: UTF8.self)
    }

    /// The group that this process moves into, because a group with processes can't have controllers for
    /// the groups inside it.
    package static let serverName = "parley-server"
}

extension String {
    /// The rest of a path below a folder; nil if it isn't below it.
    fileprivate func below(_ folder: String) -> String? {
        if folder == "/" { return String(drop { $0 == "/" }) }
        guard hasPrefix(folder) else { return nil }
        let rest = dropFirst(folder.count)
        guard rest.isEmpty || rest.first == "/" else { return nil }
        return String(rest.drop { $0 == "/" })
    }
}
