// The network process's half of a session's way to the broker.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SessionLinkTests {
    @Test func equalRepliesInARow_areOnePost() async throws {
        try await linked { broker in
            let session = try broker.session()
            for name in ["a", "a", "b", "ab", "b", "b", "b"] {
                session.noteReply(Array(name.utf8).span)
            }
            session.writeReplies()
            session.writeReplies()
            session.noteReply(Array("b".utf8).span)
            // What else is told of the session comes after its replies.
            session.noteRefusal(Refusal(.tooLarge, "it is"), of: "c")
            session.noteReply(Array("b".utf8).span)
            session.end(reason: "left", bytesIn: 1, bytesOut: 2, duration: .zero)
            #expect(session.close())
            try await eventually("all has come") { broker.kinds.last == .closed }
            #expect(
                broker.replies == ["a2", "b1", "ab1", "b4", "b1"], "\(broker.replies)")
            #expect(
                broker.kinds == Array(repeating: .replied, count: 4)
                    + [.unread, .replied, .ended, .closed])
        }
    }

    @Test func replies_areToldAtOnce_andThenAtIntervals() async throws {
        try await linked { broker in
            let session = try broker.session()
            func reply() {
                session.noteReply([0x61].span)
                session.writeReplies()
            }
            reply()
            try await eventually("the first one is told") { broker.replies == ["a1"] }
            for _ in 0..<1_000 { reply() }
            #expect(broker.replies.count == 1)
            // Nothing else has to follow.
            try await eventually("all are told") { broker.count == 1_001 }
            // A turn of the loop may take its time.
            #expect(broker.replies.count <= 3, "\(broker.replies)")
            _ = session.close()
        }
    }

    @Test func ofASessionThatNeverSaidAnything_nothingIsTold() async throws {
        try await linked { broker in
            #expect(!(try broker.session().close()))
            let other = try broker.session()
            other.begin(number: 1, address: "", conversation: "parley/1")
            #expect(other.close())
            try await eventually("all has come") { broker.kinds.count == 2 }
            #expect(broker.kinds == [.began, .closed])
        }
    }

    @Test(arguments: [false, true])
    func aRun_hasItsAnswer(_ closes: Bool) async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.answer = AnsweredPost(handle: 1, text: "hi\n", closes: closes)
            let request = Request(name: "a", arguments: ["b"])
            guard case .text("hi\n", closes) = await session.ask(request, wasCancelled: false)
            else {
                Issue.record("it has another answer")
                return
            }
            broker.answer = RefusedPost(handle: 1, refusal: Refusal(.busy, "it is"))
            guard
                case .refusal(Refusal(.busy, "it is")) = await session.ask(
                    request, wasCancelled: true)
            else {
                Issue.record("it has another answer")
                return
            }
        }
    }

    /// Nobody may wait for it for ever.
    @Test func aRun_isRefusedWhereTheBrokerIsGone() async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.endsAtRun = true
            guard
                case .refusal(let refusal) = await session.ask(
                    Request(name: "a", arguments: []), wasCancelled: false)
            else {
                Issue.record("it has another answer")
                return
            }
            #expect(refusal.code == .shuttingDown)
            guard
                case .refusal = await session.ask(
                    Request(name: "b", arguments: []), wasCancelled: false)
            else {
                Issue.record("the next one has another answer")
                return
            }
            #expect(broker.end == .closed)
            #expect(broker.link.open(broker.link.makeHandle()) == nil)
        }
    }

    @Test(arguments: [0, 1, 3])
    func aProgramWithOtherPipesThanItHas_endsTheLink(_ count: Int) async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.answer = StartedPost(
                handle: 1, name: "a", outputLimit: 1, takesInput: false)
            broker.descriptors = count
            guard
                case .refusal = await session.ask(
                    Request(name: "a", arguments: []), wasCancelled: false)
            else {
                Issue.record("it has another answer")
                return
            }
            guard case .failed(let error)? = broker.end else {
                Issue.record("it ended as \(broker.end as Any)")
                return
            }
            #expect(error.code == .descriptors)
        }
    }

    /// The system takes no descriptors from the broker for a while.
    @Test func aProgramWhosePipesCouldNotBeSent_hasNotHadThem_andMayEndMeanwhile() async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.answer = StartedPost(
                handle: 1, name: "a", outputLimit: 1, takesInput: true, hasEnds: false)
            let finished = FinishedPost(
                handle: 1, outcome: .ended(.status(3)), output: [1], errorOutput: [2, 3])
            broker.answerWithoutEnds = finished
            guard
                case .finished(finished) = await session.ask(
                    Request(name: "a", arguments: []), wasCancelled: false)
            else {
                Issue.record("it has another answer")
                return
            }
            #expect(broker.kinds == [.run, .ends] && broker.end == nil)
        }
    }

    /// None may come with what says that there are none.
    @Test func aProgramWithoutPipes_andWithDescriptors_endsTheLink() async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.answer = StartedPost(
                handle: 1, name: "a", outputLimit: 1, takesInput: false, hasEnds: false)
            broker.descriptors = 2
            _ = await session.ask(Request(name: "a", arguments: []), wasCancelled: false)
            guard case .failed(let error)? = broker.end else {
                Issue.record("it ended as \(broker.end as Any)")
                return
            }
            #expect(error.code == .descriptors)
        }
    }

    /// What is said to a broker, by something that poses as one.
    @Test(
        arguments: [
            BeganPost(handle: 1, number: 1, address: "", conversation: "parley/1"),
            ClosedPost(handle: 1), EndsPost(handle: 1, haveCome: true),
        ] as [any Message & Sendable])
    func whatNoBrokerSays_endsTheLink(_ post: any Message & Sendable) async throws {
        try await linked { broker in
            let session = try broker.session()
            broker.far.send(post.packet)
            try await eventually("the link is ended") { broker.end != nil }
            guard case .failed(let error)? = broker.end else {
                Issue.record("it ended as \(broker.end as Any)")
                return
            }
            #expect(error.code == .malformed)
            withExtendedLifetime(session) {}
        }
    }

    @Test func whatASessionIsToldAfterItsEnd_isPassedOver() async throws {
        try await linked { broker in
            let session = try broker.session()
            session.begin(number: 1, address: "", conversation: "parley/1")
            _ = session.close()
            broker.far.send(ProbePost(handle: 1).packet)
            broker.far.send(DonePost(handle: 1, outcome: .timedOut).packet)
            let next = try broker.session()
            broker.answer = AnsweredPost(handle: 2, text: "", closes: false)
            _ = await next.ask(Request(name: "a", arguments: []), wasCancelled: false)
            #expect(broker.end == nil)
        }
    }

    private func linked(
        _ body: @escaping @Sendable (TestBroker) async throws -> Void
    ) async throws {
        try await onLoop { loop in try await body(TestBroker(loop)) }
    }
}

