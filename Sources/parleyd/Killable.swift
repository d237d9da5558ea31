// A program whose end the server may not live to see.
// SPDX-License-Identifier: Apache-2.0

/// A program that is killed along with the server if it runs for too long.
protocol Killable: AnyObject {
    /// The server is stopping at once: whatever runs is killed, and this is the record of its end.
    func recordKill()
}
