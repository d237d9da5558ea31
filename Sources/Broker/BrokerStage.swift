// How far a session has progressed at the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// What may be said about it now depends on that.
enum BrokerStage {
    /// It isn't being served yet.
    case opened
    /// Nothing is running.
    case resting
    /// A command was refused, and its client is told when its turn comes.
    case refusing(Timer)
    /// The start of a program is not recorded yet.
    case recording(Offer)
    /// A program could not be started, and its client has not been told yet.
    case unstarted(PipeDelivery)
    /// A program is running whose client has not been told of its end yet.
    case running(SupervisedProgram, PipeDelivery)
    /// Its end is recorded.
    case over

    func checkServed() throws(PacketError) {
        switch self {
        case .resting, .refusing, .running, .recording, .unstarted: break
        case .opened, .over: throw .outOfTurn("a session is not being served")
        }
    }

    func checkRests() throws(PacketError) {
        guard case .resting = self else { throw .outOfTurn("a session is still busy") }
    }
}
