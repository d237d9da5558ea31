// Fuzzes the messages of a handshake that a broker reads.
// SPDX-License-Identifier: Apache-2.0
@testable import TLS

/// The first byte says which part of a handshake the others are.
func fuzzHandshake(_ bytes: [UInt8]) throws(Finding) {
    let part = Array(bytes.dropFirst())
    switch (bytes.first ?? 0) % 5 {
    case 0: try checkOpening(part)
    case 1: try checkChain(part)
    case 2: try checkClosing(part)
    case 3: try checkKeyExchange(part)
    default: try checkTranscript(part)
    }
    try require(ErrorQueue.drain().isEmpty, "nothing is left in OpenSSL's error queue")
}

/// What is signed is the hash of exactly what was handed over.
private func checkOpening(_ messages: [UInt8]) throws(Finding) {
    guard let content = try signable(messages) else { return }
    let kinds = split(messages).map { $0.first ?? 0 }
    let due: [[UInt8]] = [
        [1, 2, 8, 11], [1, 2, 8, 13, 11], [1, 2, 1, 2, 8, 11], [1, 2, 1, 2, 8, 13, 11],
    ]
    try require(due.contains(kinds), "the messages are those that are due: \(kinds)")
    try require([130, 146].contains(content.count), "a content has a hash of a suite's")
    let head = [UInt8](repeating: 0x20, count: 64) + "TLS 1.3, server CertificateVerify\0".utf8
    try require(content.starts(with: head), "a content is one of a server's in TLS 1.3")
    let algorithm: TranscriptHash.Algorithm = content.count == 130 ? .sha256 : .sha384
    if kinds.count < 6 {
        let hash = try must { () throws(ProofRefusal) in
            try TranscriptHash.of(messages[...], algorithm)
        }
        try require(content[98...].elementsEqual(hash), "the hash is that of the messages")
    }
    try require(
        (try? KeyExchangeContent.check(content)) == nil, "a content of TLS 1.3 is none of 1.2")
    try require(try signable(Array(messages.dropLast())) == nil, "a part is not signed")
    try require(try signable(messages + [0]) == nil, "nothing follows what is signed")
}

private func signable(_ messages: [UInt8]) throws(Finding) -> [UInt8]? {
    var proof = HandshakeProof(of: try ours(), nonce: nonce)
    do throws(ProofRefusal) {
        return try proof.contentToSign(messages, scheme: 0x0807)
    } catch {
        try check(error)
        return nil
    }
}

private func checkChain(_ message: [UInt8]) throws(Finding) {
    do throws(ProofRefusal) {
        let chain = try ClientChain(message)
        let certificates = try chain.certificates()
        guard (1...HandshakeKind.maxCertificates).contains(certificates.count),
            chain.hash.count == 32, message.count <= HandshakeKind.certificate.longest + 4
        else { throw .unavailable }
        for certificate in certificates {
            // Reads all of it, and its key.
            _ = (
                PeerIdentity(certificate), SignatureScheme.allCases.filter { certificate.fits($0) }
            )
        }
    } catch {
        try check(error)
        try require(error != .unavailable, "a chain keeps to its limits")
    }
}

/// Nobody has the keys of these certificates, so that nothing is a proof.
private func checkClosing(_ messages: [UInt8]) throws(Finding) {
    var proof = HandshakeProof(of: try ours(), nonce: nonce)
    let leaf = try ours()
    do throws(ProofRefusal) {
        _ = try proof.contentToSign(opening(leaf.encoded), scheme: 0x0807)
        try proof.append(signature: [UInt8](repeating: 1, count: 64))
        let entry = size(leaf.encoded.count) + leaf.encoded + [0, 0]
        let certificate = message(11, [0] + size(entry.count) + entry)
        try proof.showChain(certificate) { _ in leaf.certificate }
    } catch {
        throw Finding(description: "a good handshake gets as far as its client's proof: \(error)")
    }
    do throws(ProofRefusal) {
        _ = try proof.prove(messages)
    } catch {
        return try check(error)
    }
    throw Finding(description: "a proof that nobody could have made is none")
}

