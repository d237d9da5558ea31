// What handshakes of many clients prove, whole, cut and altered; and how they are recorded.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(5)))
struct TranscriptTests {
    private static let folder = repository("Tests/Transcripts")

    private func load(_ transcript: Transcript) throws -> RecordedHandshake {
        try RecordedHandshake(contents(of: "\(Self.folder)/\(transcript.name)"))
    }

    /// A key that this OpenSSL can't read proves nothing to it.
    private func isReadable(_ transcript: Transcript) -> Bool {
        transcript.client != .mldsa44 || PolicyTests.hasHybrid
    }

    @Test(arguments: Transcript.all)
    func transcript_provesItsClient(_ transcript: Transcript) throws {
        let handshake = try load(transcript)
        let leaf = try handshake.leaf()
        guard isReadable(transcript) else {
            #expect(throws: ProofRefusal.unfitScheme) { try handshake.walk(as: leaf) }
            return
        }
        let proven = try handshake.walk(as: leaf)
        #expect(proven.identity.names.map(\.description) == ["email:alice@example.org"])
        #expect(proven.speaks("parley/1") == transcript.hasALPN)
        #expect(
            try ClientChain(handshake.clientCertificate).certificates().count == transcript.chain)
        #expect(split(handshake.opening).count == (transcript.retries ? 7 : 5))
        var proof = HandshakeProof(of: leaf, nonce: handshake.nonce)
        let content = try proof.contentToSign(handshake.opening, scheme: handshake.scheme)
        #expect(content.count == 98 + transcript.hash)
        expectEmptyErrorQueue()
    }

    /// An old handshake is nobody's proof, whatever the server's key.
    @Test(arguments: Transcript.all)
    func transcript_isNotSignedAgain(_ transcript: Transcript) throws {
        let handshake = try load(transcript)
        var proof = try HandshakeProof(of: handshake.leaf())
        #expect(throws: ProofRefusal.wrongNonce) {
            try proof.contentToSign(handshake.opening, scheme: handshake.scheme)
        }
    }

    @Test(arguments: Transcript.all)
    func truncation_isRefused(_ transcript: Transcript) async throws {
        let handshake = try load(transcript)
        let leaf = try handshake.leaf()
        for count in cuts(of: handshake.opening, transcript) {
            await breathe(count)
            var proof = HandshakeProof(of: leaf, nonce: handshake.nonce)
            if (try? proof.contentToSign(
                Array(handshake.opening[..<count]), scheme: handshake.scheme)) != nil
            {
                Issue.record("the first \(count) bytes of the opening are signed")
            }
        }
        for count in cuts(of: handshake.clientCertificate, transcript)
        where (try? ClientChain(Array(handshake.clientCertificate[..<count]))) != nil {
            Issue.record("the first \(count) bytes of the Certificate are a chain")
        }
        guard isReadable(transcript) else { return }
        let client = try handshake.client()
        for count in cuts(of: handshake.closing, transcript) {
            await breathe(count)
            var cut = handshake
            cut.closing = Array(handshake.closing[..<count])
            if (try? cut.walk(as: leaf, client: client)) != nil {
                Issue.record("the first \(count) bytes of the closing are a proof")
            }
        }
        expectEmptyErrorQueue()
    }

    /// Where messages are cut: everywhere in transcripts of each shape, and in the others around the
    /// ends and headers of messages, since all places of all take half a minute.
    private func cuts(of messages: [UInt8], _ transcript: Transcript) -> [Int] {
        let thorough = ["openssl30-chain", "openssl30-retry", "openssl35-p256", "gnutls-ed25519"]
        if thorough.contains(transcript.name) { return Array(messages.indices) }
        return split(messages).flatMap { message in
            Array(message.startIndex - 1...message.startIndex + 5) + [message.endIndex - 1]
        }.filter(messages.indices.contains)
    }

    /// No byte that was handed over could have been another: each is in what the client has signed, or
    /// in its signature. The first step takes changes that the client's random or shares might have;
    /// the last one does not.
    @Test(
        arguments: Transcript.all.filter { ["openssl30-p256", "gnutls-ed25519"].contains($0.name) })
    func everyChangeOfAByte_isRefused(_ transcript: Transcript) async throws {
        let handshake = try load(transcript)
        let leaf = try handshake.leaf()
        let client = try handshake.client()
        var random = SplitMix(state: 4)
        for part in [\RecordedHandshake.opening, \.signature, \.clientCertificate, \.closing] {
            for place in handshake[keyPath: part].indices {
                await breathe(place)
                let change = UInt8.random(in: 1...0xff, using: &random)
                var changed = handshake
                changed[keyPath: part][place] ^= change
                if (try? changed.walk(as: leaf, client: client)) != nil {
                    Issue.record("\(part), byte \(place), changed by \(change), is no matter")
                }
            }
        }
        for scheme in UInt16.min...UInt16.max where scheme != handshake.scheme {
            var changed = handshake
            changed.scheme = scheme
            // Reads the opening each time, so that a sample has to do beside those that there are.
            guard scheme % 97 == 0 || SignatureScheme(rawValue: scheme) != nil else { continue }
            #expect(throws: ProofRefusal.unfitScheme) { try changed.walk(as: leaf, client: client) }
        }
        expectEmptyErrorQueue()
    }

    @Test func randomMutations_areRefused() async throws {
        let all = try Transcript.all.filter(isReadable).map { try load($0) }
        var random = SplitMix(state: 11)
        for round in 0..<500 {
            await breathe(round)
            let handshake = all.randomElement(using: &random)!
            let other = all.randomElement(using: &random)!
            let part = [\RecordedHandshake.opening, \.clientCertificate, \.closing, \.signature]
                .randomElement(using: &random)!
            var changed = handshake
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                changed[keyPath: part].mutate(with: other[keyPath: part], &random)
            }
            guard changed[keyPath: part] != handshake[keyPath: part] else { continue }
            #expect(throws: ProofRefusal.self, "round \(round)") {
                try changed.walk(as: handshake.leaf())
            }
        }
        expectEmptyErrorQueue()
    }
}

/// Lets others have the thread in between, whose time is limited.
private func breathe(_ round: Int) async {
    guard round.isMultiple(of: 16) else { return }
    expectEmptyErrorQueue()
    await Task.yield()
}

extension [UInt8] {
    /// Does one of the things that go wrong with bytes.
    fileprivate mutating func mutate(with other: [UInt8], _ random: inout SplitMix) {
        guard !isEmpty else {
            self = other
            return
        }
        let start = Int.random(in: 0..<count, using: &random)
        let end = Swift.min(count, start + Int.random(in: 1...40, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: self[start] = .random(in: 0...255, using: &random)
        case 1: removeSubrange(start..<end)
        case 2: insert(contentsOf: self[start..<end], at: start)
        case 3: replaceSubrange(start..., with: other.dropFirst(start))
        case 4: replaceSubrange(start..<end, with: repeatElement(0xff, count: end - start))
        default:
            let place = Int.random(in: 0...other.count, using: &random)
            replaceSubrange(start..<end, with: other.dropFirst(place).prefix(end - start))
        }
    }
}
