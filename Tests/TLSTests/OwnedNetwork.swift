// A network process in somebody's hands, and a broker that answers it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

/// Makes handshakes with what a broker answers, keeps all that was asked, and asks whatever its owner likes.
final class OwnedNetwork {
    let ring: KeyRing
    let clients: ShownClients
    let places: TestPlaces
    let front: TLSContext
    /// The broker's time.
    var now = Moment.now
    private(set) var notary: Notary!
    /// Does to a question what its owner likes.
    var alters: (inout SignatureCall) -> Void = { _ in }
    private var asked = Asked()
    /// Whether the broker is asked about a chain before the proof.
    var asksForChains = true
    /// What was said of the client that was shown last.
    private(set) var lastVerdict: ChainAnswer?

    struct Asked {
        var signature: SignatureCall?
        var keyExchange: KeyExchangeCall?
        var chain: ChainCall?
    }

    /// - Parameter context: with the key, and the clients' CA.
    init(
        _ context: TLSContext, maxHandshakes: Int = 8, mostClients: Int = 8, places: Int = .max,
        rate: Int = 1_000
    ) throws {
        self.places = TestPlaces(places)
        ring = try KeyRing(context, number: 0)
        clients = ShownClients(limit: mostClients)
        let asker = Asker()
        front = try TLSContext(
            server: #require(context.face), key: RemoteKey(number: 0, signer: asker),
            verifier: asker)
        notary = Notary(
            ring, clients, self.places, maxHandshakes: maxHandshakes, rate: rate,
            clock: { [unowned self] in now })
        asker.network = self
    }

    /// What the context holds of it.
    private final class Asker: RemoteSigner, ClientVerifier, @unchecked Sendable {
        weak var network: OwnedNetwork?

        func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
            guard let network else { throw SigningRefusal("it is gone") }
            return try network.signature(for: request)
        }

        func objection(to certificate: [UInt8], of connection: TLSTransport) -> ChainRefusal? {
            network?.objection(to: certificate, of: connection)
        }
    }

    func ask<Question: Call>(_ call: Question) throws(PacketError) -> Question.Answer {
        try Question.answer(reading: notary.answer(call.packet.bytes).bytes)
    }

    // MARK: Handshakes

    /// What was asked of a handshake that was made.
    struct Made {
        var signature: SignatureCall
        var chain: ChainCall
        /// Which was not asked yet.
        var proof: ProofCall
    }

    /// Makes a handshake up to the proof.
    func made(_ client: TLSContext, as handle: Handle = 1) throws -> Made {
        let pair = try pair(client, as: handle)
        try pair.establish()
        return Made(
            signature: try #require(asked.signature), chain: try #require(asked.chain),
            proof: ProofCall(handle: handle, messages: try #require(pair.server.stream.takeProof()))
        )
    }

    func pair(_ client: TLSContext, as handle: Handle = 1) throws -> MemoryPair {
        asked = Asked()
        let pair = try MemoryPair(client: client, server: front)
        let makeNonce = { [unowned self] in (try? ask(NonceCall()))?.nonce }
        pair.server.stream.transcript = HandshakeTranscript(
            handle: handle, makeNonce: front.asksForClients ? makeNonce : nil)
        return pair
    }

    /// What was asked last.
    var last: Asked { asked }

    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
        guard let transcript = request.connection?.transcript else {
            throw SigningRefusal("it is nobody's")
        }
        let answer: SignatureAnswer
        do throws(PacketError) {
            if request.content.starts(with: repeatElement(0x20, count: 64)) {
                var call = SignatureCall(
                    handle: transcript.handle, key: 0, nonce: transcript.nonce,
                    scheme: request.scheme.rawValue, messages: transcript.opening ?? [])
                alters(&call)
                asked.signature = call
                answer = try ask(call)
            } else {
                let call = KeyExchangeCall(
                    handle: transcript.handle, key: 0, scheme: request.scheme.rawValue,
                    content: request.content)
                asked.keyExchange = call
                answer = try ask(call)
            }
        } catch {
            throw SigningRefusal(error.sentence)
        }
        switch answer {
        case .signed(let signature, _): return signature
        case .refused(let why): throw SigningRefusal(why)
        }
    }

    func objection(to certificate: [UInt8], of connection: TLSTransport) -> ChainRefusal? {
        let call = ChainCall(handle: connection.transcript?.handle ?? 0, certificate: certificate)
        asked.chain = call
        guard asksForChains else { return nil }
        let answer = try? ask(call)
        lastVerdict = answer
        switch answer {
        case .accepted?: return nil
        case .objection(let code, let failure)?: return ChainRefusal(code: code, failure: failure)
        case nil: return ChainRefusal(unavailable: "it is refused")
        }
    }
}

extension ChainAnswer {
    var isAccepted: Bool { if case .accepted = self { true } else { false } }
    /// The code of what there is against the client.
    var failureCode: StreamError.Code? {
        if case .objection(_, let failure) = self { failure.code } else { nil }
    }
}

extension SignatureAnswer {
    var isSigned: Bool { if case .signed = self { true } else { false } }
    /// Why there is none.
    var refusal: String? { if case .refused(let why) = self { why } else { nil } }
}