private func checkKeyExchange(_ content: [UInt8]) throws(Finding) {
    do throws(ProofRefusal) {
        try KeyExchangeContent.check(content)
    } catch {
        return try check(error)
    }
    try require((100...201).contains(content.count), "a content has one public value")
    try require(
        content[56..<64].elementsEqual("DOWNGRD\u{1}".utf8), "a content of TLS 1.2 says so")
    try require(content[67] == UInt8(content.count - 68), "a public value has its length")
}

/// Messages, each after a byte for its direction, as OpenSSL would report them.
private func checkTranscript(_ bytes: [UInt8]) throws(Finding) {
    let transcript = HandshakeTranscript(nonce: nil)
    var rest = bytes[...]
    while let direction = rest.popFirst() {
        guard let message = split(Array(rest)).first else { break }
        rest = rest.dropFirst(message.count)
        transcript.note(Array(message).span, isSent: direction & 1 == 1)
        if let opening = transcript.opening {
            try require(opening.count <= 102_400, "an opening has its limit")
            try require(
                split(opening).allSatisfy { $0.first != 15 }, "an opening has no signature")
        }
        if let certificate = transcript.clientCertificate {
            try require(certificate.first == 11, "a client's Certificate is one")
        }
    }
    guard let proof = transcript.takeProof() else { return }
    try require(transcript.takeProof() == nil, "a proof is handed over once")
    try require(transcript.opening == nil, "nothing is kept behind a proof")
    try require(proof.count <= 102_400, "a proof has its limit")
}

private func check(_ refusal: ProofRefusal) throws(Finding) {
    try require(
        isPrintable(refusal.description) && !refusal.description.isEmpty,
        "a refusal is one line: \(refusal)")
}

// MARK: A handshake

private let nonce = [UInt8](repeating: 0x50, count: HandshakeNonce.size)

/// A certificate with a key of Ed25519 that nobody has the private half of.
private func ours() throws(Finding) -> ServerLeaf {
    var certificate = DERCertificate()
    certificate.key = der(
        0x30,
        der(0x30, [0x06, 0x03, 0x2b, 0x65, 0x70])
            + der(0x03, [0] + [UInt8](repeating: 9, count: 32)))
    let encoded = certificate.bytes
    let entry = size(encoded.count) + encoded + [0, 0]
    return try must { () throws(ProofRefusal) in
        let chain = try ClientChain(message(11, [0] + size(entry.count) + entry))
        return try ServerLeaf(try chain.certificates()[0])
    }
}

/// ClientHello, ServerHello, EncryptedExtensions, CertificateRequest and Certificate, of the least that they
/// may have.
private func opening(_ leaf: [UInt8]) -> [UInt8] {
    let random = [UInt8](repeating: 7, count: 32)
    let hello = [3, 3] + random + [0, 0, 2, 0x13, 1, 1, 0, 0, 0]
    let answer = [3, 3] + random + [0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]
    let request = [0, 0, 36, 0xff, 0x50, 0, 32] + nonce
    let entry = size(leaf.count) + leaf + [0, 0]
    return message(1, hello) + message(2, answer) + message(8, [0, 0]) + message(13, request)
        + message(11, [0] + size(entry.count) + entry)
}

private func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] { [type] + size(body.count) + body }

/// In three bytes.
private func size(_ count: Int) -> [UInt8] {
    [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
}

/// Messages, each with its header; the last may be cut.
private func split(_ messages: [UInt8]) -> [ArraySlice<UInt8>] {
    var rest = messages[...]
    var found: [ArraySlice<UInt8>] = []
    while !rest.isEmpty {
        let count = 4 + rest.dropFirst().prefix(3).reduce(0) { $0 << 8 | Int($1) }
        found.append(rest.prefix(count))
        rest = rest.dropFirst(count)
    }
    return found
}

private func must<R>(_ body: () throws(ProofRefusal) -> R) throws(Finding) -> R {
    do throws(ProofRefusal) {
        return try body()
    } catch {
        throw Finding(description: "what is good is refused: \(error)")
    }
}
