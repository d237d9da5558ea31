// What to start, and how.
// SPDX-License-Identifier: Apache-2.0
public import System

/// A program, and what holds for it from its start to the end of all that it started.
public struct ProgramStart: Sendable {
    /// An absolute path, which is the program's `argv[0]` as well.
    public var path: String
    /// Behind `argv[0]`; none contains a NUL.
    public var arguments: [String]
    /// By their names, neither of which nor a value contains a NUL; there is nothing else in its
    /// environment.
    public var environment: [String: String]
    /// An absolute path, where it runs.
    public var directory: String
    /// As umask(2) has it.
    public var umask: UInt32
    /// Whether it gets a pipe as its standard input, or nothing.
    public var takesInput: Bool
    /// How long its processes have between SIGTERM and SIGKILL, and what it left behind may hold its
    /// output open.
    public var grace: Duration
    /// Whether what it leaves behind when it ends by itself lives on.
    public var isBackground: Bool
    /// Nil for those of this process, as they are.
    public var rights: ProgramRights?
    /// Where it has a control group of its own; nil: it has none.
    public var groups: CommandGroups?
    /// What that group bounds. Those of controllers that `groups` doesn't have keep it from starting.
    public var limits: ControlGroupLimits

    /// All of them as the properties say; nothing is looked at before the start.
    public init(
        path: String, arguments: [String], environment: [String: String], directory: String,
        umask: UInt32 = 0o077, takesInput: Bool, grace: Duration = .seconds(5),
        isBackground: Bool = false, rights: ProgramRights? = nil, groups: CommandGroups? = nil,
        limits: ControlGroupLimits = ControlGroupLimits()
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.umask = umask
        self.takesInput = takesInput
        self.grace = grace
        self.isBackground = isBackground
        self.rights = rights
        self.groups = groups
        self.limits = limits
    }
}
