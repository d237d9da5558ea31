// What a handshake's messages prove, and what they don't.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct ProofTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    // MARK: What is proved

    @Test(arguments: [
        (KeyKind.p256, KeyKind.p256), (.p384, .p384), (.rsa, .rsa), (.pss, .pss),
        (.ed25519, .ed25519), (.p256, .p521), (.p256, .ed448),
    ])
    func handshake_provesItsClient(_ server: KeyKind, _ client: KeyKind) throws {
        let handshake = try ends.record(server, client)
        let proven = try handshake.walk(as: handshake.leaf())
        #expect(proven.identity.description == "email:alice@example.org")
        #expect(proven.speaks("parley/1"))
        #expect(!proven.speaks("parley/2") && !proven.speaks("parley/"))
        expectEmptyErrorQueue()
    }

    @Test(arguments: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"], [false, true])
    func handshake_provesItsClient_withEitherHash_andAfterARetry(
        _ suite: String, _ retries: Bool
    ) throws {
        let client = try ends.client(.p256) { context in
            unsafe SSL_CTX_set_ciphersuites(context.pointer, suite)
            if retries {
                #expect(
                    unsafe parley_SSL_CTX_set1_groups_list(context.pointer, "P-521:X25519") == 1)
            }
        }
        let handshake = try ends.record(ends.server(.p256), client)
        #expect(split(handshake.opening).count == (retries ? 7 : 5))
        var proof = HandshakeProof(of: try handshake.leaf(), nonce: handshake.nonce)
        let content = try proof.contentToSign(handshake.opening, scheme: handshake.scheme)
        #expect(content.count == (suite.hasSuffix("256") ? 130 : 146))
        #expect(try handshake.walk(as: handshake.leaf()).speaks("parley/1"))
    }

    @Test func chain_isHandedOverWhole_orKnownByItsHash() throws {
        let handshake = try ends.record(ends.server(.p256), ends.client(.p256, as: "chained"))
        var proof = HandshakeProof(of: try handshake.leaf(), nonce: handshake.nonce)
        _ = try proof.contentToSign(handshake.opening, scheme: handshake.scheme)
        try proof.append(signature: handshake.signature)
        var hash: [UInt8] = []
        let client = try handshake.client()
        try proof.showChain(handshake.clientCertificate) { chain throws(ProofRefusal) in
            hash = chain.hash
            let certificates = try chain.certificates()
            #expect(certificates.map(\.subject).count == 2)
            #expect(certificates[1].isAuthority && !certificates[0].isAuthority)
            return client
        }
        #expect(try hash == TranscriptHash.of(handshake.clientCertificate[...], .sha256))
        #expect(try proof.prove(handshake.closing).leaf === client)
    }

    @Test func clientWithoutTheProtocol_isProved_andSpeaksNone() throws {
        let handshake = try ends.record(ends.server(.p256), ends.client(.p256, speaking: []))
        let proven = try handshake.walk(as: handshake.leaf())
        #expect(!proven.speaks("parley/1"))
        #expect(!proven.speaks(""))
    }

    @Test func serverThatAsksNoClient_isSignedFor_andProvesNobody() throws {
        let pair = try MemoryPair(
            client: ends.client(.p256), server: ends.server(.p256, asksClient: false))
        let tap = try HandshakeTap(pair.server.stream, sendsNonce: false)
        try pair.establish()
        #expect(pair.server.stream.takeProof() == nil)
        let opening = try #require(tap.opening)
        var proof = HandshakeProof(
            of: try ServerLeaf(Certificate.read(ends.authority.path("server-p256.pem"))[0]),
            nonce: [UInt8](repeating: 7, count: 32))
        _ = try proof.contentToSign(opening, scheme: 0x0403)
        try proof.append(signature: Array(try #require(tap.serverVerify)[8...]))
        let stolen = try ends.record(.p256, .p256).clientCertificate
        #expect(throws: ProofRefusal.clientNotAsked) {
            try proof.showChain(stolen) { _ in nil }
        }
    }

    // MARK: Attacks

    @Test(arguments: [KeyKind.p256, .pss, .ed25519])
    func oldHandshake_provesNobody(_ server: KeyKind) throws {
        let old = try ends.record(server, .p256)
        var replay = old
        replay.nonce = try HandshakeNonce.make()
        let (leaf, client) = (try old.leaf(), try old.client())
        #expect(throws: ProofRefusal.wrongNonce) { try replay.walk(as: leaf) }
        // What a broker without nonces would have to count on: that its key never signs a content
        // the same way again.
        var naive = HandshakeProof(of: leaf, nonce: old.nonce)
        let content = try naive.contentToSign(old.opening, scheme: old.scheme)
        try naive.append(signature: ends.sign(content, server, scheme: old.scheme))
        try naive.showChain(old.clientCertificate) { _ in client }
        if server == .ed25519 {
            _ = try naive.prove(old.closing)
        } else {
            #expect(throws: ProofRefusal.wrongClientSignature) { try naive.prove(old.closing) }
        }
    }

    @Test func handshakeWithoutANonce_isNotSigned() throws {
        let handshake = try ends.record(
            ends.server(.ed25519), ends.client(.p256), sendsNonce: false)
        #expect(throws: ProofRefusal.noNonce) { try handshake.walk(as: handshake.leaf()) }
    }

    @Test func alteredParts_areRefused() throws {
        let good = try ends.record(.p256, .p256)
        let leaf = try good.leaf()
        let parts = split(good.closing)
        var handshake = good
        // The server's Finished, and the client's signature.
        for place in [4, good.closing.count - 1] {
            handshake.closing = good.closing
            handshake.closing[place] ^= 1
            #expect(throws: ProofRefusal.wrongClientSignature) { try handshake.walk(as: leaf) }
        }
        // Another signature of the same key over the same content.
        handshake = good
        handshake.signature = try ends.sign(
            [UInt8](repeating: 0x20, count: 130), .p256, scheme: 0x0403)
        #expect(throws: ProofRefusal.wrongClientSignature) { try handshake.walk(as: leaf) }
        // Another client's certificate, after the right chain and after its own.
        let other = try ends.record(ends.server(.p256), ends.client(.p256, as: "other"))
        handshake = good
        handshake.closing = Array(parts[0] + other.clientCertificate + parts[2])
        #expect(throws: ProofRefusal.otherClientCertificate) { try handshake.walk(as: leaf) }
        handshake.clientCertificate = other.clientCertificate
        #expect(throws: ProofRefusal.wrongClientSignature) { try handshake.walk(as: leaf) }
        // Another client's whole answer.
        handshake.closing = other.closing
        #expect(throws: ProofRefusal.wrongClientSignature) { try handshake.walk(as: leaf) }
        // A Finished with another hash, and a byte after the signature.
        handshake = good
        handshake.closing =
            message(20, Array(parts[0].dropFirst(4).dropLast())) + parts[1] + parts[2]
        #expect(throws: ProofRefusal.malformed(.finished)) { try handshake.walk(as: leaf) }
        handshake.closing =
            parts[0] + parts[1] + message(15, Array(parts[2].dropFirst(4)) + [0])
        #expect(throws: ProofRefusal.malformed(.certificateVerify)) {
            try handshake.walk(as: leaf)
        }
        // A client's chain that is not accepted, and none.
        handshake = good
        handshake.clientCertificate = certificateMessage([])
        #expect(throws: ProofRefusal.noClientCertificate) { try handshake.walk(as: leaf) }
        expectEmptyErrorQueue()
    }

    @Test func anotherServersHandshake_isNotSigned() throws {
        let theirs = try ends.record(.p256, .p256)
        let ours = try ends.record(.rsa, .p256)
        #expect(throws: ProofRefusal.wrongServerCertificate) { try theirs.walk(as: ours.leaf()) }
        // With our certificate after theirs, or before it.
        let own = try entry(ours.serverCertificate)
        let foreign = try entry(theirs.serverCertificate)
        var messages = split(theirs.opening)
        messages[messages.count - 1] = certificateMessage([foreign, own])[...]
        var handshake = theirs
        handshake.opening = messages.flatMap { $0 }
        #expect(throws: ProofRefusal.wrongServerCertificate) { try handshake.walk(as: ours.leaf()) }
    }

    @Test(arguments: [
        // PKCS #1, SHA-1, another curve, another key type, no scheme, and a restricted key's.
        (KeyKind.rsa, [0x0401, 0x0201, 0x0809, 0x0403, 0x0807] as [UInt16]),
        (.p256, [0x0503, 0x0603, 0x0203, 0x0804, 0x081a, 0, 0xffff]),
        (.pss, [0x0804, 0x0401]), (.ed25519, [0x0808, 0x0403, 0x0804]),
    ])
    func schemeThatDoesNotFit_signsNothing(_ kind: KeyKind, _ schemes: [UInt16]) throws {
        let good = try ends.record(kind, kind)
        let leaf = try good.leaf()
        for scheme in schemes {
            var handshake = good
            handshake.scheme = scheme
            #expect(throws: ProofRefusal.unfitScheme) { try handshake.walk(as: leaf) }
            // The client's.
            handshake = good
            var parts = split(good.closing).map { Array($0) }
            parts[2].replaceSubrange(4..<6, with: [UInt8(scheme >> 8), UInt8(scheme & 0xff)])
            handshake.closing = parts.flatMap { $0 }
            #expect(throws: ProofRefusal.unfitScheme) { try handshake.walk(as: leaf) }
        }
        expectEmptyErrorQueue()
    }

    private func entry(_ certificate: [UInt8]) throws -> [UInt8] {
        let count = certificate.count
        return [0, UInt8(count >> 8), UInt8(count & 0xff)] + certificate + [0, 0]
    }
}
