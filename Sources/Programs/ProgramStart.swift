// What to start, and how.
// SPDX-License-Identifier: Apache-2.0
public import System

/// A program, and what applies to it from its start to the end of everything it started.
public struct ProgramStart: Sendable {
    /// An absolute path, which is the program's `argv[0]` as well.
    public var path: String
    /// The arguments after `argv[0]`; none contains a NUL.
    public var arguments: [String]
    /// By name; neither names nor values contain a NUL. Its environment has nothing else.
    public var environment: [String: String]
    /// The absolute path of the directory it runs in.
    public var directory: String
    /// As in umask(2).
    public var umask: UInt32
    /// Whether it gets a pipe as its standard input, or nothing.
    public var takesInput: Bool
    /// How long its processes have between SIGTERM and SIGKILL, and how long what it left behind may
    /// keep its output open.
    public var grace: Duration
    /// Whether what it leaves behind when it ends by itself may keep running.
    public var isBackground: Bool
    /// Nil for those of this process, unchanged.
    public var rights: ProgramRights?
    /// Where it has a control group of its own; nil if it has none.
    public var groups: CommandGroups?
    /// The limits of that group. Those of controllers that `groups` doesn't have keep it from
    /// starting.
    public var limits: ControlGroupLimits

    /// All of them as described at the properties; nothing is checked before the start.
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
