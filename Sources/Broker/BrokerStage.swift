// How far a session has progressed at the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets

/// What may be said about it now depends on that.
enum BrokerStage {
    /// It isn't being served yet.
    case opened
    /// Nothing is running.
    case resting
    /// A command was refused, and its client is to be told when its turn comes.
    case refusing(Timer)
    /// The other ends of a program's pipes are on their way; it is started when they have arrived.
    case offering(Offer)
    /// They have arrived, and its start is not recorded yet.
    case recording(Offer)
    /// They were on their way for too long, or its start can't be recorded: it was refused, and its client has not
    /// been told yet.
    case withdrawn(Refusal)
    /// A program could not be started, and its client has not been told yet.
    case unstarted
    /// A program is running whose client has not been told of its end yet.
    case running(SupervisedProgram)
    /// Its end is recorded.
    case over

    func checkServed() throws(PacketError) {
        switch self {
        case .resting, .refusing, .running, .offering, .recording, .withdrawn, .unstarted: break
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
