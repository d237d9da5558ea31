// How many of each command run, over all loops.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote
internal import Synchronization

/// A place that a program takes from before its start until nothing of it runs. It is free again when its
/// one owner is gone.
struct Place: ~Copyable {
    private let slots: ProgramSlots
    private let command: String
    private let identity: String

    fileprivate init(_ slots: ProgramSlots, _ command: String, _ identity: String) {
        self.slots = slots
        self.command = command
        self.identity = identity
    }

    deinit { slots.leave(command, identity) }
}

/// The places that there are, by command and identity. From any thread.
final class ProgramSlots: Sendable {
    /// Two certificates of one name are one identity.
    private let running = Mutex<[String: [String: Int]]>([:])

    func take(
        _ name: String, _ identity: Identity, _ program: ProgramEntry
    ) -> Result<Place, Refusal> {
        let identity = identity.description
        let refusal: Refusal? = running.withLock { running in
            let places = running[name] ?? [:]
            guard places.values.reduce(0, +) < program.concurrency else {
                return Refusal(
                    .busy,
                    "\(program.concurrency) of \(name) are running, which is as many as may; try again later"
                )
            }
            guard places[identity] ?? 0 < program.perIdentity else {
                return Refusal(
                    .busy,
                    "\(program.perIdentity) of \(name) are running for you, which is as many as may; try again later"
                )
            }
            running[name, default: [:]][identity, default: 0] += 1
            return nil
        }
        if let refusal { return .failure(refusal) }
        return .success(Place(self, name, identity))
    }

    fileprivate func leave(_ name: String, _ identity: String) {
        running.withLock { running in
            guard let count = running[name]?[identity] else { return }
            running[name]?[identity] = count > 1 ? count - 1 : nil
            if running[name]?.isEmpty == true { running[name] = nil }
        }
    }
}
