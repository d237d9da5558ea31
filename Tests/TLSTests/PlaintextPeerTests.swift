// Peers that speak something else, and ClientHellos that are none.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PlaintextPeerTests {
    @Test(
        arguments: Role.allCases,
        [
            "q", "quit", "Hello", "hello\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "CONNECT localhost:443 HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
            "220 mail ready\r\n",
            "EHLO localhost\r\n", "\0", "\rx", "\u{17}\u{3}\u{3}",
        ])
    func plaintext_isToldAtItsFirstByte(to role: Role, _ text: String) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        victim.toReceive.pending = Array(text.utf8)
        victim.proceed()
        #expect(victim.progress == .failed(.peerSpeaksNoTLS))
        #expect(failureCode { () throws(StreamError) in try victim.close() } == .peerSpeaksNoTLS)
    }

    @Test(arguments: Role.allCases)
    func plaintext_isTold_whereItEndsAtOnce(to role: Role) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        victim.toReceive.pending = Array("quit".utf8)
        victim.toReceive.isEnded = true
        victim.proceed()
        #expect(victim.progress == .failed(.peerSpeaksNoTLS))
    }

    @Test(arguments: Role.allCases)
    func plaintext_isTold_aByteAtATime(to role: Role) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        victim.toReceive.pending = Array("quit".utf8)
        victim.toReceive.trickles = true
        victim.proceed()
        #expect(victim.progress == .failed(.peerSpeaksNoTLS))
    }

    @Test(arguments: [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWN\r\n",
        "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{0c}",
    ])
    func proxyHeader_isCalledOne(_ header: String) throws {
        let pair = try MemoryPair.trusting()
        pair.server.toReceive.pending = Array(header.utf8)
        pair.server.proceed()
        #expect(pair.server.progress == .failed(.proxyHeader))
        let failure = try #require(pair.server.failure)
        #expect(failure.sentence.contains("PROXY") && failure.remedy == nil, "\(failure)")
    }

    @Test(arguments: [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{0c}",
    ])
    func proxyHeader_isCalledOne_inPieces(_ header: String) throws {
        let bytes = Array(header.utf8)
        for cut in 1..<bytes.count {
            let pair = try MemoryPair.trusting()
            pair.server.toReceive.pending = Array(bytes[..<cut])
            pair.server.proceed()
            // Nothing else is said before it is known.
            #expect(pair.server.progress == (cut < 5 ? .waiting : .failed(.proxyHeader)))
            pair.server.toReceive.pending += Array(bytes[cut...])
            pair.server.proceed()
            #expect(pair.server.progress == .failed(.proxyHeader), "cut at \(cut)")
        }
    }

    @Test(arguments: ["P", "PROX", "\r\n", "PROBLEM", "P\n", "\r\n\r\nx"])
    func beginningOfAProxyHeader_thatIsNone_isPlaintext(_ text: String) throws {
        for trickles in [false, true] {
            let pair = try MemoryPair.trusting()
            pair.server.toReceive.pending = Array(text.utf8)
            pair.server.toReceive.trickles = trickles
            pair.server.toReceive.isEnded = true
            for _ in text.utf8 { pair.server.proceed() }
            #expect(pair.server.progress == .failed(.peerSpeaksNoTLS))
        }
    }

    @Test(arguments: Role.allCases, [true, false])
    func plaintext_isAdvised_onlyWhereTheProgramHasIt(to role: Role, _ hasIt: Bool) throws {
        var options = TLSOptions()
        options.mayBePlaintext = hasIt
        let certificates = try CertificateFixture.shared
        for isEnded in [false, true] {
            let pair = try MemoryPair(
                client: certificates.client(options: options),
                server: certificates.server(options: options))
            let victim = pair.end(role)
            victim.toReceive.pending = isEnded ? [] : Array("SSH-2.0".utf8)
            victim.toReceive.isEnded = true
            victim.proceed()
            let failure = try #require(victim.failure)
            if !isEnded {
                let peer: Streams.End = role == .server ? .client : .server
                #expect(failure.remedy == .haveEncrypt(peer, mayBePlaintext: hasIt))
            } else if role == .client {
                #expect(failure.remedy == .findOutWhetherPeerSpeaksTLS(mayBePlaintext: hasIt))
            } else {
                // A client that left without a word has spoken nothing.
                #expect(failure.remedy == nil)
            }
        }
    }

    @Test func clientThatOnlyKnocks_isTold_andAServerThatDoesIsNone() throws {
        for failure in [nil, ECONNRESET] {
            for role in Role.allCases {
                let pair = try MemoryPair.trusting()
                let victim = pair.end(role)
                victim.toReceive.isEnded = failure == nil
                victim.toReceive.receiveFailure = failure
                victim.proceed()
                let expected: StreamError.Code =
                    role == .server ? .leftWithoutAWord : failure == nil ? .handshakeEnded : .reset
                #expect(victim.progress == .failed(expected))
            }
        }
        // With a word it is another matter.
        let pair = try MemoryPair.trusting()
        pair.server.toReceive.pending = [0x16]
        pair.server.toReceive.isEnded = true
        pair.server.proceed()
        #expect(pair.server.progress == .failed(.handshakeEnded))
    }

    @Test(arguments: Role.allCases)
    func brokenTLS_isNotCalledPlaintext(to role: Role) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        victim.toReceive.pending = [0x16, 3, 1, 0, 4, 0xff, 0, 0, 0]
        victim.proceed()
        #expect(victim.progress == .failed(.tlsFailed))
    }

    @Test(arguments: Role.allCases)
    func beginningOfTLS_isWaitedFor(to role: Role) throws {
        let pair = try MemoryPair.trusting()
        let victim = pair.end(role)
        for byte: UInt8 in [0x16, 3, 1, 0, 200, 1] {
            victim.toReceive.pending.append(byte)
            victim.proceed()
            #expect(victim.progress == .waiting)
        }
    }

    /// The alerts of RFC 8446, section 6, in the clear, as the first thing that comes.
    @Test(
        arguments: [
            (40, StreamError.Code.noCommonCipher), (42, .certificateRejected),
            (43, .certificateRejected), (44, .certificateRejected), (45, .certificateRejected),
            (46, .certificateRejected), (48, .certificateRejected), (49, .certificateRejected),
            (70, .noCommonVersion), (71, .noCommonCipher), (80, .tlsFailed), (112, .tlsFailed),
            (116, .clientCertificateRequired),
        ] as [(UInt8, StreamError.Code)])
    func alert_isToldForWhatItMeans(_ number: UInt8, _ expected: StreamError.Code) throws {
        let pair = try MemoryPair.trusting()
        pair.client.proceed()
        pair.client.toReceive.pending = Record(type: Record.alert, payload: [2, number]).bytes
        pair.client.proceed()
        #expect(pair.client.progress == .failed(expected))
    }

    @Test(arguments: [true, false])
    func missingCertificate_isAskedFor_onlyWhereNoneWasGiven(_ wasGiven: Bool) throws {
        let certificates = try CertificateFixture.shared
        let pair = try MemoryPair(
            client: certificates.client(wasGiven ? "ours/client.pem" : nil),
            server: certificates.server())
        pair.client.proceed()
        pair.client.toReceive.pending = Record(type: Record.alert, payload: [2, 116]).bytes
        pair.client.proceed()
        let failure = try #require(pair.client.failure)
        #expect(failure.remedy == (wasGiven ? nil : .giveCertificate))
        #expect(failure.sentence.contains("signature") == wasGiven, "\(failure)")
    }

    @Test func clientHello_mayBeAnything() throws {
        let certificates = try CertificateFixture.shared
        let (client, server) = (try certificates.client(), try certificates.server())
        // The same every time, so that a failure can be had again.
        var generator = Generator(state: 2)
        for round in 0..<400 {
            let pair = try MemoryPair(client: client, server: server)
            pair.client.proceed()
            var hello = pair.client.sent.pending
            // Behind the record's header, so that OpenSSL's parser sees it.
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let place = Int.random(in: 5..<hello.count, using: &generator)
                hello[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if round % 4 == 0 {
                let count = Int.random(in: 5..<hello.count, using: &generator)
                hello = Array(hello.prefix(count))
                hello[3] = UInt8((count - 5) >> 8)
                hello[4] = UInt8((count - 5) & 0xff)
            }
            pair.client.sent.pending = hello
            pair.server.proceed()
            pair.client.channel.shutdownWrite()
            pair.server.proceed()
            if case .failed = pair.server.progress { continue }
            Issue.record("round \(round) is \(pair.server.progress)")
        }
    }

    @Test func serversFlight_mayBeAnything() throws {
        // In TLS 1.2 the certificate comes in the clear, so that its parser sees the changes too.
        var options = TLSOptions()
        options.minimum = .tls12
        let certificates = try CertificateFixture.shared
        let client = try certificates.client(options: options)
        let server = try certificates.server(options: options)
        server.limit(to: TLS1_2_VERSION)
        var generator = Generator(state: 3)
        for round in 0..<200 {
            let pair = try MemoryPair(client: client, server: server)
            pair.client.proceed()
            pair.server.proceed()
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let place = Int.random(in: 0..<pair.server.sent.pending.count, using: &generator)
                pair.server.sent.pending[place] ^= UInt8.random(in: 1...255, using: &generator)
            }
            pair.handshake()
            pair.server.channel.shutdownWrite()
            pair.handshake()
            // Not all of a record's header is protected, so that some changes are none.
            #expect(pair.client.progress != .waiting, "round \(round)")
        }
    }
}

/// A linear congruential generator with the constants of Knuth's MMIX.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
