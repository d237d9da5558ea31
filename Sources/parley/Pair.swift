// `parley pair`: both ends of a conversation in one process.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Sockets
internal import TLS

extension Client {
    /// The first tutorial: a server and its client in one process, one session.
    func pair(server: TLSContext?, client: TLSContext?) async throws(StreamError) {
        let lines = options.isQuiet ? nil : transcript
        let endpoint = Endpoint(host: options.conversation.defaultHost, port: options.endpoint.port)
        guard let address = try endpoint.localAddresses().first else { return }
        let listener = try Listener(address, backlog: 1)
        let port = listener.address.port
        for line in options.conversation.linesAfterListen(port: port) { lines?.print(line) }
        let (peers, arrived) = AsyncStream<Result<Int, StreamError>>.makeStream()
        var acceptor: Acceptor?
        acceptor = try Acceptor(listener, loop: loop) { _ in
        } accepted: { [self] descriptor, peer in
            // A stranger who finds the port is not the peer.
            guard peer.host == "127.0.0.1" else { return }
            acceptor?.stop()
            let socket: Socket
            do throws(StreamError) {
                socket = try Socket(
                    owning: descriptor, loop: loop, peer: peer, deadlines: options.deadlines)
            } catch {
                arrived.yield(.failure(error))
                return
            }
            loop.spawn { arrived.yield(await self.servePair(socket, server)) }
        }
        defer {
            acceptor?.stop()
            acceptor = nil
        }
        let socket = try await Socket.connect(
            to: Endpoint(host: "127.0.0.1", port: port), within: options.connectTimeout,
            deadlines: options.deadlines, loop: loop)
        let stream = try await open(socket, client)
        try await Hello.ask(stream, lines: .pair, transcript: lines)
        await stream.close()
        for await outcome in peers {
            _ = try outcome.get()
            return
        }
    }

    private func servePair(_ socket: Socket, _ context: TLSContext?) async -> Result<
        Int, StreamError
    > {
        let lines = options.isQuiet ? nil : transcript
        do throws(StreamError) {
            let stream: any ByteStream
            if let context {
                let tls = try TLSStream(server: context, over: socket)
                try await tls.handshake()
                stream = tls
            } else {
                socket.enter(.idle)
                stream = PlainStream(socket)
            }
            let answered = try await Hello.serve(stream, lines: .pair, transcript: lines)
            await stream.close()
            return .success(answered)
        } catch {
            return .failure(error)
        }
    }
}
