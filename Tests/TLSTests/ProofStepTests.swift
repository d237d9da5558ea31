// The steps of a proof: each once, in their order, in time.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(3)))
struct ProofStepTests {
    let handshake: RecordedHandshake
    let leaf: ServerLeaf
    let client: Certificate

    init() throws {
        handshake = try ProofEnds.shared.record(.p256, .p256)
        leaf = try handshake.leaf()
        client = try handshake.client()
    }

    private enum Step: CaseIterable { case content, signature, chain, proof }

    private func take(
        _ step: Step, of proof: inout HandshakeProof
    ) throws(ProofRefusal) {
        switch step {
        case .content:
            _ = try proof.contentToSign(handshake.opening, scheme: handshake.scheme)
        case .signature: try proof.append(signature: handshake.signature)
        case .chain: try proof.showChain(handshake.clientCertificate) { _ in client }
        case .proof: _ = try proof.prove(handshake.closing)
        }
    }

    @Test func steps_areTakenInTheirOrderOnly() {
        for done in 0...Step.allCases.count {
            for next in Step.allCases where done == 4 || Step.allCases[done] != next {
                var proof = HandshakeProof(of: leaf, nonce: handshake.nonce)
                for step in Step.allCases.prefix(done) {
                    #expect(throws: Never.self) { try take(step, of: &proof) }
                }
                #expect(throws: ProofRefusal.outOfTurn) { try take(next, of: &proof) }
                // What was due is due no more.
                for step in Step.allCases {
                    #expect(throws: ProofRefusal.outOfTurn) { try take(step, of: &proof) }
                }
            }
        }
    }

    @Test func stepThatFails_isTheLast() {
        var bad = HandshakeProof(of: leaf, nonce: handshake.nonce)
        #expect(throws: ProofRefusal.truncated) { try bad.contentToSign([], scheme: 0x0403) }
        #expect(throws: ProofRefusal.outOfTurn) { try take(.content, of: &bad) }

        for length in [0, HandshakeKind.certificateVerify.longest - 3] {
            var unsigned = HandshakeProof(of: leaf, nonce: handshake.nonce)
            #expect(throws: Never.self) { try take(.content, of: &unsigned) }
            #expect(throws: ProofRefusal.noSignature) {
                try unsigned.append(signature: [UInt8](repeating: 0, count: length))
            }
            #expect(throws: ProofRefusal.outOfTurn) { try take(.signature, of: &unsigned) }
        }

        var refused = HandshakeProof(of: leaf, nonce: handshake.nonce)
        #expect(throws: Never.self) {
            try take(.content, of: &refused)
            try take(.signature, of: &refused)
        }
        #expect(throws: ProofRefusal.untrustedChain) {
            try refused.showChain(handshake.clientCertificate) { _ in nil }
        }
        #expect(throws: ProofRefusal.outOfTurn) { try take(.chain, of: &refused) }
        #expect(throws: ProofRefusal.outOfTurn) { try take(.proof, of: &refused) }
    }

    @Test(arguments: [(Duration.seconds(10), nil), (.milliseconds(10_001), ProofRefusal.late)])
    func proof_hasItsTime(_ span: Duration, _ refusal: ProofRefusal?) throws {
        let start = Moment.now
        var proof = HandshakeProof(of: leaf, nonce: handshake.nonce)
        _ = try proof.contentToSign(handshake.opening, scheme: handshake.scheme, at: start)
        try take(.signature, of: &proof)
        try take(.chain, of: &proof)
        do throws(ProofRefusal) {
            _ = try proof.prove(handshake.closing, at: start + span)
            #expect(refusal == nil)
        } catch {
            #expect(error == refusal)
        }
    }

    @Test func nonces_areAllDifferent() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            let proof = try HandshakeProof(of: leaf)
            #expect(proof.nonce.count == HandshakeNonce.size)
            #expect(seen.insert(proof.nonce).inserted)
        }
    }

    @Test func everyRefusal_hasASentence() {
        for refusal in [
            .outOfTurn, .late, .truncated, .outOfOrder(due: .serverHello), .trailingBytes,
            .tooLong(.clientHello), .malformed(.certificate), .noNonce, .wrongNonce, .unavailable,
            .longServerChain,
        ] as [ProofRefusal] {
            #expect(!refusal.description.isEmpty && !refusal.description.hasSuffix("."))
        }
        #expect(ProofRefusal.tooLong(.finished).description == "Finished is longer than 48 bytes")
    }
}
