// Whose rights a program has, and how it is kept from its neighbours.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
public import System

/// The rights of a program and of all that it starts.
public struct ProgramRights: Hashable, Sendable {
    /// Whose they are; nil for the user of this process. Needs root.
    public var user: UserNumbers?
    /// Whether set-id programs such as sudo give it more, and capabilities if it is root's. Without this
    /// it has no capability, not even as root, gains none by any program (`no_new_privs`), and can
    /// signal nobody but itself and what it starts, where the kernel has a scope for signals
    /// (`Landlock.scopesSignals`); that scope would hold for what sudo starts as well.
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

/// Rights as C has them, which stay until the program was started.
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
