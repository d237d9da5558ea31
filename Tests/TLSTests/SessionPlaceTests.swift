// When a session has a place, and when that is free again.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite struct SessionPlaceTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    @Test func aPlace_isTakenByTheProof_andFreeAgainWithTheClient() throws {
        let network = try OwnedNetwork(ends.server(.p256), places: 1)
        let made = try network.made(ends.client(.p256))
        // Whoever only shows a chain has proved nothing, and holds nothing.
        #expect(network.places.free == 1 && network.places.asked.isEmpty)
        #expect(try network.ask(made.proof) == .proven)
        #expect(network.places.free == 0)
        let client = try #require(network.clients[1]?.proven)
        #expect(network.places.asked == [client.identity.description])
        network.clients.remove(1)
        #expect(network.places.free == 1)
    }

    @Test func aClientThatIsTurnedAway_isKnown_andHoldsNothing() throws {
        let network = try OwnedNetwork(ends.server(.p256), places: 0)
        let made = try network.made(ends.client(.p256))
        #expect(try network.ask(made.proof) == .turnedAway(TestPlaces.refusal))
        let client = try #require(network.clients[1])
        #expect(client.turnedAway == TestPlaces.refusal && client.proven != nil)
        _ = try network.ask(DropCall(handle: 1))
        #expect(network.clients.count == 0)
    }

    @Test func eachEnd_givesThePlaceBackOnce() throws {
        let network = try OwnedNetwork(ends.server(.p256), places: 3)
        for handle in 1...3 as ClosedRange<Handle> {
            let made = try network.made(ends.client(.p256), as: handle)
            #expect(try network.ask(made.proof) == .proven)
            // Once more, and for nobody's place.
            #expect(try network.ask(made.proof) != .proven)
        }
        #expect(network.places.free == 0)
        _ = try network.ask(DropCall(handle: 1))
        _ = try network.ask(DropCall(handle: 1))
        #expect(network.places.free == 1)
        network.clients.removeAll()
        #expect(network.places.free == 3)
    }

    @Test func aProofThatFails_takesNoPlace() throws {
        let network = try OwnedNetwork(ends.server(.p256), places: 1)
        var proof = try network.made(ends.client(.p256)).proof
        proof.messages[proof.messages.count - 1] ^= 1
        #expect(try network.ask(proof) != .proven)
        #expect(network.places.free == 1)
    }

    /// Strangers may show anybody's chain, and hold nobody's places with it while their handshakes last.
    @Test func tls12_hasAPlaceWhenTheHandshakeIsOver() throws {
        let network = try OwnedNetwork(ends.server(.p256, minimum: .tls12), places: 1)
        let pair = try network.pair(ends.client(.p256) { $0.limit(to: TLS1_2_VERSION) })
        try pair.establish()
        #expect(network.places.free == 1 && network.clients[1] == nil)
        let end = ProofCall(handle: 1, messages: [])
        #expect(try network.ask(end) == .proven)
        #expect(network.places.free == 0 && network.clients[1]?.proven == nil)
        #expect(network.places.asked == [pair.server.stream.peerIdentity?.description])
        #expect(try network.ask(end) != .proven)
    }

    @Test func aHandshakeOfTLS13_isNotEndedWithoutItsProof() throws {
        let network = try OwnedNetwork(ends.server(.p256), places: 1)
        _ = try network.made(ends.client(.p256))
        #expect(try network.ask(ProofCall(handle: 1, messages: [])) != .proven)
        #expect(network.places.free == 1 && network.clients[1] == nil)
    }
}
