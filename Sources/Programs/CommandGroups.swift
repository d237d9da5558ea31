// The control groups of commands: created at a start, removed after the end, along with those that were left behind.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Synchronization
public import System

/// Creates a control group for each command, in this process's part of the hierarchy. Safe on any
/// thread.
public final class CommandGroups: Sendable {
    /// What commands get from them.
    public let support: ControlGroupSupport
    private let base: ControlGroup
    private let left = Mutex(Left())
    /// Who may move processes from one group to another, besides root; nil: anybody.
    private let movers: Set<UInt32>?
    private let spares = Mutex<[CommandGroup]>([])
    private let warded = Atomic(false)
    private let takesKeepers = Atomic(false)

    /// Groups whose command is over but which were not empty at that time.
    private struct Left {
        var groups: [ControlGroup] = []
        var lookedAt = Moment.now
    }

    /// The path of the group in which they are.
    var path: String { base.path }

    /// Prepares this process's part of the hierarchy, which may move this process into a group there, and removes what
    /// an earlier process left. Before this process starts others.
    ///
    /// - Throws: if there can be no groups here.
    package convenience init() throws(ControlGroupError) {
        let place = try ControlGroupPlace.find()
        self.init(base: place.base, place.prepare())
    }

    package init(base: ControlGroup, _ support: ControlGroupSupport) {
        self.base = base
        self.support = support
        movers = base.movers
        Self.sweep(base) { leave($0) }
        tidy()
    }

    // MARK: One command's

    /// A new group with its limits, except for that of memory, which is set when the program has memory of its
    /// own.
    ///
    /// - Parameters:
    ///   - isBackground: whether what is left in it may keep running.
    ///   - isAlone: whether its command has no keeper, which would remove it.
    /// - Throws: `descriptorsExhausted`, `system`.
    func make(
        _ limits: ControlGroupLimits, isBackground: Bool, isAlone: Bool
    ) throws(StreamError) -> CommandGroup {
        tidy(after: Self.patience)
        let mayBeKept = isAlone && limits == ControlGroupLimits()
        if mayBeKept, let spare = takeSpare() { return spare }
        do throws(Errno) {
            let made = try newGroup(limits, isBackground: isBackground, mayBeKept: mayBeKept)
            do throws(Errno) {
                for setting in limits.settings
                where !setting.isOptional || made.group.has(setting.file) {
                    try made.group.write(setting.text, to: setting.file)
                }
            } catch {
                try? made.group.remove()
                throw error
            }
            return made
        } catch {
            throw StreamError(
                "cannot create a control group in \(escaped(base.path))", errno: error.number)
        }
    }

    private func newGroup(
        _ limits: ControlGroupLimits, isBackground: Bool, mayBeKept: Bool
    ) throws(Errno) -> CommandGroup {
        var attempts = 3
        while true {
            let number = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            let group = base.child((isBackground ? Self.background : Self.prefix) + number)
            try group.make()
            do throws(Errno) {
                return CommandGroup(
                    group, try group.hold(),
                    mayBeKept ? group.events() : Descriptor(owning: -1), limits)
            } catch {
                try? group.remove()
                attempts -= 1
                // Another parleyd that starts may think it was left behind.
                guard attempts > 0, [EWOULDBLOCK, ENOENT].contains(error.number) else {
                    throw error
                }
            }
        }
    }

    // MARK: For the next command

    /// Takes a group back whose command is over. A few without limits are kept: to make and to remove one takes a tenth of
    /// what a short command costs. Those with limits count what was reached, and may have memory of their commands.
    ///
    /// - Parameter isKilled: whether `cgroup.kill` was written. Some kernels (seen with 6.18) kill whatever is cloned into such a
    ///   group later.
    /// - Returns: false if something is in it.
    func takeBack(_ group: CommandGroup, isKilled: Bool) -> Bool {
        if !isKilled, group.isEmpty {
            let isKept = spares.withLock { spares in
                guard spares.count < Self.mostSpares else { return false }
                spares.append(group)
                return true
            }
            if isKept { return true }
        }
        do throws(Errno) {
            try group.group.remove()
        } catch {
            return error.number != EBUSY
        }
        return true
    }

