// A broker's half of a handshake: it signs for the server, and learns who the client is.
// SPDX-License-Identifier: Apache-2.0
public import System

/// One TLS 1.3 handshake, as seen by the holder of the server's key, from messages of a process that it
/// need not trust. Four steps, each taken once and in this order: `contentToSign`,
/// `append(signature:)`, `showChain`, `prove`. A step that fails is the last.
///
/// What is proved: the holder of the client's key performed this handshake with this server's
/// certificate after the nonce was created, since it signed both, and also a signature that only
/// the server's key can make. Not proved: where the client is, and that it is still connected.
public struct HandshakeProof: ~Copyable {
    /// For the CertificateRequest of this handshake; empty if there may be none.
    public let nonce: [UInt8]
    private let leaf: ServerLeaf
    private var state = State.made

    /// A future handshake, with its own nonce.
    ///
    /// - Throws: `unavailable`.
    public init(of leaf: ServerLeaf) throws(ProofRefusal) {
        self.init(of: leaf, nonce: try HandshakeNonce.make())
    }

    /// A handshake with a nonce that was created before (`HandshakeNonce.make`) and never used.
    public init(of leaf: ServerLeaf, nonce: [UInt8]) {
        self.leaf = leaf
        self.nonce = nonce
    }

    /// A handshake in which the client must not be asked for a certificate, so it has no nonce.
    public init(askingNobody leaf: ServerLeaf) {
        self.init(of: leaf, nonce: [])
    }

    /// The time limit from the first step to the last. A client's answer takes a round trip and a
    /// signature.
    public static let patience = Duration.seconds(10)

    private enum State {
        case made
        case asked(Handshake, SignatureScheme)
        case signed(Handshake)
        case shown(Handshake, leaf: Certificate, chain: ClientChain)
        case spent
    }

    /// The state after the messages so far.
    private struct Handshake {
        let hash: TranscriptHash
        let asksClient: Bool
        let applicationProtocol: [UInt8]?
        let began: Moment
    }

    /// Each step takes the state, and leaves one only if it succeeds.
    private mutating func take() -> State {
        defer { state = .spent }
        return state
    }

    /// Whether the client is asked, so that the steps after `contentToSign` are due.
    public var asksClient: Bool {
        switch state {
        case .asked(let handshake, _), .signed(let handshake): handshake.asksClient
        case .shown: true
        case .made, .spent: false
        }
    }

    // MARK: Steps

    /// What the server's key must sign for its CertificateVerify.
    ///
    /// - Parameters:
    ///   - messages: ClientHello to server Certificate, as collected by `HandshakeTranscript`.
    ///   - number: that of the signature's scheme.
    ///   - now: the time of the step.
    /// - Returns: 130 or 146 bytes, of which only the hash depends on the messages.
    public mutating func contentToSign(
        _ messages: [UInt8], scheme number: UInt16, at now: Moment = .now
    ) throws(ProofRefusal) -> [UInt8] {
        guard case .made = take() else { throw .outOfTurn }
        let flight = try ServerFlight(messages, of: leaf)
        // Without it, a recorded handshake could be replayed if the server's signature is the same each
        // time, as with Ed25519. If no client is asked, there is no identity to replay.
        if flight.asksClient {
            guard let theirs = flight.nonce else { throw .noNonce }
            guard !nonce.isEmpty, theirs.elementsEqual(nonce) else { throw .wrongNonce }
        }
        guard let scheme = SignatureScheme(rawValue: number), leaf.schemes.contains(scheme) else {
            throw .unfitScheme
        }
        let content = try flight.hash.content(signedBy: .server)
        state = .asked(
            Handshake(
                hash: flight.hash, asksClient: flight.asksClient,
                applicationProtocol: flight.applicationProtocol, began: now), scheme)
        return content
    }

