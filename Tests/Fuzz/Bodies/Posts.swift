// Fuzzes what the two processes tell each other about sessions.
// SPDX-License-Identifier: Apache-2.0
import Remote
import System

@testable import Broker

/// - Parameter bytes: a message. What is read of it is written as it came: there is one way to say anything.
func fuzzPosts(_ bytes: [UInt8]) throws(Finding) {
    guard let kind = bytes.first.flatMap(PostKind.init(rawValue:)) else { return }
    switch kind {
    case .began: try fuzz(BeganPost.self, bytes)
    case .run: try fuzz(RunPost.self, bytes)
    case .stop: try fuzz(StopPost.self, bytes)
    case .heldUp: try fuzz(HeldUpPost.self, bytes)
    case .told: try fuzz(ToldPost.self, bytes)
    case .replied: try fuzz(RepliedPost.self, bytes)
    case .unread: try fuzz(UnreadPost.self, bytes)
    case .message: try fuzz(MessagePost.self, bytes)
    case .ended: try fuzz(EndedPost.self, bytes)
    case .handshakeFailed: try fuzz(HandshakeFailedPost.self, bytes)
    case .closed: try fuzz(ClosedPost.self, bytes)
    case .ends: try fuzz(EndsPost.self, bytes)
    case .omitted: try fuzz(OmittedPost.self, bytes)
    case .answered: try fuzz(AnsweredPost.self, bytes)
    case .refused: try fuzz(RefusedPost.self, bytes)
    case .started: try fuzz(StartedPost.self, bytes)
    case .running: try fuzz(RunningPost.self, bytes)
    case .probe: try fuzz(ProbePost.self, bytes)
    case .done: try fuzz(DonePost.self, bytes)
    case .finished: try fuzz(FinishedPost.self, bytes)
    case .open: try fuzz(OpenPost.self, bytes)
    case .strangers: try fuzz(StrangersPost.self, bytes)
    case .ready: try fuzz(ReadyPost.self, bytes)
    case .happened: try fuzz(HappenedPost.self, bytes)
    case .ask: try fuzz(AskPost.self, bytes)
    case .askNoMore: try fuzz(AskNoMorePost.self, bytes)
    case .inForce: try fuzz(InForcePost.self, bytes)
    case .alive: try fuzz(AlivePost.self, bytes)
    case .pulse: try fuzz(PulsePost.self, bytes)
    case .order: try fuzz(OrderPost.self, bytes)
    case .line: try fuzz(LinePost.self, bytes)
    // The server's own, which the broker alone writes: ParleydTests has them.
    case .settings, .policy: break
    }
}

private func fuzz<M: Message>(_ type: M.Type, _ bytes: [UInt8]) throws(Finding) {
    let message: M
    do throws(PacketError) {
        var reader = try PacketReader(bytes)
        message = try M(whole: &reader)
    } catch {
        return
    }
    // A count beyond what Int64 has is taken as the largest.
    if let told = message as? ToldPost, told.traffic.isClamped { return }
    try require(message.packet.bytes == bytes, "a message is written as it came")
    if let run = message as? RunPost {
        try require(!run.request.isTooLarge, "a request is within its limits")
    }
}

extension Traffic {
    fileprivate var isClamped: Bool { [bytesIn, bytesOut, bytesError].contains(.max) }
}
