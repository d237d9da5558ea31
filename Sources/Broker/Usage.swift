// What a command transferred.
// SPDX-License-Identifier: Apache-2.0
package import System

/// What a command transferred, and how long it took.
package struct Usage: Sendable {
    /// As counted by its network process, unless that had no part in it; nil if it was not reported in time.
    package var traffic: Traffic?
    /// The program's process; nil if it could not be started.
    package var pid: Int32?
    /// From its start until its client was told of its end, or nobody waited for that any more.
    package var duration: Duration
    /// Processes that it had left behind when it ended by itself, and that were ended afterwards.
    package var leftEnded = 0
    /// Part of it could not be ended and is still running.
    package var isLeftRunning = false
    /// Limits of its control group that it has reached.
    package var reached: Set<Controller> = []

    /// Nothing was transferred if nothing is reported.
    package init(_ traffic: Traffic? = Traffic(), pid: Int32? = nil, duration: Duration = .zero) {
        self.traffic = traffic
        self.pid = pid
        self.duration = duration
    }
}
