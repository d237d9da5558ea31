// The tasks that a loop has to run.
// SPDX-License-Identifier: Apache-2.0

/// Tasks that are ready, in the order in which they became so. Those that become ready while others run wait until the
/// sockets had their turn, so that they can't starve them. Confined to a loop's thread.
final class ReadyTasks {
    private var next: [UnownedJob] = []
    private var running: [UnownedJob] = []
    /// How many of `running` have run, or begun to.
    private var begun = 0

    /// Whether none waits for a turn.
    var isEmpty: Bool { next.isEmpty }
    /// Whether this is called by one of them.
    private(set) var areRunning = false

    func add(_ job: UnownedJob) { next.append(job) }
    func add(_ jobs: [UnownedJob]) { next.append(contentsOf: jobs) }

    /// Runs those that are ready now. Not to be called by one of them.
    func run(on executor: UnownedTaskExecutor) {
        guard !next.isEmpty else { return }
        swap(&next, &running)
        areRunning = true
        unsafe runOthers(on: executor) { true }
        areRunning = false
        running.removeAll(keepingCapacity: true)
        begun = 0
    }

    /// Lets those that wait for a turn have theirs in this one.
    ///
    /// - Returns: whether there are any.
    func takeNext() -> Bool {
        running.append(contentsOf: next)
        next.removeAll(keepingCapacity: true)
        return begun < running.count
    }

    /// Runs those that are left of this turn, one after the other. May be called by one of them.
    func runOthers(on executor: UnownedTaskExecutor, while goesOn: () -> Bool) {
        while begun < running.count, goesOn() {
            let job = running[begun]
            begun += 1
            unsafe job.runSynchronously(on: executor)
        }
    }
}
