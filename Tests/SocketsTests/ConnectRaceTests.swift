// Connecting to several addresses of which some are dead.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ConnectRaceTests {
    @Test func aDeadAddress_costsTheDelayAndNoMore() async throws {
        try await onLoop { loop in
            let dead = try SilentListener()
            let live = try Listener.local()
            let arrivals = try Arrivals(live, loop: loop)
            let started = loop.now
            let socket = try await race(
                [dead.address, live.address], delay: .seconds(0.05), on: loop
            ).socket(deadlines: Deadlines())
            let elapsed = loop.now - started
            #expect(socket?.peer == live.address)
            #expect(elapsed >= .milliseconds(50))
            // The loop's clock stands still while it does not run, so that a busy machine shows.
            #expect(elapsed < .seconds(5))
            _ = await arrivals.next()
        }
    }

    @Test func aDeadAddress_keepsNoConnectUnderWay() async throws {
        try await onLoop { loop in
            let dead = try SilentListener()
            let live = try Listener.local()
            let arrivals = try Arrivals(live, loop: loop)
            let socket = try await race(
                [dead.address, live.address], delay: .seconds(0.01), on: loop
            ).socket(deadlines: Deadlines())
            #expect(socket != nil)
            _ = await arrivals.next()
            #expect(dead.attempts == 0)
        }
    }

    @Test func aRefusal_isNotWaitedAfter() async throws {
        try await onLoop { loop in
            let bound = try RawSocket(boundTo: localAddress("127.0.0.1"))
            let refusing = try localAddress("127.0.0.1", bound.endpoint.port)
            let live = try Listener.local()
            let arrivals = try Arrivals(live, loop: loop)
            let race = race([refusing, refusing, live.address], delay: .seconds(1_000), on: loop)
            #expect(try await race.socket(deadlines: Deadlines())?.peer == live.address)
            #expect(race.failures[refusing]?.code == .refused)
            _ = await arrivals.next()
            _ = consume bound
        }
    }

    @Test func aLiveAddress_leavesTheOthersAlone() async throws {
        try await onLoop { loop in
            let live = try Listener.local()
            let other = try Listener.local()
            let arrivals = try Arrivals(live, loop: loop)
            let arrived = Shared(0)
            let acceptor = try Acceptor(other, loop: loop) { _ in
            } accepted: { _, _ in
                arrived.value += 1
            }
            let socket = try await race(
                [live.address, other.address], delay: .seconds(1_000), on: loop
            ).socket(deadlines: Deadlines())
            #expect(socket?.peer == live.address)
            _ = await arrivals.next()
            await turns(20)
            #expect(arrived.value == 0)
            acceptor.stop()
        }
    }

    @Test func whereNoneAnswers_thereIsNothingAtTheDeadline() async throws {
        try await onLoop { loop in
            let (first, second) = (try SilentListener(), try SilentListener())
            let race = ConnectRace(
                [first.address, second.address], within: .seconds(0.2), delay: .seconds(0.1),
                loop: loop)
            let started = loop.now
            #expect(try await race.socket(deadlines: Deadlines()) == nil)
            #expect(race.failures.isEmpty)
            #expect(loop.now - started >= .milliseconds(200))
        }
    }

    @Test func everyAddress_isTried_whereTheTimeIsShorterThanTheDelays() async throws {
        try await onLoop { loop in
            let dead = try SilentListener()
            let live = try Listener.local()
            let arrivals = try Arrivals(live, loop: loop)
            let race = ConnectRace(
                [dead.address, live.address], within: .seconds(2), delay: .seconds(1_000),
                loop: loop)
            #expect(try await race.socket(deadlines: Deadlines())?.peer == live.address)
            _ = await arrivals.next()
        }
    }

    @Test func whereAllRefuse_itIsOverAtOnce() async throws {
        try await onLoop { loop in
            let bound = try RawSocket(boundTo: localAddress("127.0.0.1"))
            let refusing = try localAddress("127.0.0.1", bound.endpoint.port)
            let race = race([refusing], delay: .seconds(1_000), on: loop)
            #expect(try await race.socket(deadlines: Deadlines()) == nil)
            #expect(race.failures[refusing]?.code == .refused)
            _ = consume bound
        }
    }

    @Test func cancelled_triesNoFurtherAddress() async throws {
        try await onLoop { loop in
            let silent = try SilentListener()
            let other = try Listener.local()
            let arrived = Shared(0)
            let acceptor = try Acceptor(other, loop: loop) { _ in
            } accepted: { _, _ in
                arrived.value += 1
            }
            let race = race([silent.address, other.address], delay: .seconds(1_000), on: loop)
            let racing = loop.spawn {
                await failureCode { () async throws(StreamError) in
                    try await race.socket(deadlines: Deadlines())
                }
            }
            try await silent.isTried()
            racing.cancel()
            #expect(await racing.value == .cancelled)
            await turns(20)
            #expect(arrived.value == 0)
            acceptor.stop()
        }
    }

    @Test(arguments: [
        ("", ""), ("6", "6"), ("44", "44"), ("66644", "64646"), ("4466", "4646"), ("6444", "6444"),
    ])
    func families_takeTurns(_ given: String, _ order: String) throws {
        let addresses = try given.enumerated().map { index, family in
            try localAddress(family == "4" ? "127.0.0.1" : "::1", UInt16(index + 1))
        }
        let result = Socket.alternating(addresses)
        #expect(result.map { $0.family == .ipv4 ? "4" : "6" }.joined() == order)
        // Within a family the resolver's order stays.
        for family in [SocketAddress.Family.ipv4, .ipv6] {
            let ports = result.filter { $0.family == family }.map(\.port)
            #expect(ports == ports.sorted())
        }
        #expect(Set(result) == Set(addresses))
    }

    private func race(
        _ addresses: [SocketAddress], delay: Duration, on loop: EventLoop
    ) -> ConnectRace {
        // Far more than the delays of all of them.
        ConnectRace(addresses, within: .seconds(1_000_000), delay: delay, loop: loop)
    }
}
