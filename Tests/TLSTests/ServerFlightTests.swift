// Openings of handshakes that a broker signs nothing for.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct ServerFlightTests {
    let handshake: RecordedHandshake
    let leaf: ServerLeaf

    init() throws {
        handshake = try ProofEnds.shared.record(.p256, .p256)
        leaf = try handshake.leaf()
    }

    /// Places in an opening: ClientHello, ServerHello, EncryptedExtensions, CertificateRequest, Certificate.
    private enum Place: Int { case clientHello, serverHello, extensions, request, certificate }

    private func refusal(_ opening: [UInt8]) -> ProofRefusal? {
        defer { expectEmptyErrorQueue() }
        var proof = HandshakeProof(of: leaf, nonce: handshake.nonce)
        do throws(ProofRefusal) {
            _ = try proof.contentToSign(opening, scheme: handshake.scheme)
            return nil
        } catch {
            return error
        }
    }

    /// The opening with another body of one message, whose length is told as it is.
    private func refusal(
        _ place: Place, _ change: (inout [UInt8]) -> Void
    ) -> ProofRefusal? {
        var messages = split(handshake.opening).map { Array($0) }
        var body = Array(messages[place.rawValue][4...])
        change(&body)
        messages[place.rawValue] = message(messages[place.rawValue][0], body)
        return refusal(messages.flatMap { $0 })
    }

    /// With more extensions in a body that ends with its list.
    private func refusal(
        _ place: Place, adding extra: [UInt8], listAt start: (([UInt8]) -> Int)? = nil
    ) -> ProofRefusal? {
        refusal(place) { body in
            let start = start?(body) ?? (place == .request ? 1 : 0)
            let count = Int(body[start]) << 8 + Int(body[start + 1]) + extra.count
            body[start] = UInt8(count >> 8)
            body[start + 1] = UInt8(count & 0xff)
            body += extra
        }
    }

    /// Behind version, random, session, suite and compression.
    private func listOfServerHello(_ body: [UInt8]) -> Int { 2 + 32 + 1 + Int(body[34]) + 2 + 1 }

    @Test func opening_isSignedAsItIs() {
        #expect(refusal(handshake.opening) == nil)
        #expect(refusal(.extensions) { _ in } == nil)
        // What nobody knows is between the client and the network process.
        #expect(refusal(.extensions, adding: [0xfa, 0xfa, 0, 0]) == nil)
    }

    @Test func extensions_thatChangeWhatIsProved_areRefused() {
        let list = listOfServerHello
        #expect(
            refusal(.serverHello, adding: [0, 41, 0, 2, 0, 0], listAt: list) == .resumption)
        #expect(
            refusal(.serverHello, adding: [0, 43, 0, 2, 3, 4], listAt: list)
                == .malformed(.serverHello))
        for type: UInt8 in [19, 20] {
            #expect(refusal(.extensions, adding: [0, type, 0, 1, 2]) == .forbiddenExtension)
        }
        #expect(refusal(.extensions, adding: [0, 42, 0, 0]) == .forbiddenExtension)
        // ALPN with two names, with none, with an empty one, and twice.
        let alpn: [[UInt8]] = [[0, 4, 1, 65, 1, 66], [0, 0], [0, 1, 0], [0, 2, 1, 65, 0], []]
        for content in alpn {
            #expect(
                refusal(.extensions) {
                    let list = [0, 16, 0, UInt8(content.count)] + content
                    $0 = [0, UInt8(list.count)] + list
                } == .malformed(.encryptedExtensions))
        }
        #expect(
            refusal(.extensions, adding: [0, 16, 0, 4, 0, 2, 1, 65])
                == .malformed(.encryptedExtensions))
    }

    @Test func serverHello_ofAnotherVersionOrSuite_isRefused() {
        let list = listOfServerHello
        #expect(refusal(.serverHello) { $0[1] = 2 } == .notTLS13)
        #expect(refusal(.serverHello) { $0 = Array($0[..<list($0)]) } == .notTLS13)
        #expect(refusal(.serverHello) { $0 = $0[..<list($0)] + [0, 0] } == .notTLS13)
        #expect(
            refusal(.serverHello) { $0 = $0[..<list($0)] + [0, 6, 0, 43, 0, 2, 3, 3] } == .notTLS13)
        // A suite of TLS 1.2, and compression.
        #expect(
            refusal(.serverHello) { body in
                body.replaceSubrange(list(body) - 3..<list(body) - 1, with: [0xc0, 0x2b])
            } == .wrongSuite)
        #expect(refusal(.serverHello) { $0[list($0) - 1] = 1 } == .malformed(.serverHello))
        #expect(refusal(.clientHello) { $0[1] = 4 } == .malformed(.clientHello))
    }

    @Test func contexts_areEmpty() {
        #expect(refusal(.request) { $0 = [1, 7] + $0[1...] } == .contextNotEmpty)
        #expect(refusal(.certificate) { $0 = [1, 7] + $0[1...] } == .contextNotEmpty)
    }

    @Test func nonce_isOursWhole() {
        let type: [UInt8] = [0xff, 0x50]
        func request(_ nonce: [UInt8]?) -> ProofRefusal? {
            refusal(.request) {
                let list = nonce.map { type + [0, UInt8($0.count)] + $0 } ?? []
                $0 = [0, 0, UInt8(list.count)] + list
            }
        }
        #expect(request(handshake.nonce) == nil)
        #expect(request(nil) == .noNonce)
        #expect(request([]) == .wrongNonce)
        #expect(request(Array(handshake.nonce.dropLast())) == .wrongNonce)
        #expect(request(handshake.nonce + [0]) == .wrongNonce)
        #expect(request([UInt8](repeating: 0, count: 32)) == .wrongNonce)
        #expect(
            refusal(.request, adding: type + [0, 32] + handshake.nonce)
                == .malformed(.certificateRequest))
    }

    @Test func handshake_thatMayAskNobody_isNotSignedWithANonceOfAnyKind() {
        let type: [UInt8] = [0xff, 0x50]
        for nonce in [[], [0], handshake.nonce] {
            var messages = split(handshake.opening).map { Array($0) }
            let list = type + [0, UInt8(nonce.count)] + nonce
            messages[Place.request.rawValue] = message(13, [0, 0, UInt8(list.count)] + list)
            var proof = HandshakeProof(askingNobody: leaf)
            #expect(throws: ProofRefusal.wrongNonce) {
                _ = try proof.contentToSign(
                    messages.flatMap { $0 }, scheme: handshake.scheme)
            }
        }
    }

    @Test func messages_comeInTheirOrder() {
        let messages = split(handshake.opening).map { Array($0) }
        // Each left out, each twice, and each two changed.
        for index in messages.indices where index != Place.request.rawValue {
            var fewer = messages
            fewer.remove(at: index)
            #expect(refusal(fewer.flatMap { $0 }) != nil, "without \(index)")
        }
        for index in messages.indices {
            var more = messages
            more.insert(messages[index], at: index)
            #expect(refusal(more.flatMap { $0 }) != nil, "twice \(index)")
            for other in messages.indices where other > index {
                var changed = messages
                changed.swapAt(index, other)
                #expect(refusal(changed.flatMap { $0 }) != nil, "\(index), \(other)")
            }
        }
        #expect(refusal(messages[0]) == .truncated)
        #expect(
            refusal(messages[1] + messages[0]) == .outOfOrder(due: .clientHello))
        #expect(refusal(handshake.opening + [11]) == .trailingBytes)
        #expect(refusal(handshake.opening + message(15, [4, 3, 0, 0])) == .trailingBytes)
    }

    @Test func retries_areOneAtMost_andKeepTheirSuite() throws {
        let client = try ProofEnds.shared.client(.p256) { context in
            #expect(unsafe parley_SSL_CTX_set1_groups_list(context.pointer, "P-521:X25519") == 1)
        }
        let retried = try ProofEnds.shared.record(ProofEnds.shared.server(.p256), client)
        let messages = split(retried.opening).map { Array($0) }
        #expect(messages.map { $0[0] } == [1, 2, 1, 2, 8, 13, 11])
        func refusal(_ messages: [[UInt8]]) -> ProofRefusal? {
            var proof = HandshakeProof(of: leaf, nonce: retried.nonce)
            do throws(ProofRefusal) {
                _ = try proof.contentToSign(messages.flatMap { $0 }, scheme: 0x0403)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(messages) == nil)
        #expect(refusal(Array(messages[..<2] + messages)) == .malformed(.serverHello))
        #expect(
            refusal(Array(messages[..<2] + messages[4...])) == .outOfOrder(due: .clientHello))
        #expect(refusal(Array(messages[..<3] + messages[4...])) == .outOfOrder(due: .serverHello))
        var other = messages
        let suite = 4 + listOfServerHello(Array(other[1][4...])) - 3
        other[1].replaceSubrange(suite..<suite + 2, with: [0x13, 0x01])
        #expect(refusal(other) == .wrongSuite)
    }

    @Test func lengths_haveTheirLimits() throws {
        for (kind, place) in [
            (HandshakeKind.clientHello, Place.clientHello), (.serverHello, .serverHello),
            (.encryptedExtensions, .extensions), (.certificateRequest, .request),
        ] {
            #expect(
                refusal(place) { $0 = [UInt8](repeating: 0, count: kind.longest + 1) }
                    == .tooLong(kind))
        }
        for (extra, refusal) in [(0, .malformed(.certificate)), (1, .longServerChain)]
            as [(Int, ProofRefusal)]
        {
            let rest = [UInt8](repeating: 0, count: ServerFace.longestChain + extra - 2)
            #expect(self.refusal(.certificate) { $0 = [0, 1] + rest } == refusal)
        }
        // A length that lies, of which nothing follows.
        #expect(refusal([1, 0xff, 0xff, 0xff]) == .tooLong(.clientHello))
        #expect(refusal([1, 0, 0x3f, 0xff]) == .truncated)
        // A ClientHello up to its limit.
        let padded = refusal(.clientHello) { body in
            var start = 2 + 32
            start += 1 + Int(body[start])
            start += 2 + Int(body[start]) << 8 + Int(body[start + 1])
            start += 1 + Int(body[start])
            let room = HandshakeKind.clientHello.longest - body.count - 4
            let count = body.count - start - 2 + room + 4
            body.replaceSubrange(start..<start + 2, with: [UInt8(count >> 8), UInt8(count & 0xff)])
            body += [0x7a, 0x7a, UInt8(room >> 8), UInt8(room & 0xff)]
            body += [UInt8](repeating: 0, count: room)
        }
        #expect(padded == nil)
    }

    /// A client's; a server shows its own as they are.
    @Test func chains_haveTenCertificatesAtMost() throws {
        let count = handshake.serverCertificate.count
        let entry =
            [0, UInt8(count >> 8), UInt8(count & 0xff)] + handshake.serverCertificate + [0, 0]
        for length in [10, 11] {
            let list = certificateMessage([[UInt8]](repeating: entry, count: length))
            #expect(refusal(.certificate) { $0 = Array(list[4...]) } == nil)
            if length == 10 {
                #expect(try ClientChain(list).certificates().count == 10)
            } else {
                #expect(throws: ProofRefusal.tooManyCertificates) { try ClientChain(list) }
            }
        }
    }

    @Test(
        arguments: [
            ([], ProofRefusal.noClientCertificate),
            ([[0, 0, 0, 0, 0]], .malformed(.certificate)),
            ([[0, 0, 1, 0x30]], .malformed(.certificate)),
            ([[0, 0, 1, 0x30, 0, 3, 1, 2, 3]], .malformed(.certificate)),
            ([[0, 0, 2, 0x30, 0, 0, 0]], .unreadableCertificate),
            ([[0, 0, 1, 0x30, 0, 0]], .unreadableCertificate),
        ] as [([[UInt8]], ProofRefusal)])
    func chain_ofOtherThings_isRefused(_ entries: [[UInt8]], _ expected: ProofRefusal) {
        #expect(throws: expected) {
            try ClientChain(certificateMessage(entries)).certificates()
        }
        expectEmptyErrorQueue()
    }

    @Test func certificate_withBytesBehindIt_isRefused() {
        #expect(throws: ProofRefusal.unreadableCertificate) {
            let longer = handshake.serverCertificate + [0]
            let size = [0, UInt8(longer.count >> 8), UInt8(longer.count & 0xff)]
            return try ClientChain(certificateMessage([size + longer + [0, 0]])).certificates()
        }
        expectEmptyErrorQueue()
    }
}
