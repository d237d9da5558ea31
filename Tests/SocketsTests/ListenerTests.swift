// Listening and accepting, on one loop and on several, and what accepting survives.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    // MARK: Addresses

    @Test(arguments: hasIPv6 ? ["127.0.0.1", "0.0.0.0", "::1", "::"] : ["127.0.0.1", "0.0.0.0"])
    func portZero_isThePortThatTheKernelChose(host: String) async throws {
        try await onLoop { loop in
            let listener = try Listener.local(host)
            #expect(listener.address.port != 0)
            #expect(listener.address.host == host)
            let arrivals = try Arrivals(listener, loop: loop)
            let client = try await Socket.connect(
                to: listener.endpoint, within: .seconds(10), deadlines: Deadlines(), loop: loop)
            let server = await arrivals.next()
            #expect(client.peer?.port == listener.address.port)
            #expect(server.peer != nil)
        }
    }

    /// Nobody sets them at an accepted connection.
    @Test func connections_haveTheirListenersOptions() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            var options: [Int32] = []
            await withCheckedContinuation { done in
                var client: RawSocket?
                var acceptor: Acceptor?
                acceptor = try? Acceptor(listener, loop: loop) { _ in
                } accepted: { descriptor, _ in
                    for (level, name) in [
                        (Int32(IPPROTO_TCP), TCP_NODELAY), (SOL_SOCKET, SO_KEEPALIVE),
                    ] {
                        var value: Int32 = 0
                        var length = socklen_t(MemoryLayout<Int32>.size)
                        unsafe getsockopt(descriptor.number, level, name, &value, &length)
                        options.append(value)
                    }
                    acceptor?.stop()
                    acceptor = nil
                    done.resume()
                }
                client = try? RawSocket(connectedTo: listener.address)
                withExtendedLifetime(client) {}
            }
            #expect(options == [1, 1])
        }
    }

    @Test(arguments: hasIPv6 ? ["127.0.0.1", "0.0.0.0", "::1", "::"] : ["127.0.0.1", "0.0.0.0"])
    func secondListener_onTheSamePort_isAddressInUse(host: String) throws {
        let first = try Listener.local(host)
        let error = #expect(throws: StreamError.self) { try Listener(first.address, backlog: 1) }
        #expect(error?.code == .addressInUse)
    }

    @Test func listener_onTheSamePort_canBeHadAgain_asSoonAsTheFirstIsGone() async {
        // In a process of its own: a child that another test starts holds the descriptors of this
        // one until it runs.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                var address: SocketAddress?
                for _ in 0..<3 {
                    let listener =
                        try address.map { try Listener($0, backlog: 1) } ?? Listener.local()
                    address = listener.address
                    let arrivals = try Arrivals(listener, loop: loop)
                    let client = PlainStream(
                        try await Socket.connect(
                            to: listener.endpoint, within: .seconds(10), deadlines: Deadlines(),
                            loop: loop))
                    // The server closes first, which leaves its end in TIME-WAIT (RFC 9293, 3.6).
                    await arrivals.next().shutdownWrite()
                    #expect(try await client.readText() == nil)
                }
            }
        }
    }

    @Test func addressOfAnotherMachine_isAddressUnavailable() throws {
        // For documentation only (RFC 5737), so that no machine has it.
        let error = #expect(throws: StreamError.self) { try Listener.local("192.0.2.1") }
        #expect(error?.code == .addressUnavailable)
    }

    @Test(.enabled(if: hasIPv6), arguments: ["127.0.0.1", "::1"])
    func listenerOnAnyIPv6Address_servesBoth(host: String) async throws {
        try await onLoop { loop in
            let listener = try Listener.local("::")
            let arrivals = try Arrivals(listener, loop: loop)
            let client = try RawSocket(connectedTo: localAddress(host, listener.address.port))
            let server = await arrivals.next()
            #expect(server.peer?.description == client.endpoint.description)
        }
    }

    // MARK: Loops

    @Test func severalLoops_shareOneListener() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let a = try Server("a", listener)
            let b = try Server("b", listener)
            await a.start()
            await b.start()
            // A loop that is busy leaves connections to the others.
            for (busy, free) in [(a, b), (b, a), (a, b)] {
                let hold = try await Hold(busy.loop)
                for _ in 0..<10 { #expect(try await listener.whoAccepts(on: loop) == free.name) }
                hold.end()
            }
            await a.stop()
            await b.stop()
        }
    }

    @Test func connections_areEachAcceptedOnce_howeverManyLoopsAccept() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let servers = try ["a", "b", "c"].map { try Server($0, listener) }
            for server in servers { await server.start() }
            for _ in 0..<100 { _ = try await listener.whoAccepts(on: loop) }
            var accepted = 0
            for server in servers {
                await server.stop()
                accepted += server.accepted.value
            }
            #expect(accepted == 100)
        }
    }

    @Test func acceptor_acceptsNoMore_afterStop() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let a = try Server("a", listener)
            let b = try Server("b", listener)
            await a.start()
            #expect(try await listener.whoAccepts(on: loop) == "a")
            await a.stopAccepting()
            // It waits for whoever comes.
            let client = try RawSocket(connectedTo: listener.address)
            await b.start()
            #expect(client.receive() == "b")
            for _ in 0..<10 { #expect(try await listener.whoAccepts(on: loop) == "b") }
            await a.stop()
            await b.stop()
            #expect(a.accepted.value == 1)
        }
    }

    @Test func acceptor_canBeStopped_whileItAccepts() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let clients = Shared(0)
            let box = Shared<Acceptor?>(nil)
            let first = try RawSocket(connectedTo: listener.address)
            let second = try RawSocket(connectedTo: listener.address)
            await withCheckedContinuation { waiting in
                do throws(StreamError) {
                    box.value = try Acceptor(listener, loop: loop) { _ in
                    } accepted: { descriptor, _ in
                        clients.value += 1
                        box.value?.stop()
                        waiting.resume()
                    }
                } catch {
                    Issue.record(error)
                }
            }
            await turns(10)
            #expect(clients.value == 1)
            #expect(first.receive() == "")
            _ = consume second
            // It holds itself by what it calls.
            box.value = nil
        }
    }

    @Test(arguments: [true, false])
    func acceptor_thatMayNotTry_letsItsLoopSleep_andGoesOnAfterwards(isTold: Bool) async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let client = try RawSocket(connectedTo: listener.address)
            let canAccept = Shared(false)
            let asked = Shared(0)
            let (arrivals, arrival) = AsyncStream<Void>.makeStream()
            let acceptor = try Acceptor(
                listener, loop: loop,
                canAccept: {
                    asked.value += 1
                    return canAccept.value
                }
            ) { _ in
                Issue.record("descriptors have not run out")
            } accepted: { descriptor, _ in
                say("x", on: descriptor.number)
                arrival.yield()
            }
            let start = loop.now
            await turns(500)
            #expect(asked.value > 0)
            // At once, and then ten times a second; not in each of the turns.
            let most = 1 + Int((loop.now - start) / .milliseconds(100))
            #expect(asked.value <= most)
            canAccept.value = true
            if isTold {
                acceptor.resume()
                // It does not wait for the end of its pause.
                #expect(loop.deadlines.first == nil)
            }
            var iterator = arrivals.makeAsyncIterator()
            await iterator.next()
            #expect(client.receive() == "x")
            acceptor.stop()
        }
    }

    @Test func acceptor_thatMayNotTryAfterAPause_saysOnceThatDescriptorsRanOut() async throws {
        // In a process of its own, since the limit is the process's.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let listener = try Listener.local()
                let client = try RawSocket(connectedTo: listener.address)
                let spares = await Spares(limit: 128)
                spares.takeAll()
                let happened = Shared<[String]>([])
                // Yes at the first accept and at the end of the pause, no at the accept after it.
                let answers = Shared([true, true, false])
                let (steps, step) = AsyncStream<Void>.makeStream()
                let acceptor = try Acceptor(
                    listener, loop: loop,
                    canAccept: { answers.value.isEmpty ? true : answers.value.removeFirst() }
                ) { isExhausted in
                    happened.value.append(isExhausted ? "exhausted" : "free")
                    step.yield()
                } accepted: { descriptor, _ in
                    happened.value.append("accepted")
                    say("x", on: descriptor.number)
                    step.yield()
                }
                var iterator = steps.makeAsyncIterator()
                await iterator.next()
                // More than one, in case that Swift's runtime takes some.
                spares.give(8)
                while happened.value.last != "accepted" { await iterator.next() }
                #expect(client.receive() == "x")
                #expect(answers.value.isEmpty)
                #expect(happened.value == ["exhausted", "free", "accepted"])
                acceptor.stop()
            }
        }
    }

    // MARK: What accepting survives

    @Test func acceptor_goesOn_afterClientsThatResetAtOnce() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            for _ in 0..<50 { try RawSocket(connectedTo: listener.address).reset() }
            let server = try Server("a", listener)
            await server.start()
            #expect(try await listener.whoAccepts(on: loop) == "a")
            await server.stop()
        }
    }

    @Test(arguments: [true, false])
    func acceptor_pausesWithoutDescriptors_andGoesOnWithThem(isTold: Bool) async throws {
        // In a process of its own, since the limit is the process's.
        await #expect(processExitsWith: .success) { [isTold] in
            try await onLoop { loop in
                let listener = try Listener.local()
                let client = try RawSocket(connectedTo: listener.address)
                let spares = await Spares(limit: 128)
                spares.takeAll()
                let happened = Shared<[String]>([])
                let (steps, step) = AsyncStream<Void>.makeStream()
                let acceptor = try Acceptor(listener, loop: loop) { isExhausted in
                    happened.value.append(isExhausted ? "exhausted" : "free")
                    step.yield()
                } accepted: { descriptor, _ in
                    happened.value.append("accepted")
                    say("x", on: descriptor.number)
                    step.yield()
                }
                var iterator = steps.makeAsyncIterator()
                await iterator.next()
                #expect(happened.value == ["exhausted"])
                // More than one, in case that Swift's runtime takes some.
                spares.give(8)
                if isTold {
                    acceptor.resume()
                    // It does not wait for the end of its pause.
                    #expect(loop.deadlines.first == nil)
                }
                while happened.value.last != "accepted" { await iterator.next() }
                #expect(client.receive() == "x")
                #expect(happened.value.dropLast().last == "free")
                acceptor.stop()
            }
        }
    }
}

