// Says hello to a server over TLS, on an event loop of its own.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import TLS

/// Usage: tls-hello CERTS HOST PORT
@main
struct TLSHello {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let port = UInt16(words[3]) else {
            return print("usage: tls-hello CERTS HOST PORT")
        }
        try hello(certs: words[1], host: words[2], port: port)
    }
}

/// Not in `main`, which belongs to the main actor: a task that starts there runs there and not on the loop.
func hello(certs: String, host: String, port: UInt16) throws {
    let trust = try Trust(ca: "\(certs)/ca.pem")
    let credentials = try Credentials(
        certificate: "\(certs)/client.pem", key: "\(certs)/client.key", purpose: .client)
    let context = try TLSContext(clientTrusting: trust, credentials: credentials)
    let name = try ServerName(host)
    let endpoint = Endpoint(host: host, port: port)

    let loop = try EventLoop()
    loop.spawn {
        do throws(StreamError) {
            let socket = try await Socket.connect(
                to: endpoint, within: .seconds(10), deadlines: Deadlines(), loop: loop)
            let stream = try TLSStream(client: context, serverName: name, over: socket)
            try await stream.handshake()
            print(stream.version, stream.peerName ?? "nobody")
            try await stream.write(Array("Hello".utf8))
            let reply = try await stream.read(upTo: 1_024) { bytes in
                bytes.indices.map { bytes[$0] }
            }
            print(String(decoding: reply ?? [], as: UTF8.self))
            await stream.close()
        } catch {
            print(error.sentence)
        }
        loop.stop()
    }
    loop.run()
}
