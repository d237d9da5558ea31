// The messages about sessions, each written and read again, and cut anywhere.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Broker
@testable import Remote

@Suite
struct PostTests {
    private static let refusal = Refusal(.busy, "later, 今")

    private static let all: [any Message & Sendable] = [
        BeganPost(handle: 2, number: 7, address: "192.0.2.1:4711", conversation: "parley/1"),
        BeganPost(
            handle: 2, number: 7, address: "192.0.2.1:4711", balancer: "[::1]:2",
            conversation: "parley/1"),
        RunPost(
            handle: 3, request: Request(name: "ls", arguments: ["", "ü", "/"]), wasCancelled: true,
            isShort: true),
        StopPost(handle: 4, reason: .ordered), StopPost(handle: 4, reason: .overOutput),
        HeldUpPost(handle: 5, isHeldUp: true),
        ToldPost(
            handle: 6, traffic: Traffic(bytesIn: 1, bytesOut: 2, bytesError: 3, isOverLimit: true)),
        RepliedPost(handle: 7, name: [0xff, 0], times: 9),
        UnreadPost(handle: 8, name: nil, refusal: refusal),
        UnreadPost(handle: 8, name: "", refusal: refusal),
        MessagePost(handle: 9, message: Array("hi".utf8), isKnown: false),
        EndedPost(
            handle: 10, reason: "left", bytesIn: 1, bytesOut: .max, duration: .milliseconds(3),
            hasFailed: true),
        ClosedPost(handle: 11), EndsPost(handle: 11, haveCome: true),
        OmittedPost(handle: 11, records: 3, commands: 70_000),
        HandshakeFailedPost(
            handle: 12, number: 8, address: "[::1]:1", code: "reset", reason: "it was reset"),
        HandshakeFailedPost(
            handle: 12, number: 8, address: "[::1]:1", balancer: "[::1]:2", code: "reset",
            reason: "it was reset"),
        AnsweredPost(handle: 13, text: "usage\n", closes: true),
        RefusedPost(handle: 14, refusal: refusal),
        StartedPost(handle: 15, name: "ls", outputLimit: 1 << 40, takesInput: true),
        StartedPost(handle: 15, name: "ls", outputLimit: 1, takesInput: true, hasEnds: false),
        RunningPost(handle: 16), ProbePost(handle: 17),
        DonePost(handle: 18, outcome: .ended(.status(3))),
        DonePost(handle: 18, outcome: .ended(.signal(15))),
        DonePost(handle: 18, outcome: .timedOut), DonePost(handle: 18, outcome: .overOutput),
        DonePost(handle: 18, outcome: .leftRunning),
        DonePost(handle: .max, outcome: .refused(refusal)),
        FinishedPost(handle: 18, outcome: .timedOut, output: [0xff], errorOutput: [1, 2]),
        FinishedPost(handle: 18, outcome: .refused(refusal), output: [], errorOutput: []),
        StrangersPost(
            address: "2001:db8::/64", addresses: 1, count: 70_000, code: "reset", reason: "it was",
            reasons: [.init(code: "reset", count: 70_000)], seconds: 60),
        StrangersPost(
            address: nil, addresses: 9, count: 9, code: "", reason: "", reasons: [], seconds: 0),
        OpenPost(connections: 70_000), ReadyPost(missing: ["no Landlock", ""]),
        HappenedPost(.operatorHasLeft), HappenedPost(.onceIsOver), AskPost(limit: 1_024),
        AskNoMorePost(), InForcePost(generation: 7), AlivePost(number: 8), PulsePost(number: 9),
        LinePost(.line(Array("hi".utf8))),
        LinePost(.end), LinePost(.withdrawn),
        LinePost(.failed("it can't be read")), OrderPost(.stopAccepting), OrderPost(.stop),
    ]

