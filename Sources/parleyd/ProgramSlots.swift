// How many of each command run, over all loops.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Sessions
internal import Synchronization

/// The places that programs take while they run. From any thread.
final class ProgramSlots: Sendable {
    /// By command and identity. Two certificates of one name are one identity.
    private let running = Mutex<[String: [String: Int]]>([:])

    /// Takes a place; `leave` must follow.
    func take(
        _ name: String, _ identity: Identity, _ program: ProgramEntry
    ) -> Refusal? {
        running.withLock { running in
            let places = running[name] ?? [:]
            guard places.values.reduce(0, +) < program.concurrency else {
                return Refusal(
                    .busy,
                    "\(program.concurrency) of \(name) are running, which is as many as may; try again later"
                )
            }
            guard places[identity.description] ?? 0 < program.perIdentity else {
                return Refusal(
                    .busy,
                    "\(program.perIdentity) of \(name) are running for you, which is as many as may; try again later"
                )
            }
            running[name, default: [:]][identity.description, default: 0] += 1
            return nil
        }
    }

    func leave(_ name: String, _ identity: Identity) {
        running.withLock { running in
            guard let count = running[name]?[identity.description] else { return }
            running[name]?[identity.description] = count > 1 ? count - 1 : nil
            if running[name]?.isEmpty == true { running[name] = nil }
        }
    }
}
