// How many instances of each command are running, across all loops.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote
internal import Synchronization

/// A place that a program holds from before its start until nothing of it runs. It becomes free again
/// when its only owner is gone.
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

/// The places, by command and identity. Safe on any thread.
final class ProgramSlots: Sendable {
    private struct Running {
        /// By command and identity.
        var commands: [String: [String: Int]] = [:]
        /// By identity, across all commands.
        var identities: [String: Int] = [:]
    }

    /// Two certificates with the same name are one identity.
    private let running = Mutex(Running())

    /// - Parameter maxPerIdentity: the limit across all commands.
    func take(
        _ name: String, _ identity: Identity, _ program: ProgramEntry, maxPerIdentity: Int
    ) -> Result<Place, Refusal> {
        let identity = identity.description
        let refusal: Refusal? = running.withLock { running in
            let places = running.commands[name] ?? [:]
            guard places.values.reduce(0, +) < program.concurrency else {
                return Refusal(
                    .concurrency,
                    "\(name) has reached its limit of concurrent runs (\(program.concurrency)); try again later"
                )
            }
            guard places[identity] ?? 0 < program.perIdentity else {
                return Refusal(
                    .perIdentity,
                    "you have reached your limit of concurrent runs of \(name) (\(program.perIdentity)); try again later"
                )
            }
            guard running.identities[identity] ?? 0 < maxPerIdentity else {
                return Refusal(
                    .identityPrograms,
                    "you have reached your limit of concurrent programs (\(maxPerIdentity)); try again when one of them has ended"
                )
            }
            running.commands[name, default: [:]][identity, default: 0] += 1
            running.identities[identity, default: 0] += 1
            return nil
        }
        if let refusal { return .failure(refusal) }
        return .success(Place(self, name, identity))
    }

    fileprivate func leave(_ name: String, _ identity: String) {
        running.withLock { running in
            Self.remove(identity, from: &running.commands[name, default: [:]])
            if running.commands[name]?.isEmpty == true { running.commands[name] = nil }
            Self.remove(identity, from: &running.identities)
        }
    }

    private static func remove(_ identity: String, from counts: inout [String: Int]) {
        guard let count = counts[identity] else { return }
        counts[identity] = count > 1 ? count - 1 : nil
    }
}

extension CommandTable {
    /// How many programs one identity may have running unless an option says so: a quarter of all that may run at
    /// once, but at least as many as the table allows it of one command.
    var programsOfOneIdentity: Int {
        let limits = programs.map(\.program)
        let all = limits.reduce(0) { $0 + $1.concurrency }
        let one = limits.map { min($0.perIdentity, $0.concurrency) }.max() ?? 1
        return max(all / 4, one)
    }
}
