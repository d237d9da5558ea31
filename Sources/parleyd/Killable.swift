// A program whose end the server may not live to see.
// SPDX-License-Identifier: Apache-2.0

/// A program that is killed with the server where it runs for too long.
protocol Killable: AnyObject {
    /// The server ends at once: what runs is killed, and this is its end's record.
    func recordKill()
}