    /// But for those that the server alone knows (NetworkMessageTests).
    @Test func everyKind_isAmongThem() {
        let servers: Set<PostKind> = [.settings, .policy]
        #expect(Set(Self.all.map { type(of: $0).kind }).union(servers) == Set(PostKind.allCases))
    }

    @Test func whatIsWritten_isReadAgain() throws {
        for message in Self.all { try read(message) }
    }

    private func read<M: Message>(_ message: M) throws {
        var reader = try PacketReader(message.packet.bytes)
        #expect(reader.type == M.kind.rawValue)
        let again = try M(whole: &reader)
        #expect(again.packet.bytes == message.packet.bytes, "\(message)")
        #expect("\(again)" == "\(message)")
    }

    @Test func whatIsCutOrTooLong_isNotRead() throws {
        for message in Self.all { try cut(message) }
    }

    private func cut<M: Message>(_ message: M) throws {
        let bytes = message.packet.bytes
        for count in 1..<bytes.count {
            var reader = try PacketReader(Array(bytes.prefix(count)))
            #expect(throws: PacketError.self) { try M(whole: &reader) }
        }
        var reader = try PacketReader(bytes + [0])
        #expect(throws: PacketError.self) { try M(whole: &reader) }
    }

    @Test func whatHasNoMeaning_isNotRead() throws {
        try fails(StopPost.self, [4, 0, 0, 0, 1, 2])
        try fails(RefusedPost.self, [65, 0, 0, 0, 1, 0, 0, 0, 0, 0])
        try fails(HappenedPost.self, [33, 3])
        try fails(OrderPost.self, [98, 0])
        try fails(LinePost.self, [99, 5])
        try fails(AskPost.self, [34, 1, 0, 0, 0])
        for end: [UInt8] in [[2, 1], [6, 0], [4, 9]] {
            try fails(DonePost.self, [69, 0, 0, 0, 1] + end)
        }
    }

    /// Some have parts of what a peer said.
    @Test(arguments: [4_096, 4_097, 100_000])
    func longSentences_areCut(_ length: Int) throws {
        let sentence =
            String(repeating: "今", count: length / 3)
            + String(repeating: "x", count: length % 3)
        let refusal = Refusal(.busy, sentence)
        var reader = try PacketReader(RefusedPost(handle: 1, refusal: refusal).packet.bytes)
        let read = try RefusedPost(whole: &reader).refusal.sentence
        #expect(sentence.hasPrefix(read.filter { $0 != "\u{fffd}" }))
        #expect(length <= 4_096 ? read == sentence : read.utf8.count > 4_080)
        for message: any Message in [
            EndedPost(handle: 1, reason: sentence, bytesIn: 0, bytesOut: 0, duration: .zero),
            HandshakeFailedPost(handle: 1, number: 1, address: "", code: "", reason: sentence),
        ] {
            #expect(message.packet.bytes.count < 4_200)
            try isRead(message)
        }
    }

    private func isRead<M: Message>(_ message: M) throws {
        var reader = try PacketReader(message.packet.bytes)
        _ = try M(whole: &reader)
    }

    /// A request may have 32,768 bytes and 64 arguments altogether.
    @Test(arguments: [
        (["x"], true), ([String(repeating: "x", count: 32_766)], true),
        ([String(repeating: "x", count: 32_767)], false),
        (Array(repeating: String(repeating: "x", count: 512), count: 64), false),
        (Array(repeating: "x", count: 64), true), (Array(repeating: "x", count: 65), false),
    ])
    func aRequestBeyondItsLimits_isNotRead(_ arguments: [String], _ isRead: Bool) throws {
        let post = RunPost(
            handle: 1, request: Request(name: "ls", arguments: arguments), wasCancelled: false)
        if isRead { try read(post) } else { try fails(RunPost.self, post.packet.bytes) }
    }

    private func fails<M: Message>(_ type: M.Type, _ bytes: [UInt8]) throws {
        var reader = try PacketReader(bytes)
        #expect(throws: PacketError.self) { try M(whole: &reader) }
    }
}