    /// Adds the CertificateVerify to the transcript; nobody else can know what it is.
    ///
    /// - Parameter signature: of what `contentToSign` returned.
    public mutating func append(signature: [UInt8]) throws(ProofRefusal) {
        guard case .asked(let handshake, let scheme) = take() else { throw .outOfTurn }
        let room = HandshakeKind.certificateVerify.longest - 4
        guard !signature.isEmpty, signature.count <= room else { throw .noSignature }
        var message: [UInt8] = []
        message.reserveCapacity(HandshakeReader.header + 4 + signature.count)
        message.append(HandshakeKind.certificateVerify.rawValue)
        Self.append(4 + signature.count, 3, to: &message)
        Self.append(Int(scheme.rawValue), 2, to: &message)
        Self.append(signature.count, 2, to: &message)
        message.append(contentsOf: signature)
        try handshake.hash.append(message[...])
        state = .signed(handshake)
    }

    /// Notes the verification of the client's chain.
    ///
    /// - Parameters:
    ///   - message: the client's Certificate.
    ///   - verified: the client's certificate if its chain is accepted for opening a session; nil if
    ///     it isn't. A chain that was verified before is identified by its hash.
    public mutating func showChain(
        _ message: [UInt8], verified: (ClientChain) throws(ProofRefusal) -> Certificate?
    ) throws(ProofRefusal) {
        guard case .signed(let handshake) = take() else { throw .outOfTurn }
        guard handshake.asksClient else { throw .clientNotAsked }
        let chain = try ClientChain(message)
        guard let leaf = try verified(chain) else { throw .untrustedChain }
        state = .shown(handshake, leaf: leaf, chain: chain)
    }

    /// Verifies that the client signed this handshake.
    ///
    /// - Parameters:
    ///   - messages: the server's Finished, the client's Certificate and CertificateVerify.
    ///   - now: the time of the step.
    public mutating func prove(
        _ messages: [UInt8], at now: Moment = .now
    ) throws(ProofRefusal) -> ProvenClient {
        guard case .shown(let handshake, let leaf, let chain) = take() else { throw .outOfTurn }
        guard now - handshake.began <= Self.patience else { throw .late }
        var reader = HandshakeReader(messages)
        let finished = try reader.next(.finished)
        guard finished.body.count == handshake.hash.algorithm.size else {
            throw .malformed(.finished)
        }
        let certificate = try reader.next(.certificate)
        let verify = try reader.next(.certificateVerify)
        try reader.end()
        guard chain.isMessage(certificate.whole) else { throw .otherClientCertificate }
        var fields = verify.fields
        let number = try fields.number(2)
        let signature = try fields.vector(2, 1...0xffff)
        try fields.end()
        guard let scheme = SignatureScheme(rawValue: UInt16(truncatingIfNeeded: number)),
            leaf.fits(scheme)
        else { throw .unfitScheme }
        try handshake.hash.append(finished.whole)
        try handshake.hash.append(certificate.whole)
        let content = try handshake.hash.content(signedBy: .client)
        guard leaf.verifies(signature.rest, of: content, by: scheme) else {
            throw .wrongClientSignature
        }
        return ProvenClient(leaf: leaf, applicationProtocol: handshake.applicationProtocol)
    }

    /// The client's Certificate with its header, from the input of `prove`: for a chain that comes with the
    /// proof.
    public static func certificate(in messages: [UInt8]) throws(ProofRefusal) -> [UInt8] {
        var reader = HandshakeReader(messages)
        _ = try reader.next(.finished)
        return Array(try reader.next(.certificate).whole)
    }

    private static func append(_ value: Int, _ size: Int, to bytes: inout [UInt8]) {
        var shift = size * 8
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// The proven client of a handshake.
public struct ProvenClient: Sendable {
    /// The certificate whose chain was verified, and whose key signed the handshake.
    public let leaf: Certificate
    private let applicationProtocol: [UInt8]?

    init(leaf: Certificate, applicationProtocol: [UInt8]?) {
        self.leaf = leaf
        self.applicationProtocol = applicationProtocol
    }

    /// Its identity, as used by sessions and tables.
    public var identity: PeerIdentity { leaf.identity }

    /// Whether both ends agreed on this protocol, as signed by the client (ALPN, RFC 7301).
    public func speaks(_ name: String) -> Bool {
        applicationProtocol?.elementsEqual(name.utf8) ?? false
    }
}
