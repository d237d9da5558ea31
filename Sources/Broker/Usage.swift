// What a command moved.
// SPDX-License-Identifier: Apache-2.0
package import System

/// What a command moved, and how long it took.
package struct Usage: Sendable {
    /// As its network process counted; nil where it did not say in time.
    package var traffic: Traffic?
    /// The program's process; nil where it could not be started.
    package var pid: Int32?
    /// From its start until its client was told of its end, or nobody waited for that any more.
    package var duration: Duration
    /// Processes that it had left behind when it ended by itself, and that were ended after it.
    package var leftEnded = 0
    /// Something of it could not be ended and runs on.
    package var isLeftRunning = false
    /// Limits of its control group that it has reached.
    package var reached: Set<Controller> = []

    /// Nothing moved where nothing is said.
    package init(_ traffic: Traffic? = Traffic(), pid: Int32? = nil, duration: Duration = .zero) {
        self.traffic = traffic
        self.pid = pid
        self.duration = duration
    }
}
