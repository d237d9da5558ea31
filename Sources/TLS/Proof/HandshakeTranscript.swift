// The network process's half of a proof: a handshake's messages, as OpenSSL reports them.
// SPDX-License-Identifier: Apache-2.0

/// Collects what a broker needs from a server's TLS 1.3 handshake, in two parts: what the server's
/// signature covers, and what the client's adds. Each is discarded once it was taken, or when the next
/// begins; a handshake that is not TLS 1.3, or whose messages are longer than a broker accepts, leaves
/// nothing. Confined to its stream's loop.
public final class HandshakeTranscript {
    /// The broker's handle for the handshake.
    public let handle: UInt32
    /// Whether the client is asked for a certificate.
    public let asksClient: Bool
    /// The nonce in the CertificateRequest; nil for none. Created only when one is sent, since clients that
    /// connect and say nothing need none.
    public private(set) lazy var nonce: [UInt8]? = makeNonce.take()?()
    private var makeNonce: (() -> [UInt8]?)?
    private var phase = Phase.opening
    private var messages: [UInt8] = []

    /// - Parameters:
    ///   - handle: the handshake's number.
    ///   - makeNonce: called at most once, for a nonce from the broker; nil if the client is not
    ///     asked.
    public init(handle: UInt32, makeNonce: (() -> [UInt8]?)?) {
        self.handle = handle
        asksClient = makeNonce != nil
        self.makeNonce = makeNonce
    }

    /// - Parameter nonce: `HandshakeNonce.size` bytes from the broker; nil if the client is not
    ///   asked.
    convenience init(nonce: [UInt8]?) { self.init(handle: 0) { nonce } }

    private enum Phase {
        /// From the ClientHello on.
        case opening
        /// From the server's Finished on, with the position of the client's Certificate.
        case closing(certificate: Range<Int>?)
        case complete
        case gone
    }

    /// ClientHello to server Certificate, as the server's signature covers them; complete when OpenSSL
    /// asks for that signature.
    public var opening: [UInt8]? {
        if case .opening = phase, !messages.isEmpty { messages } else { nil }
    }

    /// The client's Certificate, while OpenSSL asks for its verification.
    public var clientCertificate: [UInt8]? {
        guard case .closing(let place?) = phase else { return nil }
        return Array(messages[place])
    }

    /// The server's Finished, the client's Certificate and CertificateVerify, once, when the handshake is
    /// done and the client has shown a certificate; else nil.
    public func takeProof() -> [UInt8]? {
        defer { turn(to: .gone) }
        if case .complete = phase { return messages }
        return nil
    }

    /// Takes a message that the server sent or received, with its header.
    func note(_ message: Span<UInt8>, isSent: Bool) {
        guard message.count >= HandshakeReader.header,
            let kind = HandshakeKind(rawValue: message[0]),
            message.count - HandshakeReader.header <= kind.longest(isServers: isSent),
            messages.count + message.count <= Self.longest
        else { return turn(to: .gone) }
        switch (phase, kind, isSent) {
        case (.opening, .clientHello, false), (.opening, .serverHello, true),
            (.opening, .encryptedExtensions, true), (.opening, .certificateRequest, true),
            (.opening, .certificate, true), (.closing, .finished, true),
            (.closing(_?), .certificateVerify, false):
            // Enough for a hello, or for a certificate and its CA.
            if messages.isEmpty { messages.reserveCapacity(Self.usual) }
            messages.append(contentsOf: message)
        case (.closing(nil), .certificate, false):
            let start = messages.count
            messages.append(contentsOf: message)
            phase = .closing(certificate: start..<messages.count)
        // The broker created it, and has it.
        case (.opening, .certificateVerify, true): turn(to: .closing(certificate: nil))
        case (.closing(_?), .finished, false): phase = .complete
        default: turn(to: .gone)
        }
    }

    /// Begins a phase, discarding what came before.
    private func turn(to next: Phase) {
        phase = next
        messages = []
    }

    /// In bytes: two hellos of each end, and the longest of each other message.
    static let longest = 173_056
    /// What all messages of a phase usually take.
    private static let usual = 2_048
}
