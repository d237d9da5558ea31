// Refusals whose answers wait, since their client has had too many.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Broker
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RefusalDelayTests {
    @Test func aRefusal_isRecordedAtOnce_andToldWhenItsTurnComes() async throws {
        try await onLoop { loop in
            let office = try TestOffice("hi: {reply: \"hi\"}")
            office.refusalDelay = .milliseconds(200)
            let network = try TestNetwork(office, loop)
            network.begin()
            let began = loop.now
            network.run("nothing")
            try await eventually("it is recorded") { office.refusals.count == 1 }
            #expect(network.kinds.isEmpty)
            try await network.hears(.refused)
            #expect(Moment.now - began >= .milliseconds(200))
            network.run("hi")
            try await network.hears(.refused, .answered)
            #expect(network.end == nil)
        }
    }

    @Test func aSessionThatIsClosedMeanwhile_isToldNothing() async throws {
        try await onLoop { loop in
            let office = try TestOffice("hi: {reply: \"hi\"}")
            office.refusalDelay = .milliseconds(50)
            let network = try TestNetwork(office, loop)
            network.begin()
            network.run("nothing")
            network.say(ClosedPost(handle: 1))
            try await eventually("it is closed") { office.closed == 1 }
            network.begin(2)
            network.run("hi", [], 2)
            office.refusalDelay = .zero
            try await network.hears(.answered)
            #expect(network.end == nil)
        }
    }
}
