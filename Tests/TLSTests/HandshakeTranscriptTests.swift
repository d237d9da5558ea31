// What a network process gathers of a handshake, and when it lets it go.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct HandshakeTranscriptTests {
    /// Server and client of a handshake, by type; a message that the server sends is below zero.
    private static let order = [1, -2, -8, -13, -11, -15, -20, 11, 15, 20]

    /// Notes messages of one byte each.
    private func noted(_ types: [Int]) -> HandshakeTranscript {
        let transcript = HandshakeTranscript(nonce: nil)
        for type in types {
            let bytes = message(UInt8(abs(type)), [UInt8(abs(type))])
            transcript.note(bytes.span, isSent: type < 0)
        }
        return transcript
    }

    private func messages(_ types: [UInt8]) -> [UInt8] { types.flatMap { message($0, [$0]) } }

    @Test func pieces_areThereWhenTheyAreDue() {
        for count in 0...Self.order.count {
            let transcript = noted(Array(Self.order[..<count]))
            let opening = (1...5).contains(count) ? messages([1, 2, 8, 13, 11]) : nil
            #expect(transcript.opening == opening.map { Array($0.prefix(5 * count)) })
            let hasCertificate = (8...9).contains(count)
            #expect(transcript.clientCertificate == (hasCertificate ? messages([11]) : nil))
            let proof = count == Self.order.count ? messages([20, 11, 15]) : nil
            #expect(transcript.takeProof() == proof)
            #expect(transcript.takeProof() == nil)
            #expect(transcript.opening == nil && transcript.clientCertificate == nil)
        }
        let retried = noted([1, -2] + Self.order)
        #expect(retried.takeProof() == messages([20, 11, 15]))
    }

    @Test(arguments: [
        // TLS 1.2, a client that shows nothing, and what a server doesn't do.
        [1, -2, -11, -12], [1, -2, -8, -13, -11, -15, -20, 20], [1, 2], [-1], [1, -2, 8], [24],
        [1, -2, -8, -13, -11, -15, -20, 11, 11], [1, -2, -8, -13, -11, -15, -20, 15],
        [1, -2, -8, -11, -15, -20, 11, 20, 20], [20], [11], [1, -4],
    ])
    func otherHandshakes_leaveNothing(_ types: [Int]) {
        let transcript = noted(types)
        #expect(transcript.opening == nil && transcript.clientCertificate == nil)
        // Nor does what would be good after it.
        for type in Self.order {
            transcript.note(message(UInt8(abs(type)), [0]).span, isSent: type < 0)
        }
        #expect(transcript.takeProof() == nil)
    }

    @Test func longMessages_leaveNothing() {
        for kind in [HandshakeKind.clientHello, .certificate] {
            for isTooLong in [false, true] {
                let isServers = kind == .certificate
                let transcript = noted([1, -2])
                let body = [UInt8](
                    repeating: 0,
                    count: kind.longest(isServers: isServers) + (isTooLong ? 1 : 0))
                transcript.note(message(kind.rawValue, body).span, isSent: isServers)
                #expect((transcript.opening == nil) == isTooLong)
            }
        }
        // A client's certificates have less room than the server's own.
        for isTooLong in [false, true] {
            let transcript = noted([1, -2, -8, -13, -11, -15, -20])
            let count = HandshakeKind.certificate.longest + (isTooLong ? 1 : 0)
            let body = [UInt8](repeating: 0, count: count)
            transcript.note(message(11, body).span, isSent: false)
            #expect((transcript.clientCertificate == nil) == isTooLong)
        }
        // However many there are.
        let transcript = noted([])
        let hello = message(1, [UInt8](repeating: 0, count: 16_384))
        let most = HandshakeTranscript.longest / hello.count
        for count in 1...20 {
            transcript.note(hello.span, isSent: false)
            #expect(transcript.opening?.count ?? 0 == (count <= most ? count * hello.count : 0))
        }
    }

    /// All of an opening that is within its messages' limits, for which a channel has room.
    @Test func opening_mayHaveTheLongestMessages() {
        let hellos: [HandshakeKind] = [.clientHello, .serverHello, .clientHello, .serverHello]
        let kinds = hellos + [.encryptedExtensions, .certificateRequest, .certificate]
        let transcript = noted([])
        for kind in kinds {
            let body = [UInt8](repeating: 0, count: kind.longest(isServers: true))
            transcript.note(message(kind.rawValue, body).span, isSent: kind != .clientHello)
        }
        #expect(transcript.opening != nil)
        #expect(HandshakeTranscript.longest == CallLimit.messages)
    }

    @Test func stubs_leaveNothing() {
        for length in 0..<4 {
            let transcript = noted([1])
            transcript.note([UInt8](repeating: 2, count: length).span, isSent: true)
            #expect(transcript.opening == nil)
        }
    }

    /// What a broker is handed is what OpenSSL has hashed, message for message.
    @Test func pieces_areTheHandshakes() throws {
        let ends = try ProofEnds.shared
        let pair = try MemoryPair(client: ends.client(.p256), server: ends.server(.p256))
        let tap = try HandshakeTap(pair.server.stream)
        try pair.establish()
        let recorded = try tap.recorded()
        #expect(tap.messages.map { $0[0] } == [1, 2, 8, 13, 11, 15, 20, 11, 15, 20])
        #expect(recorded.opening == tap.messages[..<5].flatMap { $0 })
        #expect(recorded.closing == tap.messages[6..<9].flatMap { $0 })
        #expect(recorded.clientCertificate == tap.messages[7])
        #expect(pair.server.stream.transcript == nil)
        // Messages after the handshake are nobody's.
        pair.client.stream.updateKeys()
        _ = try pair.client.write("x")
        #expect(try pair.server.read() == .text("x"))
        #expect(tap.messages.count == 10)
    }

    @Test func handshakeThatFails_leavesNothing() throws {
        let ends = try ProofEnds.shared
        let stranger = try CertificateFixture.shared.client(
            "other/client.pem", key: "other/client.key", trusting: ends.authority.trust("root"))
        let pair = try MemoryPair(client: stranger, server: ends.server(.p256))
        pair.server.stream.transcript = HandshakeTranscript(nonce: try HandshakeNonce.make())
        pair.handshake()
        #expect(pair.server.progress == .failed(.unknownCA))
        #expect(pair.server.stream.transcript == nil)
        #expect(pair.server.stream.takeProof() == nil)
    }

    /// OpenSSL takes 100 KiB of certificates by itself, of which the client would hear nothing but an end.
    @Test func chainThatNoBrokerTakes_isRefusedWithAnAlert() throws {
        let ends = try ProofEnds.shared
        for (count, isTaken) in [(2_200, true), (2_400, false)] {
            let names = (1_000..<1_000 + count).map { "DNS:\($0).example" }.joined(separator: ",")
            let name = "names-\(count)"
            try ends.authority.certificate(
                name, "x", "extendedKeyUsage = clientAuth\nsubjectAltName = \(names)", by: "root")
            let client = try CertificateFixture.shared.client(
                nil, trusting: ends.authority.trust("root"))
            try ends.authority.show(name, in: client)
            let pair = try MemoryPair(client: client, server: ends.server(.p256))
            pair.handshake()
            #expect(pair.server.progress == (isTaken ? .done : .failed(.tlsFailed)))
            let sentence = pair.server.failure?.sentence ?? ""
            #expect(sentence.contains("excessive message size") == !isTaken, "\(sentence)")
        }
    }

    @Test func streamWithoutATranscript_isServed() throws {
        let ends = try ProofEnds.shared
        let pair = try MemoryPair(client: ends.client(.p256), server: ends.server(.p256))
        try pair.establish()
        #expect(pair.server.stream.takeProof() == nil)
    }
}
