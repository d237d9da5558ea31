// What a client can cause in any number must not fill either process's memory.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct FloodTests {
    private static let refusal = Refusal(.tooLarge, String(repeating: "x", count: 400))

    /// A loop's way to a broker that reads when the test does. Confined to its loop.
    private final class Deaf {
        private(set) var link: BrokerLink!
        private var far: Descriptor?
        private var assembly = MessageAssembly(limit: 1 << 20)
        private(set) var kinds: [PostKind: Int] = [:]
        private(set) var omitted = (records: 0, commands: 0)
        private(set) var last: PostKind?

        init(_ loop: EventLoop) throws {
            var pair = try PacketPair()
            link = try BrokerLink(pair.takeOther(), loop: loop) { _ in }
            far = pair.takeOne()
        }

        var queued: Int { link.channel?.queued ?? 0 }

        func session() throws -> SessionLink { try #require(link.open(link.makeHandle())) }

        /// Reads what is there.
        func read() throws {
            guard let number = far?.number else { return }
            while let packet = receiveRaw(number), !packet.isEmpty {
                guard let bytes = try assembly.add(packet.span, hasDescriptors: false) else {
                    continue
                }
                guard var bundle = try OpenedBundle(bytes, hasDescriptors: false) else {
                    try count(bytes)
                    continue
                }
                while let message = try bundle.next() { try count(message) }
            }
        }

        private func count(_ message: [UInt8]) throws {
            var reader = try PacketReader(message)
            let kind = try #require(PostKind(rawValue: reader.type))
            kinds[kind, default: 0] += 1
            last = kind
            guard kind == .omitted else { return }
            let post = try OmittedPost(whole: &reader)
            omitted.records += Int(post.records)
            omitted.commands += Int(post.commands)
        }

        func end() { far = nil }
    }

    @Test func aSessionTells_asMuchAsItsBudgetAllows_andCountsTheRest() async throws {
        try await onLoop { loop in
            let broker = try Deaf(loop)
            let session = try broker.session()
            for number in 0..<5_000 {
                session.noteRefusal(Self.refusal, of: number % 2 == 0 ? "a" : nil)
                if number % 50 == 0 { try broker.read() }
            }
            session.end(reason: "", bytesIn: 0, bytesOut: 0, duration: .zero)
            try await eventually("all has come") {
                try broker.read()
                return broker.last == .ended
            }
            let told = broker.kinds[.unread] ?? 0
            // A second may end in between.
            #expect(told == SessionLink.maxNotes || told == 2 * SessionLink.maxNotes, "\(told)")
            #expect(told + broker.omitted.records == 5_000)
            #expect(broker.omitted.commands == broker.omitted.records / 2)
        }
    }

    /// The broker's other end is busy, or in other hands.
    @Test func whatManySessionsTell_hasABound_andIsCounted() async throws {
        try await onLoop { loop in
            let broker = try Deaf(loop)
            let sessions = try (0..<20).map { _ in try broker.session() }
            var most = 0
            for _ in 0..<900 {
                for session in sessions { session.noteRefusal(Self.refusal, of: "a") }
                most = max(most, broker.queued)
            }
            #expect(most > SessionLink.maxWaiting - 1_024)
            #expect(most < SessionLink.maxWaiting + 1_024)
            for session in sessions {
                session.end(reason: "", bytesIn: 0, bytesOut: 0, duration: .zero)
            }
            try await eventually("all has come") {
                try broker.read()
                return broker.kinds[.ended] == 20
            }
            #expect((broker.kinds[.unread] ?? 0) + broker.omitted.records == 18_000)
            #expect(broker.omitted.records > 0 && broker.queued == 0)
        }
    }

    /// Whoever connects and leaves has as much said of it as somebody who stays.
    @Test func aLoopWhoseBrokerIsBehind_acceptsNobody_untilAllIsHeard() async throws {
        try await onLoop { loop in
            let broker = try Deaf(loop)
            var strangers = 0
            while broker.link.keepsUp, strangers < 100_000 {
                let session = try broker.session()
                session.fail(number: 1, address: "192.0.2.1:4711", code: "x", reason: "it left")
                _ = session.close()
                strangers += 1
            }
            #expect(strangers > 1_000 && strangers < 10_000, "\(strangers)")
            #expect(broker.queued < 2 << 20)
            try broker.read()
            #expect(!broker.link.keepsUp)
            try await eventually("all has come") {
                try broker.read()
                return broker.link.keepsUp
            }
            #expect(broker.queued == 0)
        }
    }

    /// Requests are kept where they are, each in its session.
    @Test func runs_waitForRoom_andAllComeToTheirTurn() async throws {
        try await onLoop { loop in
            let broker = try Deaf(loop)
            let request = Request(name: "a", arguments: [String(repeating: "x", count: 30_000)])
            let sessions = try (0..<100).map { _ in try broker.session() }
            let answers = Shared(0)
            let tasks = sessions.map { session in
                loop.spawn {
                    guard
                        case .refusal(let refusal) = await session.ask(
                            request, wasCancelled: false), refusal.code == .shuttingDown
                    else {
                        Issue.record("it has another answer")
                        return
                    }
                    answers.value += 1
                }
            }
            var most = 0
            try await eventually("it is full") {
                most = max(most, broker.queued)
                return most > SessionLink.maxWaiting
            }
            await turns(200)
            try await eventually("all have asked") {
                most = max(most, broker.queued)
                try broker.read()
                return broker.kinds[.run] == 100
            }
            #expect(most < SessionLink.maxWaiting + 32_768, "\(most)")
            #expect(answers.value == 0)
            broker.end()
            for task in tasks { await task.value }
            #expect(answers.value == 100)
        }
    }

    /// Nobody is left waiting where the broker is gone.
    @Test func runsThatWaitForRoom_areRefusedWhereTheBrokerIsGone() async throws {
        try await onLoop { loop in
            let broker = try Deaf(loop)
            let request = Request(name: "a", arguments: [String(repeating: "x", count: 30_000)])
            let sessions = try (0..<60).map { _ in try broker.session() }
            let tasks = sessions.map { session in
                loop.spawn { _ = await session.ask(request, wasCancelled: false) }
            }
            try await eventually("it is full") { broker.queued > SessionLink.maxWaiting }
            broker.end()
            for task in tasks { await task.value }
        }
    }

    /// A network process that asks, and doesn't read its answers.
    @Test func answersThatNobodyReads_haveABound_andAllComeLater() async throws {
        try await onLoop { loop in
            let text = String(repeating: "y", count: 1_000)
            let office = try TestOffice("hi: {reply: '\(text)'}")
            var pair = try PacketPair()
            let link = try NetworkLink(
                pair.takeOne(), loop: loop, maxSessions: 1, office: office
            ) { _ in }
            let far = pair.takeOther()
            let number = far.number
            let run = RunPost(
                handle: 1, request: Request(name: "hi", arguments: []), wasCancelled: false)
            let began = BeganPost(handle: 1, number: 1, address: "", conversation: "parley/1")
            sendRaw(number, packet(began.packet.bytes.count, 0, began.packet.bytes))
            let bytes = packet(run.packet.bytes.count, 0, run.packet.bytes)
            let total = 6_000
            var (sent, most, idle) = (0, 0, 0)
            // Until it takes no more for a while.
            while sent < total, idle < 200 {
                if sendRaw(number, bytes) {
                    (sent, idle) = (sent + 1, 0)
                } else {
                    idle += 1
                    await turns(1)
                }
                most = max(most, link.channel?.queued ?? 0)
            }
            #expect(sent < total)
            #expect(most > NetworkLink.maxAnswers)
            #expect(most < NetworkLink.maxAnswers + 8_192, "\(most)")
            var answers = 0
            try await eventually("all are answered") {
                while sent < total, sendRaw(number, bytes) { sent += 1 }
                while let packet = receiveRaw(number), !packet.isEmpty { answers += 1 }
                most = max(most, link.channel?.queued ?? 0)
                return answers == total
            }
            #expect(most < NetworkLink.maxAnswers + 8_192, "\(most)")
            #expect(office.replies == total)
            withExtendedLifetime(far) {}
        }
    }
}
