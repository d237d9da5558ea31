// Questions and their answers, each written and read again, and cut anywhere.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import Testing

@testable import Broker
@testable import Remote

@Suite
struct CallMessageTests {
    private static let nonce = [UInt8](repeating: 7, count: 32)
    private static let failure = StreamError(
        StreamError.Code(rawValue: "unknownCA"), "it is unknown, 今",
        remedy: .trust(.client, isSelfSigned: true), cause: .certificate(18, "self-signed"))

    private static let calls: [any Call] = [
        NonceCall(),
        SignatureCall(handle: 1, key: 2, nonce: nonce, scheme: 0x0403, messages: [1, 2, 3]),
        SignatureCall(handle: .max, key: .max, nonce: nil, scheme: .max, messages: []),
        KeyExchangeCall(handle: 2, key: 1, scheme: 0x0807, content: [3, 0, 29]),
        ChainCall(handle: 3, certificate: [11, 0, 0, 1, 0]),
        ProofCall(handle: 4, messages: [20]), StandingCall(handle: 5), DropCall(handle: 6),
    ]

    private static let answers: [any CallAnswer] = [
        NonceCall.Answer(nonce: nonce), SignatureAnswer.signed([1], next: nonce),
        SignatureAnswer.signed([], next: nil), SignatureAnswer.refused("not now, 今"),
        ChainAnswer.accepted(seconds: 0), ChainAnswer.accepted(seconds: .max),
        ChainAnswer.objection(code: 18, failure: failure),
        ChainAnswer.objection(code: -1, failure: StreamError(failure.code, "")),
        ProofCall.Answer.objection(code: 10, failure: failure),
        ProofCall.Answer.proven, ProofCall.Answer.refused("no"), DropCall.Answer(),
        ProofCall.Answer.turnedAway(Refusal(.identitySessions, "too many, 今")),
    ]

    @Test func everyKind_isAmongThem() {
        #expect(Set(Self.calls.map { type(of: $0).kind }) == Set(CallKind.allCases))
    }

    @Test func whatIsWritten_isReadAgain() throws {
        for call in Self.calls { try read(call) }
        for answer in Self.answers { try read(answer) }
    }

    private func read<C: Call>(_ call: C) throws {
        let bytes = call.packet.bytes
        var reader = try PacketReader(bytes)
        #expect(reader.type == C.kind.rawValue)
        let again = try C(whole: &reader)
        #expect(again.packet.bytes == bytes)
        #expect("\(again)" == "\(call)")
        for count in 1..<bytes.count {
            #expect(throws: PacketError.self) { try cut(C.self, bytes, count) }
        }
        #expect(throws: PacketError.self) { try cut(C.self, bytes + [0], bytes.count + 1) }
    }

    private func cut<C: Call>(_ type: C.Type, _ bytes: [UInt8], _ count: Int) throws {
        var reader = try PacketReader(Array(bytes.prefix(count)))
        _ = try C(whole: &reader)
    }

    private func read<A: CallAnswer>(_ answer: A) throws {
        var writer = PacketWriter(1)
        answer.write(to: &writer)
        let bytes = writer.bytes
        var reader = try PacketReader(bytes)
        let again = try A(reading: &reader)
        try reader.end()
        var second = PacketWriter(1)
        again.write(to: &second)
        #expect(second.bytes == bytes)
        #expect("\(again)" == "\(answer)")
        for count in 1..<bytes.count {
            #expect(throws: PacketError.self) {
                var reader = try PacketReader(Array(bytes.prefix(count)))
                _ = try A(reading: &reader)
                try reader.end()
            }
        }
    }

    @Test func answers_areToTheirQuestions() throws {
        let bytes = ChainCall.answer(.accepted(seconds: 7)).bytes
        #expect(try ChainCall.answer(reading: bytes) == .accepted(seconds: 7))
        #expect(throws: PacketError.self) { try StandingCall.answer(reading: bytes) }
        #expect(throws: PacketError.self) { try ChainCall.answer(reading: bytes + [0]) }
        #expect(throws: PacketError.self) { try ChainCall.answer(reading: []) }
    }

    @Test func objections_keepWhatIsToBeSaid() throws {
        let answer = ChainCall.answer(.objection(code: 18, failure: Self.failure))
        guard
            case .objection(18, let failure) = try ChainCall.answer(reading: answer.bytes)
        else {
            Issue.record("it is another answer")
            return
        }
        #expect(failure == Self.failure)
        #expect(failure.cause == Self.failure.cause)
    }

    /// Each length is within its bound, and one more is not.
    @Test func whatIsTooLong_isNotRead() throws {
        func signature(_ count: Int) -> SignatureCall {
            SignatureCall(
                handle: 1, key: 0, nonce: nil, scheme: 0,
                messages: [UInt8](repeating: 0, count: count))
        }
        try read(within: signature(173_056), signature(173_057))
        func exchange(_ count: Int) -> KeyExchangeCall {
            KeyExchangeCall(
                handle: 1, key: 0, scheme: 0, content: [UInt8](repeating: 0, count: count))
        }
        try read(within: exchange(512), exchange(513))
        func chain(_ count: Int) -> ChainCall {
            ChainCall(handle: 1, certificate: [UInt8](repeating: 0, count: count))
        }
        try read(within: chain(32_772), chain(32_773))
        func proof(_ count: Int) -> ProofCall {
            ProofCall(handle: 1, messages: [UInt8](repeating: 0, count: count))
        }
        try read(within: proof(45_056), proof(45_057))
        // The longest of them fits its channel.
        #expect(signature(173_056).packet.bytes.count <= CallLimit.question)
        for count in [31, 33] {
            let nonce = [UInt8](repeating: 0, count: count)
            var call = signature(1)
            call.nonce = nonce
            #expect(throws: PacketError.self) {
                try cut(SignatureCall.self, call.packet.bytes, .max)
            }
        }
    }

    private func read<C: Call>(within good: C, _ bad: C) throws {
        try cut(C.self, good.packet.bytes, .max)
        #expect(throws: PacketError.self) { try cut(C.self, bad.packet.bytes, .max) }
    }

    @Test func whatHasNoMeaning_isNotRead() throws {
        // Success is not an objection, and there are two remedies.
        let objection = ChainCall.answer(
            .objection(code: 1, failure: StreamError(Self.failure.code, "s"))
        ).bytes
        var bytes = objection
        bytes[9] = 0
        #expect(throws: PacketError.self) { try ChainCall.answer(reading: bytes) }
        bytes = objection
        bytes[bytes.count - 2] = 3
        #expect(throws: PacketError.self) { try ChainCall.answer(reading: bytes) }
        // Nor is an accepted chain a proof, or anything other than the three.
        for tail in [[2, 0, 0, 0, 0, 9], [3], [255]] as [[UInt8]] {
            #expect(throws: PacketError.self) {
                try ProofCall.answer(reading: [CallKind.proof.rawValue] + tail)
            }
        }
    }

    @Test func longSentences_areCut() throws {
        let sentence = String(repeating: "今", count: 10_000)
        for answer in [
            ChainCall.answer(
                .objection(code: 1, failure: StreamError(Self.failure.code, sentence)))
        ] {
            #expect(answer.bytes.count < CallLimit.answer)
            _ = try ChainCall.answer(reading: answer.bytes)
        }
        _ = try ProofCall.answer(reading: ProofCall.answer(.refused(sentence)).bytes)
        _ = try SignatureCall.answer(reading: SignatureCall.answer(.refused(sentence)).bytes)
    }
}
