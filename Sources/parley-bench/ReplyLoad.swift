// Messages over open connections, each of which always has outstanding ones.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Remote
internal import Sockets
internal import System

/// An operation is a request and its reply.
final class ReplyLoad {
    private let load: Load
    private var streams: [any ByteStream] = []
    private var asking = 0
    private let requests: [UInt8]

    init(_ load: Load) {
        self.load = load
        let request = load.options.request
        requests = (0..<load.options.depth).flatMap { _ in request }
    }

    func run() async {
        await load.open(load.options.connections) { self.streams.append($0) }
        guard load.errors == 0 else { return }
        asking = streams.count
        for stream in streams {
            load.loop.spawn { [self] in
                do throws(StreamError) {
                    try await ask(on: stream)
                } catch {
                    load.fail(error.told)
                }
                await stream.close()
                asking -= 1
                if asking == 0 { load.finished.set() }
            }
        }
        await load.measure()
    }

    /// Runs until the load is stopped and what was begun is answered.
    private func ask(on stream: any ByteStream) async throws(StreamError) {
        let load = load
        let requests = requests
        let size = load.options.request.count
        let isSingle = load.options.depth == 1
        var reader = ReplyReader(load.options.reply)
        var underWay = 0
        while underWay < load.options.depth, load.begin() { underWay += 1 }
        guard underWay > 0 else { return }
        var start = Moment.now
        var isWrong = false
        try await stream.write(Array(requests[..<(underWay * size)]))
        // The loop calls this for what arrives; resuming a task for each would cost more than some
        // servers do.
        let isDone = try await stream.answer(upTo: 16_384) { bytes, output in
            guard let whole = reader.take(bytes) else {
                isWrong = true
                return .last
            }
            guard whole > 0 else { return .gather }
            if isSingle, whole == 1 { load.complete(since: start) } else { load.complete(whole) }
            underWay -= whole
            var more = 0
            while more < whole, load.begin() { more += 1 }
            underWay += more
            if isSingle { start = Moment.now }
            output.append(contentsOf: requests.span.extracting(first: more * size))
            return underWay == 0 ? .last : .send
        }
        if isWrong { throw StreamError(.malformed, "a reply is wrong") }
        if !isDone { throw StreamError(.endedEarly, "the server closed the connection") }
    }
}
