// Which control groups and which limits commands have here.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What commands get from control groups.
public struct ControlGroupSupport: Hashable, Sendable {
    /// The folder in which each command has a group; nil: none has.
    public let place: String?
    /// Those whose limits can be enforced.
    public let controllers: Set<Controller>
    /// Why commands have no groups, or not every limit can be enforced, as a sentence without a full stop; nil if
    /// everything is available.
    public let shortage: String?

    /// Nobody has a group.
    ///
    /// - Parameter shortage: why, as a sentence without a full stop.
    public init(without shortage: String) {
        place = nil
        controllers = []
        self.shortage = shortage
    }

    package init(in place: ControlGroup, _ controllers: Set<Controller>, shortage: String?) {
        self.place = place.path
        self.controllers = controllers
        self.shortage = shortage
    }

    /// What this process would have if it prepared for it. Changes nothing.
    public static func examine() -> Self {
        do throws(ControlGroupError) {
            return try ControlGroupPlace.find().examine()
        } catch {
            return Self(without: error.description)
        }
    }
}

extension ControlGroupPlace {
    /// What `prepare` would achieve.
    func examine() -> ControlGroupSupport {
        let offered = base.controllers
        let missing = offered.subtracting(base.enabled)
        guard !missing.isEmpty, let reason = obstacle else { return support(offered, nil) }
        return support(base.enabled, reason)
    }

    /// Enables controllers, and moves this process into a group of its own if they need that.
    package func prepare() -> ControlGroupSupport {
        let missing = base.controllers.subtracting(base.enabled)
        guard !missing.isEmpty else { return support(base.enabled, nil) }
        if let obstacle { return support(base.enabled, obstacle) }
        do throws(Errno) {
            if !base.isRoot, own == base { try moveAside() }
            for controller in missing {
                try base.write("+\(controller.rawValue)", to: "cgroup.subtree_control")
            }
        } catch {
            return support(
                base.enabled, "controllers cannot be enabled in \(escaped(base.path)) (\(error))")
        }
        return support(base.enabled, nil)
    }

    /// Why controllers can't be enabled for the groups in it.
    private var obstacle: String? {
        let others = base.processes.contains { $0 != getpid() }
        guard !base.isRoot, others else { return nil }
        return
            "processes other than parleyd are in \(escaped(base.path)), so no controllers can be enabled in it; start parleyd in a control group of its own"
    }

    private func moveAside() throws(Errno) {
        let server = base.child(Self.serverName)
        do throws(Errno) {
            try server.make()
        } catch {
            // The group of another parleyd, or of an earlier one.
            guard error.number == EEXIST else { throw error }
        }
        try server.write("0", to: "cgroup.procs")
    }

    private func support(_ controllers: Set<Controller>, _ reason: String?) -> ControlGroupSupport {
        let missing = Controller.allCases.filter { !controllers.contains($0) }
        guard !missing.isEmpty else {
            return ControlGroupSupport(in: base, controllers, shortage: nil)
        }
        let names = missing.map(\.rawValue).joined(separator: ", ")
        let sentence =
            reason
            ?? (elsewhere.isSuperset(of: missing)
                ? "\(escaped(base.path)) has no controllers \(names), which this machine has in cgroup v1; boot it with cgroup v2 only"
                : "\(escaped(base.path)) has no controllers \(names); ask whoever manages it to enable them")
        return ControlGroupSupport(in: base, controllers, shortage: sentence)
    }
}
