// Two TLS ends in memory, driven call by call.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// A client and a server whose channels are joined by arrays of bytes.
struct MemoryPair {
    let client: MemoryEnd
    let server: MemoryEnd

    /// - Parameter name: what the server has to prove.
    init(
        client: TLSContext, server: TLSContext, name: String = "localhost"
    ) throws {
        let loop = try EventLoop()
        let (clientChannel, serverChannel) = MemoryChannel.idlePair(loop)
        self.client = MemoryEnd(
            try TLSStream(client: client, serverName: ServerName(name), over: clientChannel))
        self.server = MemoryEnd(try TLSStream(server: server, over: serverChannel))
    }

    /// Ends of the project's own good certificates, which verify each other.
    static func trusting() throws -> MemoryPair {
        let certificates = try CertificateFixture.shared
        return try MemoryPair(client: certificates.client(), server: certificates.server())
    }

    /// `trusting()`, with the handshake done.
    static func established() throws -> MemoryPair {
        let pair = try trusting()
        try pair.establish()
        return pair
    }

    /// Lets both ends go on until each is done, has failed, or waits for the other.
    func handshake() {
        var moved = -1
        while moved != client.channel.moved + server.channel.moved {
            moved = client.channel.moved + server.channel.moved
            client.proceed()
            server.proceed()
        }
    }

    /// The handshake of which both ends are sure.
    func establish(_ location: SourceLocation = #_sourceLocation) throws {
        handshake()
        try #require(client.progress == .done, sourceLocation: location)
        try #require(server.progress == .done, sourceLocation: location)
    }

    func end(_ role: Role) -> MemoryEnd { role == .client ? client : server }
}

enum Role: CaseIterable {
    case client, server

    var other: Role { self == .client ? .server : .client }
}

extension MemoryChannel {
    fileprivate var moved: Int { Int(received + sent) }
}

/// One TLS end; after every call it asserts that OpenSSL's error queue is empty.
final class MemoryEnd {
    /// How far the handshake has come.
    enum Progress: Equatable {
        case waiting, done
        case failed(StreamError.Code)
    }

    /// What a read came to.
    enum Input: Equatable {
        case bytes([UInt8])
        case ended
        case blocked(Channel.Direction)
    }

    let stream: TLSStream
    let channel: MemoryChannel
    private(set) var progress = Progress.waiting
    /// What the handshake failed with.
    private(set) var failure: StreamError?

    init(_ stream: TLSStream) {
        self.stream = stream
        channel = stream.channel as! MemoryChannel
    }

    /// What this end has sent and the other has not received.
    var sent: Wire { channel.outgoing }
    /// What the other has sent and this end has not received.
    var toReceive: Wire { channel.incoming }

    func proceed() {
        guard progress == .waiting else { return }
        defer { expectEmptyErrorQueue() }
        do throws(StreamError) {
            if case .moved = try stream.attemptHandshake() { progress = .done }
        } catch {
            failure = error
            progress = .failed(error.code)
        }
    }

    func write(_ bytes: [UInt8]) throws(StreamError) -> Attempt {
        defer { expectEmptyErrorQueue() }
        return try stream.attemptWrite(bytes.span)
    }

    func write(_ text: String) throws(StreamError) -> Attempt { try write(Array(text.utf8)) }

    func read(upTo maximum: Int = 16_384) throws(StreamError) -> Input {
        defer { expectEmptyErrorQueue() }
        var attempt = Attempt.ended
        let bytes = try [UInt8](capacity: maximum) { (room) throws(StreamError) in
            attempt = try stream.attemptRead(into: &room)
        }
        return switch attempt {
        case .moved(let count):
            // A count must match what arrived.
            count == bytes.count ? .bytes(bytes) : .bytes([])
        case .ended: .ended
        case .blocked(let direction): .blocked(direction)
        }
    }

    /// Reads until nothing more is there: all bytes, and what stopped it.
    func readAll() throws(StreamError) -> (bytes: [UInt8], last: Input) {
        var all: [UInt8] = []
        while true {
            let input = try read()
            guard case .bytes(let bytes) = input, !bytes.isEmpty else { return (all, input) }
            all += bytes
        }
    }

    func close() throws(StreamError) -> Attempt {
        defer { expectEmptyErrorQueue() }
        return try stream.attemptClose()
    }
}

extension MemoryEnd.Input {
    static func text(_ text: String) -> Self { .bytes(Array(text.utf8)) }
}

extension Attempt: Equatable {
    static func == (a: Attempt, b: Attempt) -> Bool {
        switch (a, b) {
        case (.moved(let a), .moved(let b)): a == b
        case (.ended, .ended): true
        case (.blocked(let a), .blocked(let b)): a == b
        default: false
        }
    }
}

/// The code of the configuration's failure in `body`, of which nothing is left in OpenSSL's queue;
/// nil where there is none.
func credentialCode<R>(
    _ body: () throws(CredentialError) -> R
) -> CredentialError.Code? {
    defer { expectEmptyErrorQueue() }
    return failureCode(body)
}

/// OpenSSL's queue is the thread's, so that it has to be looked at before anything suspends.
func expectEmptyErrorQueue(_ location: SourceLocation = #_sourceLocation) {
    let reasons = ErrorQueue.drain()
    #expect(reasons.isEmpty, sourceLocation: location)
}
