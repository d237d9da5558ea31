// The limits of a command that has a control group of its own.
// SPDX-License-Identifier: Apache-2.0

/// A controller of control groups (cgroups(7)), by its name.
public enum Controller: String, CaseIterable, Sendable {
    case memory, pids, cpu

    /// The name of its limit in the command table and in records.
    public var limit: String {
        switch self {
        case .memory: "memory"
        case .pids: "processes"
        case .cpu: "cpu"
        }
    }
}

/// What all processes of a command together may have; nil: as much as there is.
public struct ControlGroupLimits: Hashable, Sendable {
    /// In bytes; none of it is swapped out. If more is needed, the whole command is killed.
    public var memory: Int?
    /// How many processes and threads there may be at once; no more can be created then.
    public var processes: Int?
    /// A share of one core: 1.5 is one and a half cores.
    public var cpu: Double?

    /// All as described at the properties.
    public init(memory: Int? = nil, processes: Int? = nil, cpu: Double? = nil) {
        self.memory = memory
        self.processes = processes
        self.cpu = cpu
    }

    /// Which controllers it requires.
    public var controllers: Set<Controller> {
        var controllers: Set<Controller> = []
        if memory != nil { controllers.insert(.memory) }
        if processes != nil { controllers.insert(.pids) }
        if cpu != nil { controllers.insert(.cpu) }
        return controllers
    }

    /// What to write to a new group's files, in this order. `memory.max` is not among them: it is set when the
    /// program has memory of its own.
    package var settings: [Setting] {
        var settings: [Setting] = []
        if memory != nil {
            // A command of which one process was killed would be reported as complete.
            settings.append(Setting("memory.oom.group", "1"))
            // It is missing if the kernel doesn't swap, or doesn't count what it swaps.
            settings.append(Setting("memory.swap.max", "0", isOptional: true))
        }
        if let processes { settings.append(Setting("pids.max", String(processes))) }
        if let cpu {
            let quota = max(1_000, Int((cpu * Double(Self.period)).rounded()))
            settings.append(Setting("cpu.max", "\(quota) \(Self.period)"))
        }
        return settings
    }

    /// A file of a group, and what to write to it.
    package struct Setting {
        package let file: String
        package let text: String
        /// Whether the file may be missing.
        package let isOptional: Bool

        init(_ file: String, _ text: String, isOptional: Bool = false) {
            self.file = file
            self.text = text
            self.isOptional = isOptional
        }
    }

    /// In microseconds, the kernel's default.
    private static let period = 100_000
}
