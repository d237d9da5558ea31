// Contents of signatures in TLS 1.2, and that none is one of TLS 1.3.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct KeyExchangeContentTests {
    private static let sentinel = Array("DOWNGRD".utf8) + [1]

    private static func content(
        _ parameters: [UInt8], _ value: [UInt8], ending sentinel: [UInt8] = sentinel
    ) -> [UInt8] {
        [UInt8](repeating: 1, count: 32) + [UInt8](repeating: 2, count: 32 - sentinel.count)
            + sentinel + parameters + value
    }

    private static func point(_ size: Int) -> [UInt8] {
        [4] + [UInt8](repeating: 9, count: size - 1)
    }

    private static let good: [[UInt8]] = [
        content([3, 0, 29, 32], [UInt8](repeating: 9, count: 32)),
        content([3, 0, 23, 65], point(65)),
        content([3, 0, 24, 97], point(97)),
        content([3, 0, 25, 133], point(133)),
    ]

    private func refusal(_ content: [UInt8]) -> ProofRefusal? {
        do throws(ProofRefusal) {
            try KeyExchangeContent.check(content)
            return nil
        } catch {
            return error
        }
    }

    /// A handshake of TLS 1.2 by a server of 1.3, as OpenSSL makes it.
    @Test(arguments: ["X25519:P-256", "P-256", "P-384:P-256"])
    func contentOfAHandshake_isTaken(_ group: String) throws {
        let ends = try ProofEnds.shared
        let client = try ends.client(.p256) { context in
            #expect(
                unsafe parley_SSL_CTX_set_max_proto_version(context.pointer, TLS1_2_VERSION) == 1)
            #expect(unsafe parley_SSL_CTX_set1_groups_list(context.pointer, group) == 1)
        }
        let pair = try MemoryPair(client: client, server: ends.server(.p256, minimum: .tls12))
        let tap = try HandshakeTap(pair.server.stream)
        try pair.establish()
        #expect(pair.server.stream.version == "TLSv1.2")
        let (hello, answer, exchange) = (tap.messages[0], tap.messages[1], tap.messages[3])
        try #require(exchange[0] == 12)
        let parameters = exchange[4..<4 + 4 + Int(exchange[7])]
        #expect(refusal(Array(hello[6..<38] + answer[6..<38] + Array(parameters))) == nil)
        // The transcript has given up, and there is nothing to be handed over.
        #expect(pair.server.stream.transcript?.opening == nil)
        #expect(pair.server.stream.takeProof() == nil)
    }

    @Test func form_isExact() {
        for content in Self.good {
            #expect(refusal(content) == nil)
            for length in content.indices {
                #expect(refusal(Array(content[..<length])) == .malformedKeyExchange)
            }
            #expect(refusal(content + [0]) == .malformedKeyExchange)
        }
        for parameters: [UInt8] in [
            [1, 0, 29, 32], [3, 1, 29, 32], [3, 0, 30, 32], [3, 0, 29, 31], [3, 0, 23, 32],
        ] {
            #expect(
                refusal(Self.content(parameters, [UInt8](repeating: 9, count: 32)))
                    == .malformedKeyExchange)
        }
        // A compressed point.
        #expect(
            refusal(Self.content([3, 0, 23, 33], [2] + [UInt8](repeating: 9, count: 32)))
                == .malformedKeyExchange)
    }

    @Test func serverRandom_hasTheSentinelOfADowngradeTo12() {
        for sentinel in [
            [UInt8](repeating: 2, count: 8), Array("DOWNGRD".utf8) + [0],
            Array("DOWNGRE".utf8) + [1],
        ] {
            #expect(
                refusal(
                    Self.content(
                        [3, 0, 29, 32], [UInt8](repeating: 9, count: 32), ending: sentinel))
                    == .noDowngradeSentinel)
        }
    }

    /// Every byte but those of the randoms before the sentinel and of the public value is fixed.
    @Test func everyByte_isCheckedOrFree() {
        let content = Self.good[1]
        for place in content.indices {
            let isFree = place < 56 || place > 68
            for value in UInt8.min...UInt8.max where value != content[place] {
                var changed = content
                changed[place] = value
                #expect((refusal(changed) == nil) == isFree, "\(place): \(value)")
            }
        }
    }

    @Test(arguments: [130, 146])
    func contentOfTLS13_isNone(_ count: Int) {
        // Whatever its hash is, which is the only part of it that anybody chooses.
        var spelled = [UInt8](repeating: 0x20, count: 64)
        spelled += Array("TLS 1.3, server CertificateVerify".utf8) + [0]
        spelled += [UInt8](repeating: 0, count: count - spelled.count)
        #expect(refusal(spelled) == .malformedKeyExchange)
        // And one that spells it in its randoms lacks the sentinel.
        var shaped = spelled
        shaped.replaceSubrange(64..<68, with: [3, 0, 29, 32])
        #expect(refusal(Array(shaped[..<100])) == .noDowngradeSentinel)
    }
}
