// Handshakes of one turn, of which one asks on top of another.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite(.timeLimit(.minutes(3)))
struct HandshakesTogetherTests {
    private static let roles = ["client", "other", "chained"]

    /// With signatures that differ each time, and without; one has nothing to sign.
    @Test(arguments: [KeyKind.p256, .ed25519])
    func handshakesOfATurn_proveTheirOwnClients(_ kind: KeyKind) async throws {
        let proved = try await onLoop { loop in
            let ends = try ProofEnds.shared
            let front = try NotaryHalves(ends.server(kind), loop)
            let pairs = try (0..<20).map {
                try front.greeted(ends.client(.p256, as: Self.roles[$0 % 3]), Handle($0 + 1))
            }
            // Nobody's hello.
            pairs[4].server.toReceive.pending = Array(repeating: 22, count: 100)
            try await front.proceed(pairs)
            for pair in pairs { pair.client.proceed() }
            try await front.proceed(pairs) { index, pair in
                guard pair.server.progress == .done else { return }
                let refusal = try front.link.prove(
                    pair.server.stream.takeProof(), of: Handle(index + 1))
                #expect(refusal == nil)
            }
            #expect(pairs[4].server.progress != .done)
            for (index, pair) in pairs.enumerated() where index != 4 {
                #expect(pair.server.progress == .done && pair.client.progress == .done)
            }
            let proved = (1...20 as ClosedRange<Handle>).map {
                front.clients[$0]?.proven?.leaf.der
            }
            front.thread.stop()
            expectEmptyErrorQueue()
            return proved
        }
        #expect(proved[4] == nil && Set(proved.compactMap(\.self)).count == 3)
        for index in 0..<20 where index != 4 { #expect(proved[index] == proved[index % 3]) }
    }

    /// Its flight goes nowhere; that of the others does.
    @Test func peerThatLeaves_whileItsSignatureIsAskedFor_takesNobodyAlong() async throws {
        try await onLoop { loop in
            let ends = try ProofEnds.shared
            let front = try NotaryHalves(ends.server(.p256), loop)
            let pairs = try (1...5 as ClosedRange<Handle>).map {
                try front.greeted(ends.client(.p256), $0)
            }
            try await front.proceed(pairs) { index, _ in
                // It is on top of the others, which have their signatures and have not gone on.
                guard index == 4 else { return }
                for other in [0, 2] {
                    pairs[other].server.sent.sendFailure = 104
                    pairs[other].server.channel.fail(StreamError(.cancelled, "it gave way"))
                }
            }
            for pair in pairs { pair.client.proceed() }
            try await front.proceed(pairs)
            let done = pairs.map { $0.server.progress == .done }
            #expect(done == [false, true, false, true, true])
            for handle in 1...5 as ClosedRange<Handle> {
                front.link.leave(handle, isTold: false)
            }
            front.thread.stop()
            expectEmptyErrorQueue()
        }
    }

    @Test func brokerThatEnds_whileSignaturesAreAskedFor_failsTheirHandshakes() async throws {
        try await onLoop { loop in
            let ends = try ProofEnds.shared
            // Nobody needs a nonce, which would be asked for first.
            let front = try NotaryHalves(ends.server(.p256, asksClient: false), loop)
            let pairs = try (1...5 as ClosedRange<Handle>).map {
                try front.greeted(ends.client(.p256), $0)
            }
            let tasks = pairs.map { pair in loop.meanwhile { pair.server.proceed() } }
            // Runs on top of them.
            let ending = loop.meanwhile { front.thread.stop() }
            for task in tasks { try await task.value }
            try await ending.value
            for pair in pairs { #expect(pair.server.progress == .failed(.noSignature)) }
            expectEmptyErrorQueue()
        }
    }

    /// What is called on top of a handshake signs nothing in its name.
    @Test func keyOnTopOfAHandshake_asksNobody_withoutAHandshakeOfItsOwn() async throws {
        try await onLoop { loop in
            let ends = try ProofEnds.shared
            let front = try NotaryHalves(ends.server(.p256, asksClient: false), loop)
            let signer = Signer()
            let context = try TLSContext(
                server: #require(ends.server(.p256, asksClient: false).face),
                key: RemoteKey(number: 0, signer: signer), verifier: front.link)
            let pairs = try (0..<2).map { _ in
                let pair = try MemoryPair(client: ends.client(.p256), server: context)
                pair.server.stream.transcript = HandshakeTranscript(nonce: nil)
                pair.client.proceed()
                return pair
            }
            var result: Int32 = 1
            signer.onTop = { unsafe result = SSL_do_handshake(pairs[1].server.stream.ssl) }
            // It holds the pairs, which hold it.
            defer { signer.onTop = {} }
            pairs[0].server.proceed()
            #expect(signer.asked == 1 && result < 0)
            #expect(pairs[0].server.progress == .failed(.noSignature))
            front.thread.stop()
        }
    }

    /// Refuses to sign, having let something else happen first.
    private final class Signer: RemoteSigner, @unchecked Sendable {
        private(set) var asked = 0
        var onTop: () -> Void = {}

        func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
            asked += 1
            if asked == 1 { onTop() }
            throw SigningRefusal("it never does")
        }
    }
}

extension NotaryHalves {
    /// Whose client has said hello.
    fileprivate func greeted(_ client: TLSContext, _ handle: Handle) throws -> MemoryPair {
        let pair = try pair(client, handle)
        pair.client.proceed()
        return pair
    }

    /// Lets each go on in a task of its own, all in the same turn.
    ///
    /// - Parameter more: called in the task after that.
    fileprivate func proceed(
        _ pairs: [MemoryPair], _ more: @escaping (Int, MemoryPair) throws -> Void = { _, _ in }
    ) async throws {
        let tasks = pairs.enumerated().map { [loop] index, pair in
            loop.meanwhile {
                pair.server.proceed()
                try more(index, pair)
                await loop.nextTurn()
                #expect(loop.isCurrent)
            }
        }
        for task in tasks { try await task.value }
    }
}
