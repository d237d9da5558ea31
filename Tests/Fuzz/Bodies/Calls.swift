// Fuzzes what a network process asks about handshakes, and what is answered.
// SPDX-License-Identifier: Apache-2.0
import System

@testable import Broker

/// - Parameter bytes: a question; or an answer, where its kind has the highest bit as well. What is read of
///   either is written as it came: there is one way to say anything.
func fuzzCalls(_ bytes: [UInt8]) throws(Finding) {
    guard let first = bytes.first, let kind = CallKind(rawValue: first & 0x7f) else { return }
    let isAnswer = first & 0x80 != 0
    let message = [kind.rawValue] + bytes.dropFirst()
    switch kind {
    case .nonce: try fuzz(NonceCall.self, message, isAnswer)
    case .signature: try fuzz(SignatureCall.self, message, isAnswer)
    case .keyExchange: try fuzz(KeyExchangeCall.self, message, isAnswer)
    case .chain: try fuzz(ChainCall.self, message, isAnswer)
    case .proof: try fuzz(ProofCall.self, message, isAnswer)
    case .standing: try fuzz(StandingCall.self, message, isAnswer)
    case .drop: try fuzz(DropCall.self, message, isAnswer)
    }
}

private func fuzz<C: Call>(
    _ type: C.Type, _ bytes: [UInt8], _ isAnswer: Bool
) throws(Finding) {
    let again: [UInt8]
    do throws(PacketError) {
        if isAnswer {
            again = C.answer(try C.answer(reading: bytes)).bytes
        } else {
            var reader = try PacketReader(bytes)
            again = try C(whole: &reader).packet.bytes
        }
    } catch {
        return
    }
    try require(again == bytes, "a message is written as it came")
}
