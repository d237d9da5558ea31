// Checks, when its files are read, whether a server can serve with its key in another process.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

extension TLSContext {
    /// Performs a handshake in memory with a server that knows only this one's `face`, and checks its messages as a
    /// broker does: there are keys and chains that OpenSSL accepts but such a server can't use. Undetected, they would
    /// fail each handshake. Takes some milliseconds.
    ///
    /// - Throws: `CredentialError`: `longChain`, `unusableKey`, `refused`. Also for a client's context.
    public func rehearseFace() throws(CredentialError) {
        guard let face, let credentials else { throw .refused("a server without a certificate") }
        let (path, chain) = (face.path, face.chain)
        guard face.chainLength <= ServerFace.longestChain else {
            throw CredentialError(
                .longChain,
                "the certificates in \(path) (\(chain.count)) take \(face.chainLength) bytes of a handshake, but clients accept at most \(ServerFace.longestChain); keep only the server's own certificate and those of the intermediate CAs above it"
            )
        }
        let trial = Trial(credentials: credentials)
        let (messages, failure): ([UInt8]?, String?)
        do throws(CredentialError) {
            let front = try TLSContext(
                server: face, key: RemoteKey(number: 0, signer: trial), verifier: trial)
            (messages, failure) = try front.opening(asking: trial)
        } catch {
            // Reports what the key itself can't do as such.
            try credentials.rehearse()
            throw error
        }
        if let failure {
            try credentials.rehearse()
            throw CredentialError(
                .unusableKey,
                "no handshake can be signed with the key of the certificate \(path) (\(credentials.key.kind)): \(failure); \(Credentials.newKey)"
            )
        }
        do throws(ProofRefusal) {
            // The names of the clients' CAs are its only other long part.
            guard let messages else { throw .tooLong(.certificateRequest) }
            _ = try ServerFlight(messages, of: ServerLeaf(credentials))
        } catch {
            throw CredentialError(
                .refused,
                "no handshake with the certificate \(path) can be signed: \(error.description)")
        }
    }

    /// Performs a handshake with a client that shows no certificate.
    ///
    /// - Returns: what the server signed; nil if its messages are too long for a transcript.
    private func opening(
        asking signer: any RemoteSigner
    ) throws(CredentialError) -> (messages: [UInt8]?, failure: String?) {
        guard let client = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw .refused("a TLS context")
        }
        defer { unsafe SSL_CTX_free(client) }
        unsafe try TLSPolicy.apply(to: client, minimum: .tls13)
        var opening = Opening()
        let call = unsafe withUnsafeMutablePointer(to: &opening) { opening in
            unsafe SSL_CTX_set_msg_callback(pointer) { isSent, _, type, start, count, _, opening in
                guard type == SSL3_RT_HANDSHAKE else { return }
                let message = unsafe UnsafeBufferPointer(
                    start: start?.assumingMemoryBound(to: UInt8.self), count: count)
                unsafe opening!.assumingMemoryBound(to: Opening.self).pointee.note(
                    message.span, isSent: isSent == 1)
            }
            unsafe SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, opening)
            return SigningCall.make(asking: signer, for: nil) {
                unsafe Rehearsal.failure(
                    client: client, server: pointer, untilServerIsKnown: true)
            }
        }
        let failure = call.result.map { reasons in
            call.refusal?.reason ?? reasons.last?.text ?? "the handshake does not finish"
        }
        return (opening.messages, failure)
    }

    /// What comes before the server's signature, as a session's stream would gather it.
    private struct Opening {
        private let transcript = HandshakeTranscript(handle: 0, makeNonce: nil)
        private(set) var messages: [UInt8]?

        mutating func note(_ message: Span<UInt8>, isSent: Bool) {
            if isSent, message.count > 0, message[0] == HandshakeKind.certificateVerify.rawValue {
                messages = transcript.opening
            }
            transcript.note(message, isSent: isSent)
        }
    }

    /// Signs with the local key, and accepts no clients.
    private struct Trial: RemoteSigner, ClientVerifier {
        let credentials: Credentials

        func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
            try credentials.signature(of: request.content, scheme: request.scheme)
        }

        func objection(to certificate: [UInt8], of connection: TLSTransport) -> ChainRefusal? {
            ChainRefusal(unavailable: "nobody is asked in a rehearsal")
        }
    }
}
