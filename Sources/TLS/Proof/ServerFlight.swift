// The part of a handshake that the server's CertificateVerify signs.
// SPDX-License-Identifier: Apache-2.0

/// ClientHello, HelloRetryRequest and a second ClientHello if the server asked for one, ServerHello,
/// EncryptedExtensions, CertificateRequest if there is one, and Certificate, in this order (RFC 8446,
/// section 2): all that a broker must know about a handshake before it signs.
struct ServerFlight {
    /// The state at both ends before the server's CertificateVerify.
    let hash: TranscriptHash
    /// The nonce in the CertificateRequest; nil if it has none.
    let nonce: ArraySlice<UInt8>?
    /// Whether the client is asked for a certificate.
    let asksClient: Bool
    /// The name of the protocol that the server chose (RFC 7301); nil if there is none.
    let applicationProtocol: [UInt8]?

    init(_ messages: [UInt8], of leaf: ServerLeaf) throws(ProofRefusal) {
        var reader = HandshakeReader(messages)
        var hello = try reader.next(.clientHello)
        try Self.check(clientHello: hello)
        var answer = try reader.next(.serverHello)
        let first = try Self.serverHello(answer)
        hash = try TranscriptHash(first.algorithm)
        if first.isRetry {
            let digest = try TranscriptHash.of(hello.whole, first.algorithm)
            try hash.append(
                [HandshakeKind.messageHash.rawValue, 0, 0, UInt8(truncatingIfNeeded: digest.count)])
            try hash.append(digest[...])
            try hash.append(answer.whole)
            hello = try reader.next(.clientHello)
            try Self.check(clientHello: hello)
            answer = try reader.next(.serverHello)
            let second = try Self.serverHello(answer)
            guard !second.isRetry else { throw .malformed(.serverHello) }
            guard second.suite == first.suite else { throw .wrongSuite }
        }
        try hash.append(hello.whole)
        try hash.append(answer.whole)

        let extensions = try reader.next(.encryptedExtensions)
        try hash.append(extensions.whole)
        applicationProtocol = try Self.applicationProtocol(in: extensions)

        asksClient = reader.isNext(.certificateRequest)
        if asksClient {
            let request = try reader.next(.certificateRequest)
            try hash.append(request.whole)
            var fields = request.fields
            guard try fields.vector(1, 0...255).isAtEnd else { throw .contextNotEmpty }
            nonce = try fields.extensions()[HandshakeNonce.extensionType]
        } else {
            nonce = nil
        }

        let certificate = try reader.next(.certificate, isServers: true)
        try hash.append(certificate.whole)
        var chain = try CertificateList(certificate)
        guard let shown = try chain.next(), leaf.isEncoded(as: shown) else {
            throw .wrongServerCertificate
        }
        while try chain.next() != nil {}
        try reader.end()
    }

    /// Checks only its form: its contents are between the client and the network process, and it is
    /// signed as it is.
    private static func check(clientHello message: HandshakeMessage) throws(ProofRefusal) {
        var fields = message.fields
        guard try fields.number(2) == legacyVersion else { throw .malformed(.clientHello) }
        _ = try fields.bytes(32)
        _ = try fields.vector(1, 0...32)
        let suites = try fields.vector(2, 2...0xfffe)
        guard suites.rest.count.isMultiple(of: 2) else { throw .malformed(.clientHello) }
        _ = try fields.vector(1, 1...255)
        var extensions = try fields.vector(2, 0...0xffff)
        try fields.end()
        try extensions.checkEntries()
    }

    private static func serverHello(
        _ message: HandshakeMessage
    ) throws(ProofRefusal) -> (algorithm: TranscriptHash.Algorithm, suite: Int, isRetry: Bool) {
        var fields = message.fields
        guard try fields.number(2) == legacyVersion else { throw .notTLS13 }
        let random = try fields.bytes(32)
        _ = try fields.vector(1, 0...32)
        let suite = try fields.number(2)
        guard try fields.number(1) == 0 else { throw .malformed(.serverHello) }
        // In TLS 1.2 they may be absent.
        guard !fields.isAtEnd else { throw .notTLS13 }
        let extensions = try fields.extensions()
        guard extensions[ExtensionType.supportedVersions]?.elementsEqual([3, 4]) == true else {
            throw .notTLS13
        }
        guard extensions[ExtensionType.preSharedKey] == nil else { throw .resumption }
        guard let algorithm = TranscriptHash.Algorithm(suite: suite) else { throw .wrongSuite }
        return (algorithm, suite, random.elementsEqual(retryRandom))
    }

    private static func applicationProtocol(
        in message: HandshakeMessage
    ) throws(ProofRefusal) -> [UInt8]? {
        var fields = message.fields
        let extensions = try fields.extensions()
        guard ExtensionType.forbidden.allSatisfy({ extensions[$0] == nil }) else {
            throw .forbiddenExtension
        }
        guard let content = extensions[ExtensionType.applicationProtocol] else { return nil }
        // A list with exactly one name.
        var list = WireReader(content, of: .encryptedExtensions)
        var names = try list.vector(2, 2...0xffff)
        let name = try names.vector(1, 1...255)
        try names.end()
        try list.end()
        return Array(name.rest)
    }

    /// TLS 1.2's number, which TLS 1.3 messages have in this field (section 4.1.2).
    private static let legacyVersion = 0x0303

    /// A HelloRetryRequest is a ServerHello with this random, SHA-256 of "HelloRetryRequest"
    /// (section 4.1.3).
    private static let retryRandom: [UInt8] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ]
}

/// The extensions (section 4.2) on which a proof depends.
private enum ExtensionType {
    static let applicationProtocol = 16
    static let preSharedKey = 41
    static let supportedVersions = 43
    /// Nobody confirms the names of raw public keys (RFC 7250); early data comes before any proof.
    static let forbidden = [clientCertificateType, serverCertificateType, preSharedKey, earlyData]
    private static let clientCertificateType = 19
    private static let serverCertificateType = 20
    private static let earlyData = 42
}