    private func takeSpare() -> CommandGroup? {
        while let spare = spares.withLock({ $0.popLast() }) {
            if spare.isEmpty { return spare }
            // Somebody has removed it, or put something into it.
            if !Self.raze(spare.group) { leave(spare.group) }
        }
        return nil
    }

    /// Removes those that are kept.
    public func removeSpares() {
        for spare in spares.withLock({ spares in
            defer { spares = [] }
            return spares
        }) { if !Self.raze(spare.group) { leave(spare.group) } }
    }

    /// Leaves a group that is not empty; it is removed when it is.
    func leave(_ group: ControlGroup) { left.withLock { $0.groups.append(group) } }

    /// Kills everything in a group, and removes it.
    ///
    /// - Returns: false if something is still there.
    static func raze(_ group: ControlGroup) -> Bool {
        do throws(Errno) {
            try group.remove()
        } catch {
            guard error.number == EBUSY else { return true }
            if !mayLiveOn(group) { try? group.kill() }
            return false
        }
        return true
    }

    // MARK: Without keepers

    /// Whether what is in these groups ends even if this process is killed (`Warden`), so that commands that can't leave
    /// them need no keepers.
    var isWarded: Bool {
        get { warded.load(ordering: .relaxed) && !takesKeepers.load(ordering: .relaxed) }
        set { warded.store(newValue, ordering: .relaxed) }
    }

    /// The system refuses to start anything without a keeper.
    func needKeepers() { takesKeepers.store(true, ordering: .relaxed) }

    /// Whether a user who is not root can't move a process out of its group here.
    func areClosed(to user: UInt32) -> Bool { movers.map { !$0.contains(user) } ?? false }

    // MARK: What was left

    /// Kills what is left in groups that nobody has any more, unless it may live on, and removes those that are empty.
    /// Whoever has a group holds a lock on its folder, in whatever PID namespace.
    ///
    /// - Parameter remains: called with each that is not empty.
    /// - Returns: whether somebody has one whose processes may not live on.
    @discardableResult
    static func sweep(_ base: ControlGroup, remains: (ControlGroup) -> Void) -> Bool {
        var isHeld = false
        for name in base.children where isOurs(name) {
            let group = base.child(name)
            guard let lock = try? group.hold() else {
                if !mayLiveOn(group) { isHeld = true }
                continue
            }
            if !raze(group) { remains(group) }
            _ = consume lock
        }
        return isHeld
    }

    /// Removes those that are empty by now.
    ///
    /// - Parameter pause: since the last time: not at each start, since what is left running may do so for
    ///   years.
    public func tidy(after pause: Duration = .zero) {
        left.withLock { left in
            guard !left.groups.isEmpty, left.lookedAt + pause <= .now else { return }
            left.groups.removeAll(where: Self.raze)
            left.lookedAt = .now
        }
    }

    static func mayLiveOn(_ group: ControlGroup) -> Bool {
        group.name.hasPrefix(background)
    }

    private static func isOurs(_ name: String) -> Bool {
        let digits = name.dropFirst((name.hasPrefix(background) ? background : prefix).count)
        return name.hasPrefix(prefix) && !digits.isEmpty
            && digits.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    private static let prefix = "parley-"
    private static let background = "parley-background-"
    private static let mostSpares = 16
    private static let patience = Duration.seconds(60)
}

/// A command's group. With a keeper, only until its program is started in it.
final class CommandGroup: Sendable {
    let group: ControlGroup
    let limits: ControlGroupLimits
    /// Locked as long as it, or a keeper's copy, is open.
    let folder: Descriptor
    /// Its events; below zero if it is never kept for another command.
    private let events: Descriptor

    /// Whether nothing is in it, as far as that matters.
    fileprivate var isEmpty: Bool {
        let empty = Array("populated 0".utf8)
        var text = [UInt8](repeating: 0, count: empty.count)
        let count = unsafe pread(events.number, &text, text.count, 0)
        return count == text.count && text == empty
    }

    fileprivate init(
        _ group: ControlGroup, _ folder: consuming Descriptor, _ events: consuming Descriptor,
        _ limits: ControlGroupLimits
    ) {
        self.group = group
        self.folder = folder
        self.events = events
        self.limits = limits
    }
}
