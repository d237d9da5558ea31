// How many handshakes may be under way, and for how long.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite struct PendingHandshakeTests {
    /// Two at most, with times in seconds.
    private final class Pending {
        private var pending = PendingHandshakes(limit: 2)
        var count: Int { pending.count }

        private func moment(_ seconds: Double) -> Moment {
            Moment(nanoseconds: 1_000_000_000_000) + .seconds(seconds)
        }

        func begin(_ handle: Handle, at now: Double) {
            pending.begin(.unproven, handle, at: moment(now))
        }

        func hasRoom(for handle: Handle, at now: Double) -> Bool {
            pending.hasRoom(for: handle, at: moment(now))
        }

        func take(_ handle: Handle, at now: Double) -> Bool {
            pending.take(handle, at: moment(now)) != nil
        }

        /// Takes it out for a step that another one follows.
        func goOn(_ handle: Handle, at now: Double) -> Bool {
            guard let (step, began) = pending.take(handle, at: moment(now)) else { return false }
            pending.putBack(step, handle, began: began)
            return true
        }

        func remove(_ handle: Handle) { pending.remove(handle) }
    }

    private let pending = Pending()

    @Test func aStep_isTakenOnce() {
        pending.begin(1, at: 0)
        #expect(!pending.take(2, at: 0))
        #expect(pending.take(1, at: 0))
        #expect(!pending.take(1, at: 0))
    }

    @Test func aHandshake_hasTenSecondsFromItsBeginning_overAllItsSteps() {
        pending.begin(1, at: 0)
        #expect(pending.goOn(1, at: 9))
        #expect(pending.goOn(1, at: 10))
        #expect(!pending.take(1, at: 10.001))
        #expect(pending.count == 0)
    }

    @Test func whatIsLate_makesRoom_andNothingElseDoes() {
        pending.begin(1, at: 0)
        pending.begin(2, at: 5)
        #expect(!pending.hasRoom(for: 3, at: 10))
        #expect(pending.hasRoom(for: 3, at: 11))
        // By that handle one is under way.
        #expect(!pending.hasRoom(for: 2, at: 11))
        #expect(pending.hasRoom(for: 2, at: 16))
        #expect(pending.count == 0)
    }

    /// The later one of a handle must not end with the time of the first.
    @Test func aHandleThatBeginsAgain_hasItsOwnTime() {
        pending.begin(1, at: 0)
        pending.remove(1)
        pending.begin(1, at: 8)
        #expect(pending.goOn(1, at: 12))
        #expect(!pending.take(1, at: 19))
    }

    /// Whoever begins and gives up all the time leaves nothing.
    @Test func manyThatEnd_leaveRoom() {
        var now = 0.0
        for handle in 0..<10_000 as Range<Handle> {
            #expect(pending.hasRoom(for: handle, at: now))
            pending.begin(handle, at: now)
            if handle % 2 == 0 { pending.remove(handle) } else { now += 11 }
        }
        #expect(pending.count <= 1)
    }

    // MARK: The server's own time for a handshake

    /// `--handshake-timeout` may be longer; what a client proves then is refused, and said so.
    @Test func whoTakesLongerThanAProofMay_isRefused_whateverTheServersTime() throws {
        let ends = try ProofEnds.shared
        let network = try OwnedNetwork(ends.server(.p256))
        let made = try network.made(ends.client(.p256))
        network.now = network.now + .seconds(15)
        guard case .refused(let why) = try network.ask(made.proof) else {
            Issue.record("it is proved")
            return
        }
        #expect(why.contains("too late"), "\(why)")
        #expect(network.clients.count == 0)
        // The next one has its time again.
        let next = try network.made(ends.client(.p256), as: 2)
        #expect(try network.ask(next.proof) == .proven)
    }
}
