// That descriptors are owned once, never leak, and are not left to programs that are started.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets
@testable import TestSupport

/// In processes of their own, since descriptors are the process's.
@Suite(.timeLimit(.minutes(1)))
struct DescriptorTests {
    @Test func descriptor_closes_whenItsOwnerIsGone() async {
        await #expect(processExitsWith: .success) {
            await openTimers()
            let before = await openDescriptors()
            do {
                let descriptor = Descriptor(owning: unsafe open("/dev/null", O_RDONLY))
                #expect(await openDescriptors().subtracting(before) == [descriptor.number])
            }
            #expect(await openDescriptors().subtracting(before) == [])
            let released = Descriptor(owning: unsafe open("/dev/null", O_RDONLY)).release()
            #expect(await openDescriptors().subtracting(before) == [released])
        }
    }

    @Test func thousandSessions_leaveNoDescriptorBehind() async {
        await #expect(processExitsWith: .success) {
            await openTimers()
            try await onLoop { loop in
                let listener = try Listener.local()
                let arrivals = try Arrivals(listener, loop: loop)
                let refusing = try RawSocket(boundTo: localAddress("127.0.0.1"))
                let before = await openDescriptors()
                for number in 0..<1_000 {
                    switch number % 4 {
                    case 0: try await converse(listener, arrivals, on: loop)
                    case 1:
                        // The client is gone without a word.
                        try RawSocket(connectedTo: listener.address).reset()
                        let server = PlainStream(await arrivals.next())
                        let code = await failureCode { () async throws(StreamError) in
                            try await server.readText()
                        }
                        #expect(code == .reset)
                    case 2:
                        let endpoint = refusing.endpoint
                        let code = await failureCode { () async throws(StreamError) in
                            try await Socket.connect(
                                to: endpoint, within: .seconds(10), deadlines: Deadlines(),
                                loop: loop)
                        }
                        #expect(code == .refused)
                    default:
                        let connecting = loop.spawn {
                            _ = try? await Socket.connect(
                                to: listener.endpoint, within: .seconds(10), deadlines: Deadlines(),
                                loop: loop)
                        }
                        _ = await arrivals.next()
                        connecting.cancel()
                        await connecting.value
                    }
                }
                #expect(await openDescriptors().subtracting(before) == [])
            }
        }
    }

    @Test func loops_leaveNoDescriptorBehind() async {
        await #expect(processExitsWith: .success) {
            await openTimers()
            let before = await openDescriptors()
            for _ in 0..<20 {
                let loop = try EventLoop()
                _ = try Socket.pair(loop, loop)
            }
            #expect(await openDescriptors().subtracting(before) == [])
        }
    }

    @Test func everyDescriptor_isClosedOnExec_andEverySocketNonBlocking() async {
        await #expect(processExitsWith: .success) {
            await openTimers()
            let before = await openDescriptors()
            try await onLoop { loop in
                let listener = try Listener.local()
                let arrivals = try Arrivals(listener, loop: loop)
                let client = try await Socket.connect(
                    to: listener.endpoint, within: .seconds(10), deadlines: Deadlines(), loop: loop)
                let server = await arrivals.next()
                let pair = try Socket.pair(loop, loop)
                let signals = try Signals([SIGUSR1], loop: loop) { _ in }
                let new = await openDescriptors().subtracting(before)
                // The loop's two, the listener, and the five of these.
                #expect(new.count == 8)
                for number in new {
                    #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
                    var status = stat()
                    _ = unsafe fstat(number, &status)
                    if status.st_mode & S_IFMT == S_IFSOCK {
                        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
                    }
                }
                withExtendedLifetime((client, server, pair, signals)) {}
            }
        }
    }

    @Test func loop_thatFindsNoDescriptor_isDescriptorsExhausted() async {
        await #expect(processExitsWith: .success) {
            let spares = await Spares(limit: 64)
            // One is not enough either, and comes back.
            for free in [0, 1, 1] {
                spares.takeAll(but: free)
                let error = #expect(throws: StreamError.self) { try EventLoop() }
                #expect(error?.code == .descriptorsExhausted)
            }
            spares.give(8)
            #expect(throws: Never.self) { _ = try EventLoop() }
        }
    }

    /// A descriptor that epoll takes no interest in (epoll_ctl(2), EPERM).
    @Test func socketThatCannotBeWatched_isAnError_andClosed() async {
        await #expect(processExitsWith: .success) {
            await openTimers()
            let before = await openDescriptors()
            let loop = try EventLoop()
            let file = unsafe open("/proc/self/exe", O_RDONLY)
            #expect(throws: StreamError.self) {
                try Socket(
                    owning: Descriptor(owning: file), loop: loop, peer: nil, deadlines: Deadlines())
            }
            #expect(await !openDescriptors().subtracting(before).contains(file))
        }
    }
}

private func converse(
    _ listener: Listener, _ arrivals: Arrivals, on loop: EventLoop
) async throws(StreamError) {
    let client = PlainStream(
        try await Socket.connect(
            to: listener.endpoint, within: .seconds(10), deadlines: Deadlines(), loop: loop))
    let server = PlainStream(await arrivals.next())
    let serving = loop.spawn {
        _ = try? await server.answer(upTo: 1_024) { message, output in
            for index in message.indices { output.append(message[index]) }
            return .last
        }
        await server.close()
    }
    try await client.write(text: "x")
    #expect(try await client.readText() == "x")
    await client.close()
    await serving.value
}
