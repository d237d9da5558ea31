// A TLS server that says what a test has it say in parley/1.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TLS
@testable import TestSupport

/// A scripted server's end of one session. Confined to its loop.
final class Peer {
    private let stream: TLSStream
    private var frames: Parley1.Frames

    fileprivate init(_ stream: TLSStream) {
        self.stream = stream
        frames = Parley1.Frames(stream)
    }

    /// Waits for the next frame.
    func next() async throws -> Parley1.Frame { try await frames.next() }

    /// Waits for the next frame, which must be of this kind.
    ///
    /// - Returns: its payload.
    @discardableResult
    func take(
        _ kind: Parley1.Kind, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [UInt8] {
        let frame = try await next()
        try #require(frame.kind == kind, sourceLocation: sourceLocation)
        return frame.payload
    }

    func say(_ kind: Parley1.Kind, _ payload: [UInt8] = []) async throws {
        try await stream.write(Parley1.frame(kind, payload))
    }

    /// Takes a run, and ends it with a status.
    func answer(status: UInt8 = 0) async throws {
        try await take(.run)
        try await say(.exit, [0, status])
    }

    /// Requests so many bytes of input, at most 255.
    func want(_ count: UInt8) async throws { try await say(.inputWanted, [0, 0, 0, count]) }

    func close() async { await stream.close() }

    /// Waits until the client has ended the session.
    ///
    /// - Returns: what it sent until then; nil if it did not end properly.
    func rest() async -> [UInt8]? { try? await stream.readAll() }
}

/// A place where nobody listens, and nobody else will while it lives.
struct DeadPlace: ~Copyable {
    private let socket: RawSocket
    let text: String

    init() throws {
        socket = try RawSocket(boundTo: localAddress("127.0.0.1"))
        text = "\(socket.endpoint)"
    }
}

/// Waits for connections, and has one session after the other follow the script.
///
/// - Parameters:
///   - set: the certificates that the server has, and whose clients it accepts.
///   - protocols: what it speaks.
///   - script: what it does in each session whose handshake succeeds; the client ends the session after it.
///   - ask: called with the server's name and port.
/// - Returns: what `ask` returns.
@discardableResult
func serving<R: Sendable>(
    _ set: String = "ours", speaking protocols: [String] = ["parley/1"],
    _ script: @escaping @Sendable (Peer) async throws -> Void,
    ask: @escaping @Sendable (String) async throws -> R
) async throws -> R {
    let sets = try CertificateSets.shared
    var options = TLSOptions()
    options.applicationProtocols = protocols
    let context = try TLSContext(
        serverWith: Credentials(
            certificate: sets["\(set)/server.pem"], key: sets["\(set)/server.key"],
            purpose: .server), clientTrust: Trust(ca: sets["\(set)/ca.pem"]), options: options)
    return try await onLoop { loop in
        let listener = try Listener.local()
        let (arrivals, arrival) = AsyncStream<LoopBound<TLSStream>>.makeStream()
        let acceptor = try Acceptor(listener, loop: loop) { _ in
        } accepted: { descriptor, address in
            do throws(StreamError) {
                let socket = try Socket(
                    owning: descriptor, loop: loop, peer: address, deadlines: Deadlines(),
                    isAccepted: true)
                arrival.yield(LoopBound(try TLSStream(server: context, over: socket), to: loop))
            } catch {
                Issue.record(error)
            }
        }
        // Here and not where they arrive, which belongs to no test.
        let sessions = loop.meanwhile {
            for await session in arrivals {
                let stream = session.value
                // A client that doesn't trust this server leaves.
                guard (try? await stream.handshake()) != nil else { continue }
                try await script(Peer(stream))
                _ = try? await stream.readAll()
                await stream.close()
            }
        }
        let result = try await ask("localhost:\(listener.address.port)")
        acceptor.stop()
        arrival.finish()
        try await sessions.value
        return result
    }
}

/// Accepts connections, and says nothing.
@discardableResult
func keepingSilent<R: Sendable>(
    ask: @escaping @Sendable (String) async throws -> R
) async throws -> R {
    let listener = try Listener.local()
    let result = try await ask("\(listener.endpoint)")
    withExtendedLifetime(listener) {}
    return result
}
