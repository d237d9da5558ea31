// A loop's link to the process that signs for its server and knows its clients.
// SPDX-License-Identifier: Apache-2.0
package import Broker
package import Remote
package import Sockets
internal import System
package import TLS

/// The network process's half of handshakes. Each question blocks its loop's thread until the answer is there, except
/// for what the loop's other tasks do first (`CallQueue`). Confined to its loop, although contexts hold it.
package final class NotaryLink: RemoteSigner, ClientVerifier {
    private let calls: LoopBound<Calls>

    /// What is kept under a handle: a nonce here, and the rest by the broker.
    private enum Kept {
        /// A handshake of which nothing has been signed yet.
        case nonce([UInt8])
        /// A handshake of TLS 1.2 that is under way.
        case handshake
        /// One of TLS 1.3, which ends with the client's proof.
        case unproven
        /// A client.
        case client
    }

    private final class Calls {
        let queue: CallQueue
        /// Nonces that belong to no handshake. A handshake that has ended before its signature returns its
        /// nonce, since no other proof can contain it: if it were lost, strangers who break off their
        /// handshakes could make the broker forget those of others.
        var nonces: [[UInt8]] = []
        var kept: [Handle: Kept] = [:]
        var accepted = AcceptedChains(limit: NotaryLink.maxAccepted)
        let failed: (PacketError) -> Void

        init(_ queue: CallQueue, _ failed: @escaping (PacketError) -> Void) {
            self.queue = queue
            self.failed = failed
        }

        func ask<Question: Call>(
            _ question: Question, lettingOthersRun: Bool = false
        ) throws(PacketError) -> Question.Answer {
            do throws(PacketError) {
                return try queue.ask(question, lettingOthersRun: lettingOthersRun)
            } catch {
                failed(error)
                throw error
            }
        }
    }

    /// On the loop's thread, or while no thread runs it.
    ///
    /// - Parameters:
    ///   - patience: how long a handshake's question may wait for those of others.
    ///   - failed: called at each attempt once nothing can be asked any more.
    package init(
        _ channel: CallChannel, loop: EventLoop, patience: Duration = .milliseconds(2),
        failed: @escaping (PacketError) -> Void
    ) {
        let queue = CallQueue(channel, loop: loop, patience: patience)
        calls = LoopBound(Calls(queue, failed), to: loop)
    }

    /// What a stream of this link's contexts needs before its handshake begins.
    ///
    /// - Parameter asksClient: whether its server requires client certificates.
    package func transcript(_ handle: Handle, asksClient: Bool) -> HandshakeTranscript {
        guard asksClient else { return HandshakeTranscript(handle: handle, makeNonce: nil) }
        return HandshakeTranscript(handle: handle) { [calls] in
            let calls = calls.value
            let nonce = calls.nonces.popLast() ?? (try? calls.ask(NonceCall()))?.nonce
            if let nonce { calls.kept[handle] = .nonce(nonce) }
            return nonce
        }
    }

    /// Other files of the server are in force, under which no chain was accepted yet.
    package func forgetChains() { calls.value.accepted.removeAll() }

    /// Registers a client under the handle whose handshake is done, and takes a place for its
    /// session.
    ///
    /// - Parameter proof: nil if the handshake leaves none, as in TLS 1.2, and if no client certificate is
    ///   requested.
    /// - Returns: why the session may not begin; nil if it may.
    /// - Throws: `certificateInvalid` and whatever else is said about a chain; `system` if nobody can be asked.
    package func prove(_ proof: [UInt8]?, of handle: Handle) throws(StreamError) -> Refusal? {
        let calls = calls.value
        switch calls.kept[handle] {
        // Only the broker has to know that: the chain may have been one of those that were accepted.
        case .unproven where proof == nil:
            throw Self.refused("its messages are longer than the broker accepts")
        case .unproven, .handshake: break
        // No client certificate was requested.
        case nil, .nonce, .client: return nil
        }
        let answer: ProofCall.Answer
        do throws(PacketError) {
            answer = try calls.ask(
                ProofCall(handle: handle, messages: proof ?? []), lettingOthersRun: true)
        } catch {
            throw ChainRefusal(unavailable: error.sentence).failure
        }
        calls.kept[handle] = nil
        switch answer {
        case .proven:
            calls.kept[handle] = .client
            return nil
        case .turnedAway(let refusal):
            calls.kept[handle] = .client
            return refusal
        case .refused(let why): throw Self.refused(why)
        case .objection(_, let failure):
            // One that was revoked meanwhile, for example: the next one is told so within its
            // handshake.
            calls.accepted.removeAll()
            throw failure
        }
    }

    private static func refused(_ why: String) -> StreamError {
        StreamError(.certificateInvalid, "the client's proof was refused: \(why)")
    }

    /// The objection that now exists to the client of a handle; nil if there is none.
    package func objection(to handle: Handle) -> StreamError? {
        do throws(PacketError) {
            let answer = try calls.value.ask(StandingCall(handle: handle))
            guard case .objection(_, let failure) = answer else { return nil }
            return failure
        } catch {
            return ChainRefusal(unavailable: error.sentence).failure
        }
    }

    /// Waits for an answer without content.
    package func showLife() { _ = try? calls.value.ask(DropCall(handle: 0)) }

    /// A session's connection is closed.
    ///
    /// - Parameter isTold: whether the broker hears of that on the post channel, which makes it forget the
    ///   client.
    package func leave(_ handle: Handle, isTold: Bool) {
        let calls = calls.value
        guard let kept = calls.kept.removeValue(forKey: handle) else { return }
        switch kept {
        case .nonce(let nonce): calls.nonces.append(nonce)
        case .client where isTold: break
        case .handshake, .unproven, .client: _ = try? calls.ask(DropCall(handle: handle))
        }
    }

    // MARK: For the handshake

    package func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
        guard let transcript = request.connection?.transcript else {
            throw SigningRefusal("it is not known which handshake it is for")
        }
        let calls = calls.value
        let (handle, key) = (transcript.handle, UInt32(clamping: request.key))
        let answer: SignatureAnswer
        let next: Kept
        do throws(PacketError) {
            // This is how signed content begins in TLS 1.3 (RFC 8446, section 4.4.3), and never in
            // 1.2.
            if request.content.starts(with: repeatElement(0x20, count: 64)) {
                guard let opening = transcript.opening else {
                    throw PacketError(
                        .tooLarge, "the handshake's messages are longer than the broker accepts")
                }
                let nonce = transcript.nonce
                next = .unproven
                // Whatever happens, the nonce is used.
                calls.kept[handle] = nil
                answer = try calls.ask(
                    SignatureCall(
                        handle: handle, key: key, nonce: nonce,
                        scheme: request.scheme.rawValue, messages: opening),
                    lettingOthersRun: true)
            } else {
                next = .handshake
                answer = try calls.ask(
                    KeyExchangeCall(
                        handle: handle, key: key, scheme: request.scheme.rawValue,
                        content: request.content), lettingOthersRun: true)
            }
        } catch {
            throw SigningRefusal(error.sentence)
        }
        switch answer {
        case .refused(let why): throw SigningRefusal(why)
        case .signed(let signature, let nonce):
            if transcript.asksClient { calls.kept[handle] = next }
            if let nonce { calls.nonces.append(nonce) }
            return signature
        }
    }

    package func objection(
        to certificate: [UInt8], of connection: TLSTransport
    ) -> ChainRefusal? {
        guard let handle = connection.transcript?.handle else {
            return ChainRefusal(unavailable: "it is not known which handshake it is for")
        }
        // One that was reassembled for TLS 1.2 may be a little longer than what arrived.
        guard certificate.count <= CallLimit.certificate else {
            return ChainRefusal(.tooLong(.certificate))
        }
        let (calls, now) = (calls.value, calls.loop.now)
        // The broker verifies it all the same, with the proof. Asking twice in a handshake is only for clients
        // whose refusal has to come while an alert can still say why.
        if case .unproven? = calls.kept[handle], calls.accepted.holds(certificate, at: now) {
            return nil
        }
        do throws(PacketError) {
            switch try calls.ask(ChainCall(handle: handle, certificate: certificate)) {
            case .accepted(let seconds):
                calls.accepted.insert(certificate, for: .seconds(Int(seconds)), at: now)
                return nil
            case .objection(let code, let failure):
                return ChainRefusal(code: code, failure: failure)
            }
        } catch {
            return ChainRefusal(unavailable: error.sentence)
        }
    }

    /// A client's chain takes about 40 bytes.
    private static let maxAccepted = 4_096
}