/// Takes what a link says, and answers runs as it was told. Confined to its loop.
private final class TestBroker {
    private(set) var link: BrokerLink!
    private(set) var far: PostChannel!
    private(set) var kinds: [PostKind] = []
    /// Names with their numbers.
    private(set) var replies: [String] = []
    /// How many replies these are.
    private(set) var count = 0
    private(set) var end: PostEnd?
    var answer: (any Message)?
    /// How many come with it.
    var descriptors = 0
    var endsAtRun = false
    /// What is said where pipes have not come.
    var answerWithoutEnds: FinishedPost?

    init(_ loop: EventLoop) throws {
        var pair = try PacketPair()
        link = try BrokerLink(pair.takeOne(), loop: loop) { [unowned self] in end = $0 }
        far = try PostChannel(
            owning: pair.takeOther(), loop: loop, limit: 1 << 20,
            received: { [unowned self] post throws(PacketError) in try take(&post) },
            ended: { _ in })
    }

    func session() throws -> SessionLink { try #require(link.open(link.makeHandle())) }

    private func take(_ post: inout Post) throws(PacketError) {
        var reader = post.packet
        guard let kind = PostKind(rawValue: reader.type) else { return }
        kinds.append(kind)
        switch kind {
        case .replied:
            let reply = try RepliedPost(whole: &reader)
            count += Int(reply.times)
            replies.append(String(decoding: reply.name, as: UTF8.self) + "\(reply.times)")
        case .ends:
            let post = try EndsPost(whole: &reader)
            guard let answerWithoutEnds, !post.haveCome else { return }
            far.send(answerWithoutEnds.packet)
        case .run:
            if endsAtRun { return far.close() }
            guard let answer else { return }
            var list = Descriptors()
            for _ in 0..<descriptors { list.add(Descriptor(duplicating: 0)) }
            far.send(answer.packet, descriptors: list)
        default: break
        }
    }
}
