// The broker's half of handshakes: it signs for the server, and establishes who its clients are.
// SPDX-License-Identifier: Apache-2.0
package import Broker
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// Answers one channel's calls, on a thread of its own: never a file, never a program, so that a start, a reload
/// or a slow disk delays no handshake. What it is asked is not trusted: a step that isn't due, or that proves
/// nothing, is refused and ends its handshake; what can't be read ends the channel.
package final class Notary {
    private let ring: KeyRing
    private let clients: ShownClients
    private let admission: any SessionAdmission
    private var nonces: IssuedNonces
    private var pending: PendingHandshakes
    private var budget: SignatureBudget
    private let clock: () -> Moment

    /// - Parameters:
    ///   - clients: those of this channel; clients that have proved who they are are added.
    ///   - admission: gives their sessions places.
    ///   - maxHandshakes: how many may be under way.
    ///   - rate: signatures per second.
    package init(
        _ ring: KeyRing, _ clients: ShownClients, _ admission: any SessionAdmission,
        maxHandshakes: Int, rate: Int = Notary.maxSignatures,
        clock: @escaping () -> Moment = { .now }
    ) {
        self.ring = ring
        self.clients = clients
        self.admission = admission
        self.clock = clock
        nonces = IssuedNonces(handshakes: maxHandshakes)
        pending = PendingHandshakes(limit: maxHandshakes)
        budget = SignatureBudget(rate: rate, at: clock())
    }

    /// More than a loop could ever need, with a key that takes 20 µs.
    package static let maxSignatures = 10_000

    /// Answers a question.
    ///
    /// - Throws: `malformed`, after which the channel must be closed.
    package func answer(_ question: [UInt8]) throws(PacketError) -> PacketWriter {
        var reader = try PacketReader(question)
        guard let kind = CallKind(rawValue: reader.type) else {
            throw reader.malformed("asks an unknown question")
        }
        switch kind {
        case .nonce: return try answer(NonceCall(whole: &reader))
        case .signature: return SignatureCall.answer(sign(try SignatureCall(whole: &reader)))
        case .keyExchange: return KeyExchangeCall.answer(sign(try KeyExchangeCall(whole: &reader)))
        case .chain: return ChainCall.answer(judge(try ChainCall(whole: &reader)))
        case .proof: return ProofCall.answer(open(try ProofCall(whole: &reader)))
        case .standing: return StandingCall.answer(judge(try StandingCall(whole: &reader)))
        case .drop:
            let call = try DropCall(whole: &reader)
            pending.remove(call.handle)
            clients.remove(call.handle)
            return DropCall.answer(DropCall.Answer())
        }
    }

    private func answer(_ call: NonceCall) throws(PacketError) -> PacketWriter {
        do throws(ProofRefusal) {
            return NonceCall.answer(NonceCall.Answer(nonce: try nonces.make()))
        } catch {
            throw PacketError(.system, "no random bytes are available: \(error.description)")
        }
    }

    // MARK: Signatures

    private func sign(_ call: SignatureCall) -> SignatureAnswer {
        // Whatever happens to it: a nonce is valid for one handshake.
        let isIssued = call.nonce.map { nonces.take($0) } ?? false
        let now = clock()
        do throws(SigningRefusal) {
            let reading = try reading(call.key, call.handle, at: now)
            do throws(ProofRefusal) {
                if call.nonce != nil, !isIssued { throw .wrongNonce }
                let proof = PendingHandshakes.Proof(
                    call.nonce.map { HandshakeProof(of: reading.leaf, nonce: $0) }
                        ?? HandshakeProof(askingNobody: reading.leaf))
                let content = try proof.steps.contentToSign(
                    call.messages, scheme: call.scheme, at: now)
                let signature = try signature(of: content, call.scheme, reading)
                // If no client certificate is requested, nothing follows that it would have to be
                // part of.
                guard proof.steps.asksClient else { return .signed(signature, next: nil) }
                try proof.steps.append(signature: signature)
                pending.begin(.chain(proof), call.handle, at: now)
                return .signed(signature, next: try nonces.make())
            } catch {
                throw SigningRefusal(error.description)
            }
        } catch {
            return .refused(error.reason)
        }
    }

    private func sign(_ call: KeyExchangeCall) -> SignatureAnswer {
        let now = clock()
        do throws(SigningRefusal) {
            let reading = try reading(call.key, call.handle, at: now)
            guard reading.signsKeyExchanges else {
                throw SigningRefusal("this server speaks TLS 1.3 only")
            }
            do throws(ProofRefusal) {
                try KeyExchangeContent.check(call.content)
                let signature = try signature(of: call.content, call.scheme, reading)
                if reading.asksForClients { pending.begin(.unproven, call.handle, at: now) }
                return .signed(signature, next: nil)
            } catch {
                throw SigningRefusal(error.description)
            }
        } catch {
            return .refused(error.reason)
        }
    }

    /// What signs a handshake that begins.
    private func reading(
        _ key: UInt32, _ handle: Handle, at now: Moment
    ) throws(SigningRefusal) -> KeyReading {
        guard pending.hasRoom(for: handle, at: now), clients[handle] == nil else {
            throw SigningRefusal("too many handshakes are under way, or this one has already begun")
        }
        guard let reading = ring.reading(key) else {
            throw SigningRefusal("the key was replaced since the client connected")
        }
        guard budget.take(at: now) else {
            throw SigningRefusal("too many signatures were requested within a second")
        }
        return reading
    }

    private func signature(
        of content: [UInt8], _ number: UInt16, _ reading: KeyReading
    ) throws(ProofRefusal) -> [UInt8] {
        guard let scheme = SignatureScheme(rawValue: number) else { throw .unfitScheme }
        do throws(SigningRefusal) {
            return try reading.credentials.signature(of: content, scheme: scheme)
        } catch {
            throw .unfitScheme
        }
    }

    // MARK: Clients

    private func judge(_ call: ChainCall) -> ChainAnswer {
        do throws(ChainRefusal) {
            guard let (step, began) = pending.take(call.handle, at: clock()) else {
                throw ChainRefusal(.outOfTurn)
            }
            switch step {
            case .chain(let proof):
                let shown = try show(call.certificate, in: proof)
                pending.putBack(
                    .proof(proof, shown.chain, reading: shown.reading), call.handle, began: began)
                return ChainAnswer(shown.verified)
            case .proof, .end: throw ChainRefusal(.outOfTurn)
            case .unproven:
                let shown = try verify(try chain(in: call))
                pending.putBack(
                    .end(shown.chain, shown.verified.identity, reading: shown.reading),
                    call.handle, began: began)
                return ChainAnswer(shown.verified)
            }
        } catch {
            return ChainAnswer(error)
        }
    }

    /// A chain that was verified under what is in force now: a slow client must not be let in by what was
    /// revoked meanwhile.
    private struct Shown {
        let chain: ClientChain
        let verified: VerifiedChain
        let reading: UInt32
    }

    private func verify(_ chain: ClientChain) throws(ChainRefusal) -> Shown {
        let reading = ring.inForce
        guard let chains = reading.chains else { throw ChainRefusal(.clientNotAsked) }
        return Shown(
            chain: chain, verified: try chains.verify(chain), reading: reading.number)
    }

    private func show(
        _ certificate: [UInt8], in proof: PendingHandshakes.Proof
    ) throws(ChainRefusal) -> Shown {
        var shown: Result<Shown, ChainRefusal>?
        do throws(ProofRefusal) {
            try proof.steps.showChain(certificate) { chain in
                do throws(ChainRefusal) {
                    let accepted = try verify(chain)
                    shown = .success(accepted)
                    return accepted.verified.leaf
                } catch {
                    shown = .failure(error)
                    return nil
                }
            }
        } catch {
            if case .failure(let refusal)? = shown { throw refusal }
            throw ChainRefusal(error)
        }
        guard let shown else { throw ChainRefusal(.noClientCertificate) }
        return try shown.get()
    }

    private func chain(in call: ChainCall) throws(ChainRefusal) -> ClientChain {
        do throws(ProofRefusal) {
            return try ClientChain(call.certificate)
        } catch {
            throw ChainRefusal(error)
        }
    }

    /// The last step: who the client is, and whether there is a place for its session.
    private func open(_ call: ProofCall) -> ProofCall.Answer {
        let now = clock()
        do throws(ProofRefusal) {
            guard let (step, _) = pending.take(call.handle, at: now) else { throw .outOfTurn }
            let proof: PendingHandshakes.Proof
            let chain: ClientChain
            let reading: UInt32
            switch step {
            case .unproven: throw .outOfTurn
            case .end(let chain, let identity, let reading):
                // Only the other process says whose it is, so it is good for a place and nothing else.
                guard call.messages.isEmpty else { throw .outOfTurn }
                return try admit(chain, nil, identity, reading, as: call.handle)
            case .proof(let begun, let verified, let number):
                (proof, chain, reading) = (begun, verified, number)
            case .chain(let begun):
                let certificate = try HandshakeProof.certificate(in: call.messages)
                do throws(ChainRefusal) {
                    let shown = try show(certificate, in: begun)
                    (proof, chain, reading) = (begun, shown.chain, shown.reading)
                } catch {
                    return .objection(code: error.code, failure: error.failure)
                }
            }
            let proven = try proof.steps.prove(call.messages, at: now)
            return try admit(chain, proven, proven.identity, reading, as: call.handle)
        } catch {
            guard error == .unavailable else { return .refused(error.description) }
            let refusal = ChainRefusal(error)
            return .objection(code: refusal.code, failure: refusal.failure)
        }
    }

    private func admit(
        _ chain: ClientChain, _ proven: ProvenClient?, _ identity: PeerIdentity, _ reading: UInt32,
        as handle: Handle
    ) throws(ProofRefusal) -> ProofCall.Answer {
        let place = admission.place(for: identity)
        let refusal: Refusal? = if case .failure(let refusal) = place { refusal } else { nil }
        let client = ShownClients.Client(
            chain: chain, proven: proven, reading: reading, turnedAway: refusal)
        guard clients.add(client, holding: try? place.get(), as: handle) else {
            throw .unavailable
        }
        return refusal.map { .turnedAway($0) } ?? .proven
    }

    private func judge(_ call: StandingCall) -> ChainAnswer {
        guard let client = clients[call.handle] else {
            return ChainAnswer(ChainRefusal(.noClientCertificate))
        }
        do throws(ChainRefusal) {
            return ChainAnswer(try verify(client.chain).verified)
        } catch {
            return ChainAnswer(error)
        }
    }
}

extension ChainAnswer {
    fileprivate init(_ chain: VerifiedChain) {
        self = .accepted(seconds: UInt32(clamping: chain.secondsLeft))
    }

    fileprivate init(_ refusal: ChainRefusal) {
        self = .objection(code: refusal.code, failure: refusal.failure)
    }
}
