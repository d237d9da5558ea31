// How far a session has come at the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Remote

/// What may be said of it now depends on that.
enum BrokerStage {
    /// It isn't served yet.
    case opened
    /// Nothing runs.
    case resting
    /// The other ends of a program's pipes are on their way; it is started when they have come.
    case offering(Offer)
    /// They have come, and its start is not recorded yet.
    case recording(Offer)
    /// They were on their way for too long, or its start can't be recorded: it was refused, and its client was not
    /// told yet.
    case withdrawn(Refusal)
    /// A program could not be started, and its client was not told yet.
    case unstarted
    /// A program runs whose client was not told of its end yet.
    case running(SupervisedProgram)
    /// Its end is recorded.
    case over

    func checkServed() throws(PacketError) {
        switch self {
        case .resting, .running, .offering, .recording, .withdrawn, .unstarted: break
        case .opened, .over: throw .outOfTurn("a session is not being served")
        }
    }

    func checkRests() throws(PacketError) {
        guard case .resting = self else { throw .outOfTurn("a session is still busy") }
    }

    var running: SupervisedProgram {
        get throws(PacketError) {
            guard case .running(let program) = self else {
                throw .outOfTurn("no program is running")
            }
            return program
        }
    }
}
