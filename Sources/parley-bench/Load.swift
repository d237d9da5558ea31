// State shared by all connections of a run.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Records
internal import Remote
internal import Sockets
internal import TLS

/// One run: its loop and TLS context, and what was counted. Confined to its loop.
final class Load {
    let options: BenchOptions
    let loop: EventLoop
    let latencies = Latencies()
    private(set) var operations = 0
    private(set) var errors = 0
    /// What went wrong first.
    private(set) var firstError: String?

    private let context: TLSContext?
    private let serverName: ServerName
    private let deadlines: Deadlines
    /// How many operations may still be begun.
    private var allowed: Int
    private var isStopped = false
    /// Set when nothing more can arrive.
    let finished: Event
    private var connectionsMade = 0

    init(_ options: BenchOptions, loop: EventLoop) throws {
        self.options = options
        self.loop = loop
        context = try options.security?.clientContext()
        serverName = .dns("localhost")
        var deadlines = Deadlines()
        deadlines.handshake = .seconds(30)
        // Longer than any run, so that sessions may be idle.
        deadlines.idle = options.limit
        self.deadlines = deadlines
        allowed = options.count ?? .max
        finished = Event(loop: loop)
    }

    /// Whether one more operation may be begun; counts it.
    func begin() -> Bool {
        guard !isStopped, allowed > 0 else { return false }
        allowed -= 1
        return true
    }

    /// No operation is begun after this.
    func stop() { isStopped = true }

    /// An operation that began at `start` is done.
    @inline(__always)
    func complete(since start: Moment) {
        operations += 1
        latencies.add(Moment.now - start)
    }

    /// Operations are done whose times can't be measured individually.
    func complete(_ count: Int) { operations += count }

    func fail(_ error: String) {
        errors += 1
        firstError = firstError ?? error
        // A server that always fails would be asked for ever.
        if errors >= 100 {
            stop()
            finished.set()
        }
    }

    var complaint: String { firstError ?? "\(operations) operations were completed" }

    /// Opens a connection, with its handshake.
    func connect() async throws(StreamError) -> any ByteStream {
        connectionsMade += 1
        let socket = try dial(
            options.port, number: connectionsMade, loop: loop, deadlines: deadlines)
        guard let context else {
            socket.enter(.idle)
            return PlainStream(socket)
        }
        let stream = try TLSStream(client: context, serverName: serverName, over: socket)
        try await stream.handshake()
        if options.mode.isRemote, stream.applicationProtocol != remoteProtocol {
            throw StreamError(.malformed, "the server does not speak parley/1")
        }
        return stream
    }

    /// Opens connections, a few at a time, and hands over each as soon as it is open.
    func open(_ count: Int, _ opened: @escaping (any ByteStream) async -> Void) async {
        guard count > 0 else { return }
        let done = Event(loop: loop)
        let door = Door(count)
        for _ in 0..<min(count, Self.openedAtOnce) {
            loop.spawn { [self] in
                while door.enter() {
                    do throws(StreamError) {
                        await opened(try await connect())
                    } catch {
                        fail(error.told)
                    }
                    if door.leave() || errors >= 100 { done.set() }
                }
            }
        }
        await done.wait(options.limit)
    }

    /// Measures and prints a line: after a warm-up, for the requested time or number of operations.
    /// Nothing new is begun when it returns.
    func measure() async {
        var measured = measurement()
        if options.count != nil {
            await finished.wait(options.limit)
        } else if await !finished.wait(options.warmUp) {
            measured = measurement()
            await finished.wait(options.seconds)
        }
        line(measured, connections: options.connections).print()
        stop()
        await finished.wait(options.limit)
    }

    /// Ends what `measurement` began, and returns a line with its figures.
    func line(_ measured: Measurement, connections: Int) -> JSONLine {
        measured.line(
            connections: connections, operations: operations, errors: errors, latencies: latencies)
    }

    /// Starts counting.
    func measurement() -> Measurement {
        operations = 0
        latencies.removeAll()
        return Measurement(options)
    }

    private static let openedAtOnce = 64
}

/// Counts how many may still enter and how many have not left.
final class Door {
    private var outside: Int
    private var left: Int

    init(_ count: Int) {
        outside = count
        left = count
    }

    func enter() -> Bool {
        guard outside > 0 else { return false }
        outside -= 1
        return true
    }

    /// - Returns: whether it was the last one.
    func leave() -> Bool {
        left -= 1
        return left == 0
    }
}
