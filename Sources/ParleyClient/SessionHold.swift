// What keeps a session open, on any thread.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Synchronization

/// Owns a session that is confined to its loop, and closes it with its last reference.
@safe
final class SessionHold: Sendable {
    /// Retained once; released on the loop, where what it consists of must end.
    private let core: LoopBound<Unmanaged<SessionCore>>
    private let commands = Atomic<Int>(0)

    /// On the loop's thread.
    init(_ core: SessionCore, loop: EventLoop) {
        unsafe self.core = unsafe LoopBound(Unmanaged.passRetained(core), to: loop)
    }

    deinit {
        unsafe core.execute { core in
            let core = unsafe core.takeRetainedValue()
            core.abort(.closed("the session was closed"))
        }
    }

    /// Calls with the session on its loop, in the order of the calls.
    func execute(_ call: @escaping @Sendable (SessionCore) -> Void) {
        unsafe core.execute { unsafe call($0.takeUnretainedValue()) }
    }

    /// Waits until the session is closed.
    func close() async {
        await withCheckedContinuation { waiting in
            execute { core in
                let closing = core.close()
                Task {
                    await closing.value
                    waiting.resume()
                }
            }
        }
    }

    /// A number for the next command, greater than all before.
    func number() -> Int { commands.add(1, ordering: .relaxed).newValue }
}
