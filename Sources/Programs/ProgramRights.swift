// Whose rights a program has, and how it is isolated from its neighbours.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
public import System

/// The rights of a program and of everything it starts.
public struct ProgramRights: Hashable, Sendable {
    /// Whose they are; nil for the user of this process. Requires root.
    public var user: UserNumbers?
    /// Whether set-user-ID programs such as sudo can give it more, and it has root's capabilities if it
    /// is root. Without this it has no capabilities, not even as root, gains none through any program
    /// (`no_new_privs`), and can signal only itself and what it starts, if the kernel can restrict
    /// signals (`Landlock.scopesSignals`); that restriction would apply to what sudo starts as well.
    public var mayGain: Bool

    /// Both as the properties say.
    public init(user: UserNumbers? = nil, mayGain: Bool = false) {
        self.user = user
        self.mayGain = mayGain
    }

    /// Whether `mayGain` gives anything by set-id programs: not where this process was itself started with
    /// `no_new_privs`, which nobody can take back.
    public static var canBeGained: Bool { parley_gains_nothing() == 0 }
}

/// Rights in the form that C needs, which remain valid until the program was started.
@safe
final class RightsMemory {
    let rights: UnsafeMutablePointer<parley_rights>
    private let groups: UnsafeMutableBufferPointer<UInt32>

    init(_ given: ProgramRights) {
        unsafe groups = .allocate(capacity: given.user?.groups.count ?? 0)
        _ = unsafe groups.initialize(from: given.user?.groups ?? [])
        unsafe rights = .allocate(capacity: 1)
        var value = unsafe parley_rights()
        if let user = given.user {
            unsafe value.has_account = 1
            unsafe value.user = user.user
            unsafe value.group = user.group
            unsafe value.groups = UnsafePointer(groups.baseAddress)
            unsafe value.group_count = groups.count
        }
        unsafe value.may_gain = given.mayGain ? 1 : 0
        unsafe value.has_signal_scope = !given.mayGain && Landlock.scopesSignals ? 1 : 0
        unsafe rights.initialize(to: value)
    }

    deinit {
        unsafe rights.deallocate()
        unsafe groups.deallocate()
    }
}
