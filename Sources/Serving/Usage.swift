// What a command moved.
// SPDX-License-Identifier: Apache-2.0

/// What a command moved, and how long it took.
public struct Usage: Sendable {
    /// The program's process; nil where it could not be started.
    public var pid: Int32?
    /// Bytes of input that came for it.
    public var bytesIn = 0
    /// Bytes that it wrote to its output within its limit, whoever took them.
    public var bytesOut = 0
    /// The same of its error output; the limit is for both together.
    public var bytesError = 0
    /// From its start until its client was told of its end.
    public var duration = Duration.zero
    /// Processes that it had left behind when it ended by itself, and that were ended after it.
    public var leftEnded = 0
    /// Something of it could not be ended and runs on.
    public var isLeftRunning = false
    /// Nothing moved yet.
    public init() {}
}
