// Connections that are opened, asked once and closed, one after the other.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Remote
internal import Sockets

/// `connections` at a time; an operation is a connection with its handshake and one exchange.
final class HandshakeLoad {
    private let load: Load
    private var running = 0

    init(_ load: Load) { self.load = load }

    func run() async {
        for _ in 0..<load.options.connections {
            running += 1
            load.loop.spawn { [self] in
                while load.begin() { await visit() }
                running -= 1
                if running == 0 { load.finished.set() }
            }
        }
        await load.measure()
    }

    private func visit() async {
        let begun = Moment.now
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
                    throw StreamError(.malformed, "a reply is wrong")
                }
                whole = taken
            }
            load.complete(since: begun)
            await stream.close()
        } catch {
            load.fail(error.told)
        }
    }
}
