// Who is let in before a handshake, across all loops.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Synchronization
internal import System

/// The strangers of the network process, behind a lock that is held for a few hundred nanoseconds at each arrival, departure
/// and failure, but never for a byte. Safe on any thread.
final class Door: Sendable {
    let limits: StrangerLimits
    private let strangers: Mutex<Strangers>

    init(_ limits: StrangerLimits) {
        self.limits = limits
        strangers = Mutex(Strangers(limits))
    }

    func withStrangers<R: Sendable>(_ call: (inout Strangers) -> R) -> R {
        strangers.withLock { call(&$0) }
    }
}
