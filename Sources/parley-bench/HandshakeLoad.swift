// Connections that are opened, asked once and closed, one after the other.
// SPDX-License-Identifier: Apache-2.0
internal import Sessions
internal import Sockets

/// `connections` at a time; an operation is a connection with its handshake and one exchange.
final class HandshakeLoad: @unchecked Sendable {
    private let load: Load
    private var running = 0

    init(_ load: Load) { self.load = load }

    func run() async {
        let options = load.options
        let measured = Measurement(load)
        for _ in 0..<options.connections {
            running += 1
            load.loop.spawn { [self] in
                while load.begin() { await visit() }
                running -= 1
                if running == 0 { load.finished.set() }
            }
        }
        if options.count != nil {
            await load.finished.wait(options.limit)
            measured.line(connections: options.connections).print()
        } else if await !load.finished.wait(options.warmUp) {
            let measured = Measurement(load)
            await load.finished.wait(options.seconds)
            measured.line(connections: options.connections).print()
            load.stop()
            await load.finished.wait(options.limit)
        } else {
            measured.line(connections: options.connections).print()
        }
    }

    private func visit() async {
        let begun = nanoseconds()
        do throws(StreamError) {
            let stream = try await load.connect()
            try await stream.write(load.options.request)
            var reader = ReplyReader(load.options.reply)
            var whole = 0
            while whole == 0 {
                guard
                    let taken = try await stream.read(upTo: 16_384, { reader.take($0) })
                else { throw StreamError(.endedEarly, "the server closed before its reply") }
                guard let taken else {
                    throw StreamError(.malformed, "a reply is not the expected one")
                }
                whole = taken
            }
            load.complete(since: begun)
            await stream.close()
        } catch {
            load.fail("\(error)")
        }
    }
}
