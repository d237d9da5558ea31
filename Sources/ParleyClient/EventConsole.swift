// A command's output, on its way from the loop to whoever iterates over it.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets

/// What a command says while it runs, and at last how it ended.
public enum CommandEvent: Hashable, Sendable {
    /// Bytes of its standard output.
    case output([UInt8])
    /// Bytes of its standard error.
    case errorOutput([UInt8])
    /// The last event.
    case ended(Outcome)
}

/// Keeps one command's events until they are taken, and holds the server up if that takes long. Confined to its loop.
final class EventConsole: RemoteConsole {
    /// The command whose events these are; nil when its last one was taken.
    private(set) var owner: Int?
    private(set) var queue: InputQueue?
    private let loop: EventLoop
    private var events: [CommandEvent] = []
    /// How many of `events` were taken.
    private var taken = 0
    private var failure: ParleyError?
    /// Waits for the next event.
    private var reader: CheckedContinuation<Result<CommandEvent, ParleyError>, Never>?
    /// In bytes.
    private var backlog = 0
    private let emptied = Bell()

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// A command begins.
    func begin(_ number: Int, _ input: Input) {
        discard()
        owner = number
        failure = nil
        queue = InputQueue(input, loop: loop)
    }

    /// A command has its end.
    func end(_ result: Result<Outcome, ParleyError>) {
        queue?.stop()
        queue = nil
        guard owner != nil else { return }
        switch result {
        case .success(let outcome): append(.ended(outcome))
        case .failure(let error):
            failure = error
            if let waiting = takeReader() { conclude(waiting) }
        }
    }

    /// Nobody takes the events any more.
    func discard() {
        owner = nil
        events = []
        (taken, backlog) = (0, 0)
        emptied.ring()
    }

    /// Has the next event delivered, as soon as there is one.
    func next(_ reader: CheckedContinuation<Result<CommandEvent, ParleyError>, Never>) {
        guard taken < events.count else {
            guard failure == nil else { return conclude(reader) }
            self.reader = reader
            return
        }
        let event = events[taken]
        taken += 1
        backlog -= event.size
        if taken == events.count {
            events.removeAll(keepingCapacity: true)
            taken = 0
            emptied.ring()
        }
        if case .ended = event { owner = nil }
        reader.resume(returning: .success(event))
    }

    private func conclude(_ reader: CheckedContinuation<Result<CommandEvent, ParleyError>, Never>) {
        guard let failure else { return }
        discard()
        reader.resume(returning: .failure(failure))
    }

    private func append(_ event: CommandEvent) {
        guard owner != nil else { return }
        events.append(event)
        backlog += event.size
        if let waiting = takeReader() { next(waiting) }
    }

    private func takeReader() -> CheckedContinuation<Result<CommandEvent, ParleyError>, Never>? {
        defer { reader = nil }
        return reader
    }

    // MARK: For the client

    func write(output bytes: Span<UInt8>) { append(.output([UInt8](bytes))) }

    func write(errorOutput bytes: Span<UInt8>) { append(.errorOutput([UInt8](bytes))) }

    var isFull: Bool { backlog > Self.maxWaiting }

    func drained() async {
        while backlog > 0 { await emptied.wait() }
    }

    func input(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        try await queue?.next(upTo: count)
    }

    /// How many bytes may wait to be taken before the server is held up.
    private static let maxWaiting = 65_536
}

extension CommandEvent {
    fileprivate var size: Int {
        switch self {
        case .output(let bytes), .errorOutput(let bytes): bytes.count
        case .ended: 0
        }
    }
}
