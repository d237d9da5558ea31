// Who a session's client is, and what it may do, when the first is heard of it.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets
import System
import Testing

@testable import Broker
@testable import Console
@testable import Remote
@testable import TLS
@testable import TestSupport
@testable import Vouching
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct ReceptionTests {
    /// A broker of our certificates. Confined to its loop.
    private final class Broker {
        let office: Office
        let clients = ShownClients(limit: 10)
        let reception: Reception

        init(_ loop: EventLoop) throws {
            let options = try Certificates.shared.get().options()
            office = try Office(
                options, nil, loop: loop, log: Log(program: "parleyd", loop: loop),
                policy: try Policy(options), loops: 1)
            reception = Reception(office, clients, loop: 0)
        }

        func knows(
            _ handle: Handle, reading: UInt32, speaking name: String? = "parley/1",
            isProven: Bool = true, turnedAway: Refusal? = nil
        ) throws {
            let alice = try Certificates.shared.get().alice(
                reading: reading, speaking: name, isProven: isProven, turnedAway: turnedAway)
            #expect(clients.add(alice, as: handle))
        }

        func reload(_ set: String) throws {
            let context = try Certificates.shared.get().context(set)
            try office.enforce(Policy(after: office.policy, context: context))
        }

        func desk(_ handle: Handle) -> any SessionDesk { reception.desk(handle) }
    }

    @Test func aClient_isWhoItHasProvedToBe() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0)
            #expect(broker.desk(1).identity?.names == ["email:alice@example.org"])
            #expect(broker.desk(1).objection == nil)
            #expect(broker.desk(2).identity == nil)
        }
    }

    @Test(arguments: [
        ("chat", true), (nil, true), ("parley/1x", true), ("parley/1", false),
    ])
    func aClientThatHasNotAskedForCommands_isNobodyForThem(
        _ name: String?, _ isProven: Bool
    ) async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0, speaking: name, isProven: isProven)
            #expect(broker.desk(1).identity == nil)
            // Who asks all the same is not the client, but a network process in other hands.
            var pair = try PacketPair()
            var end: PostEnd?
            let link = try NetworkLink(
                pair.takeOne(), loop: loop, maxSessions: 2, office: broker.reception
            ) { end = $0 }
            let network = try PostChannel(
                owning: pair.takeOther(), loop: loop, limit: 1 << 20, received: { _ in },
                ended: { _ in })
            network.send(
                BeganPost(handle: 1, number: 1, address: "", conversation: "parley/1").packet)
            network.send(
                RunPost(
                    handle: 1, request: Request(name: "whoami", arguments: []), wasCancelled: false
                ).packet)
            try await eventually("the channel is ended") { end != nil }
            guard case .failed(let error) = end else {
                Issue.record("it ended as \(end as Any)")
                return
            }
            #expect(error.code == .malformed)
            #expect(broker.clients.count == 0)
            withExtendedLifetime((link, network)) {}
        }
    }

    /// Its chain was accepted, and is not any more when the first is heard of its session.
    @Test func aClientThatWasRevokedSinceItsHandshake_mayNothing() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0)
            try broker.reload("theirs")
            let desk = broker.desk(1)
            #expect(desk.objection?.code == .notAllowed)
            let entry = try CommandTable(
                text: "{commands: {a: {run: ['/bin/true'], allow: ['anyone']}}}", name: "t")["a"]
            guard let entry, case .program(let program) = entry.action,
                case .failure(let refusal) = desk.admit(entry, program, [])
            else {
                Issue.record("it may start something")
                return
            }
            #expect(refusal.code == .notAllowed)
            #expect(broker.office.counts.programs == 0)
        }
    }

    /// One that was verified under another reading is verified again, and one that is good is let in.
    @Test func aClientOfAnotherReading_isVerifiedUnderWhatIsInForce() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0)
            try broker.reload("ours")
            #expect(broker.desk(1).objection == nil)
            try broker.reload("theirs")
            #expect(broker.desk(1).objection != nil)
            // Open sessions are asked again at each reading.
            let desk = broker.desk(1)
            try broker.reload("ours")
            #expect(desk.objection == nil)
            try broker.reload("theirs")
            #expect(desk.objection != nil)
        }
    }

    /// A table's reading changes no key, so that no connection's signature and no client is an old one by it.
    @Test func aTablesReload_isAnotherGeneration_withTheSameKey() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            let old = broker.office.policy
            try broker.office.enforce(Policy(after: old, table: .tutorial))
            let new = broker.office.policy
            #expect(new.generation == old.generation + 1 && new.key == old.key)
            #expect(new.context === old.context)
            let ring = try #require(broker.office.ring)
            #expect(ring.inForce.number == old.key && ring.reading(1) == nil)
            try broker.knows(1, reading: 0)
            #expect(broker.desk(1).objection == nil)
            try broker.reload("ours")
            let next = broker.office.policy
            #expect(next.generation == new.generation + 1 && next.key == old.key + 1)
            #expect(ring.inForce.number == next.key && ring.reading(old.key) != nil)
        }
    }

    /// A client known by a handle is not replaced, and there is only room for as many as there are
    /// sessions.
    @Test func aHandle_isOneClients() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0)
            let other = try Certificates.shared.get().alice(reading: 0, isProven: false)
            #expect(!broker.clients.add(other, as: 1))
            #expect(broker.clients[1]?.proven != nil)
            for handle in 2...10 as ClosedRange<Handle> { try broker.knows(handle, reading: 0) }
            #expect(!broker.clients.add(other, as: 11))
            #expect(broker.clients.count == 10)
        }
    }

    @Test func aClient_isForgottenWithItsSession() async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            try broker.knows(1, reading: 0)
            broker.reception.sessionEnded(1)
            #expect(broker.clients.count == 0)
            broker.reception.say(connections: 0)
            #expect(broker.office.counts.sessions == 0)
        }
    }

    /// The network process says that a session has begun: it has no place all the same.
    @Test(arguments: [true, false])
    func aSessionWithoutAPlace_doesNotBegin(_ isProven: Bool) async throws {
        try await onLoop { loop in
            let broker = try Broker(loop)
            let refusal = Refusal(.identitySessions, "too many")
            for handle in [1, 2] as [Handle] {
                try broker.knows(handle, reading: 0, isProven: isProven, turnedAway: refusal)
            }
            #expect(broker.desk(1).turnedAway == refusal)
            var pair = try PacketPair()
            var end: PostEnd?
            let link = try NetworkLink(
                pair.takeOne(), loop: loop, maxSessions: 2, office: broker.reception
            ) { end = $0 }
            let network = try PostChannel(
                owning: pair.takeOther(), loop: loop, limit: 1 << 20, received: { _ in },
                ended: { _ in })
            network.send(
                HandshakeFailedPost(handle: 1, number: 1, address: "", code: "x", reason: "")
                    .packet)
            network.send(ClosedPost(handle: 1).packet)
            try await eventually("the first is forgotten") { broker.clients.count == 1 }
            #expect(end == nil)
            network.send(
                BeganPost(handle: 2, number: 2, address: "", conversation: "parley/1").packet)
            try await eventually("the channel is ended") { end != nil }
            #expect(broker.clients.count == 0)
            withExtendedLifetime((link, network)) {}
        }
    }
}
