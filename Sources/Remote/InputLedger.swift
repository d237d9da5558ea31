// Which command incoming input belongs to, and how much of it may come.
// SPDX-License-Identifier: Apache-2.0
package import Sockets

/// The commands that input was requested for and whose input has not ended, oldest first. Only the
/// last of them can still run.
package struct InputLedger {
    /// How many bytes may still come for each.
    private var credits: [Int] = []
    private var lastIsRunning = false

    package init() {}

    /// Notes that more input is requested for the running command.
    package mutating func want(_ count: Int) {
        if !lastIsRunning {
            credits.append(0)
            lastIsRunning = true
        }
        credits[credits.count - 1] += count
    }

    /// Notes that input arrived.
    ///
    /// - Returns: whether it is the running command's.
    /// - Throws: `malformed` if it was not requested.
    @discardableResult
    package mutating func receive(_ count: Int) throws(StreamError) -> Bool {
        guard let credit = credits.first, count <= credit else {
            throw .malformed("more input arrived than was requested")
        }
        credits[0] -= count
        return firstIsRunning
    }

    /// An input has ended.
    ///
    /// - Returns: whether it was the running command's.
    /// - Throws: `malformed` if none was requested.
    @discardableResult
    package mutating func end() throws(StreamError) -> Bool {
        guard !credits.isEmpty else { throw .malformed("an input ended that was not requested") }
        let wasRunning = firstIsRunning
        credits.removeFirst()
        if wasRunning { lastIsRunning = false }
        return wasRunning
    }

    /// The running command has ended.
    ///
    /// - Throws: `malformed` if a client never ends its inputs.
    package mutating func exited() throws(StreamError) {
        lastIsRunning = false
        guard credits.count <= Self.maxOpen else {
            throw .malformed("\(credits.count) inputs did not end")
        }
    }

    private var firstIsRunning: Bool { lastIsRunning && credits.count == 1 }

    /// A client ends each input when it reads the exit, so that only what it pipelined is open.
    private static let maxOpen = 8_192
}
