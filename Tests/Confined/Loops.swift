// Loops and TLS in a confined process.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import TLS

/// A loop on a thread of its own, as the server's: timers, streams, calls from elsewhere.
func loop() throws -> Work {
    let loop = try EventLoop()
    let (a, b) = try Socket.pair(loop, loop)
    let said = Said()
    loop.spawn {
        defer { loop.stop() }
        do {
            try await speak(PlainStream(a), PlainStream(b), on: loop)
            let timer = Timer(after: .milliseconds(5), on: loop) { said.text = "done" }
            while said.text != "done" { await loop.nextTurn() }
            withExtendedLifetime(timer) {}
        } catch {
            said.text = "\(error)"
        }
    }
    return { _ in
        loop.run()
        return said.text
    }
}

/// A mutual handshake and a reply. OpenSSL is initialised before, and has read its files.
func handshake(in folder: String) throws -> Work {
    let ca = try Trust(ca: "\(folder)/ours/ca.pem")
    func credentials(_ name: String, _ purpose: Credentials.Purpose) throws -> Credentials {
        try Credentials(
            certificate: "\(folder)/ours/\(name).pem", key: "\(folder)/ours/\(name).key",
            purpose: purpose)
    }
    let server = try TLSContext(
        serverWith: credentials("server", .server), clientTrust: ca, options: TLSOptions())
    let client = try TLSContext(
        clientTrusting: ca, credentials: credentials("client", .client), options: TLSOptions())
    let loop = try EventLoop()
    let (a, b) = try Socket.pair(loop, loop)
    let said = Said()
    let name = try ServerName("localhost")
    loop.spawn {
        defer { loop.stop() }
        do {
            let ours = try TLSStream(server: server, over: b)
            let theirs = try TLSStream(client: client, serverName: name, over: a)
            let accepting = beside(loop) { try await ours.handshake() }
            try await theirs.handshake()
            try await accepting.value
            try await speak(theirs, ours, on: loop)
            let closing = beside(loop) { _ = await theirs.close() }
            _ = await ours.close()
            try await closing.value
            said.text = "done"
        } catch {
            said.text = "\(error)"
        }
    }
    return { _ in
        loop.run()
        return said.text
    }
}

/// A message there, and one back.
private func speak(_ one: any ByteStream, _ other: any ByteStream, on loop: EventLoop) async throws
{
    try await one.write(Array("there".utf8))
    guard try await text(of: other) == "there" else { throw Failed("there") }
    try await other.write(Array("back".utf8))
    guard try await text(of: one) == "back" else { throw Failed("back") }
}

private func text(of stream: any ByteStream) async throws -> String {
    try await stream.read(upTo: 64) { bytes in
        String(decoding: (0..<bytes.count).map { bytes[$0] }, as: UTF8.self)
    } ?? ""
}

/// Goes on beside the caller, on the same loop.
private func beside(_ loop: EventLoop, _ body: @escaping () async throws -> Void) -> Task<
    Void, any Error
> {
    let bound = LoopBound(body, to: loop)
    return Task(executorPreference: loop) { try await bound.value() }
}

/// What a task has to say when its loop has ended. Confined to its loop.
private final class Said { var text = "nothing" }
