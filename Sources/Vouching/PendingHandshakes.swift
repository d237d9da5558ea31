// Handshakes that are signed and whose clients have not proved anything yet.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import System
internal import TLS

/// The handshakes under way on one channel, by their sessions' handles. Each is taken out for its next step and put
/// back if another one follows, so that a step that fails is the last one.
struct PendingHandshakes {
    /// What a handshake is waiting for.
    enum Step {
        /// TLS 1.3: its client's chain, or the proof with the chain in it.
        case chain(Proof)
        /// TLS 1.3: proof that its client has made it.
        case proof(Proof, ClientChain, reading: UInt32)
        /// TLS 1.2: its client's chain.
        case unproven
        /// TLS 1.2: its end, which nothing proves.
        case end(ClientChain, PeerIdentity, reading: UInt32)
    }

    /// In an object, since a dictionary can't hold noncopyable values.
    final class Proof {
        var steps: HandshakeProof
        init(_ steps: consuming HandshakeProof) { self.steps = steps }
    }

    private struct Entry {
        let step: Step
        let began: Moment
    }

    private let limit: Int
    private var entries: [Handle: Entry] = [:]
    /// In the order in which they began, including those that are gone.
    private var order: [(handle: Handle, began: Moment)] = []
    private var gone = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    /// Whether another one can begin under that handle.
    mutating func hasRoom(for handle: Handle, at now: Moment) -> Bool {
        forgetLate(now)
        return entries.count < limit && entries[handle] == nil
    }

    /// There must be room.
    mutating func begin(_ step: Step, _ handle: Handle, at now: Moment) {
        entries[handle] = Entry(step: step, began: now)
        order.append((handle, now))
    }

    /// Takes one out. It must be put back with `began` if another step follows.
    mutating func take(_ handle: Handle, at now: Moment) -> (step: Step, began: Moment)? {
        forgetLate(now)
        return entries.removeValue(forKey: handle).map { ($0.step, $0.began) }
    }

    mutating func putBack(_ step: Step, _ handle: Handle, began: Moment) {
        entries[handle] = Entry(step: step, began: began)
    }

    mutating func remove(_ handle: Handle) { entries[handle] = nil }

    private mutating func forgetLate(_ now: Moment) {
        while gone < order.count {
            let (handle, began) = order[gone]
            if entries[handle]?.began == began {
                guard now - began > HandshakeProof.patience else { break }
                entries[handle] = nil
            }
            gone += 1
        }
        if gone > order.count / 2 {
            order.removeFirst(gone)
            gone = 0
        }
    }
}