/// A loop on a thread of its own that tells each client its name and closes.
private final class Server {
    let name: String
    let loop: EventLoop
    let accepted = Shared(0)
    private let listener: Listener
    private var acceptor: Acceptor?
    private var bound: LoopBound<Server>!

    init(_ name: String, _ listener: Listener) throws(StreamError) {
        self.name = name
        self.listener = listener
        loop = try EventLoop()
        bound = LoopBound(self, to: loop)
        try loop.start()
    }

    func start() async { await bound.reach { $0.accept() } }

    private func accept() {
        acceptor = try? Acceptor(listener, loop: loop) { _ in
        } accepted: { [unowned self] descriptor, _ in
            accepted.value += 1
            say(name, on: descriptor.number)
        }
    }

    /// The loop runs on.
    func stopAccepting() async { await bound.reach { $0.acceptor?.stop() } }

    func stop() async {
        await bound.reach { server in
            server.acceptor?.stop()
            server.acceptor = nil
            server.loop.stop()
        }
        loop.join()
        bound = nil
    }
}

extension Listener {
    /// The name of the server that accepts a new connection.
    fileprivate func whoAccepts(on loop: EventLoop) async throws(StreamError) -> String? {
        let socket = try await Socket.connect(
            to: endpoint, within: .seconds(10), deadlines: Deadlines(), loop: loop)
        return try await PlainStream(socket).readText()
    }
}

private func say(_ text: String, on number: Int32) {
    _ = unsafe Glibc.send(number, text, text.utf8.count, Int32(MSG_NOSIGNAL))
}

/// Keeps a loop's thread busy.
private final class Hold: Sendable {
    private let reader: Descriptor
    private let writer: Descriptor

    init(_ loop: EventLoop) async throws(StreamError) {
        var numbers: [Int32] = [-1, -1]
        guard unsafe pipe(&numbers) == 0 else { throw StreamError("pipe", errno: errno) }
        reader = Descriptor(owning: numbers[0])
        writer = Descriptor(owning: numbers[1])
        let number = reader.number
        await withCheckedContinuation { waiting in
            loop.execute {
                waiting.resume()
                var byte: UInt8 = 0
                _ = unsafe read(number, &byte, 1)
            }
        }
    }

    func end() {
        var byte: UInt8 = 0
        _ = unsafe write(writer.number, &byte, 1)
    }
}
