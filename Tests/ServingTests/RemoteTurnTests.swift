// When a run's turn comes at the server: what counts then.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Conversations
@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RemoteTurnTests {
    /// What changes while a client leaves the answer before a program's unread.
    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The table from then on; nil where it stays.
        var commands: String?
        var reason: Refusal?
        var code: Refusal.Code
        /// What would have started.
        var admitted: [String] = []
    }

    static let changes = [
        Change(testDescription: "nothing", code: .busy, admitted: ["/bin/cat"]),
        Change(
            testDescription: "an equal table", commands: before, code: .busy,
            admitted: ["/bin/cat"]),
        Change(
            testDescription: "who may", commands: program("/bin/cat", allow: "dns:other"),
            code: .notAllowed),
        Change(
            testDescription: "who may not",
            commands: program("/bin/cat", more: "deny: ['dns:client'],"), code: .notAllowed),
        Change(
            testDescription: "what may be given", commands: program("/bin/cat", pattern: "y"),
            code: .badArgument),
        Change(
            testDescription: "what runs", commands: program("/bin/true"), code: .busy,
            admitted: ["/bin/true"]),
        Change(
            testDescription: "that it is a program", commands: "p: { reply: 'no' }",
            code: .badArgument),
        Change(testDescription: "that there is one", commands: "", code: .unknownCommand),
        Change(
            testDescription: "what is thought of the client",
            reason: Refusal(.shuttingDown, "it ends"), code: .shuttingDown),
    ]

    @Test(arguments: changes)
    func whatChanged_whileEarlierAnswersWereUnread_counts(_ change: Change) async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop, capacity: 100)
            let host = try FickleHost("Hello: { reply: '\(hello)' }, \(before)", loop: loop)
            let server = RemoteServer(PlainStream(far), host: host)
            let serving = loop.spawn { try? await server.serve() }
            let client = PlainStream(near)
            // Behind them is a third, so that nothing is lost or changes places.
            try await client.write(
                Parley1.run("Hello") + Parley1.run("p", "x") + Parley1.run("whoami"))
            try await eventually("it answers") { host.turns > 0 }
            await turns(20)
            // It does not fit, so that the program's turn has not come.
            try #require(host.turns == 1 && host.admitted.isEmpty)
            if let commands = change.commands { try host.use(commands) }
            host.reason = change.reason
            var frames = Parley1.Frames(client)
            try await frames.expect(.exit(0, 0), hello + "\n")
            #expect(try await frames.answer().0.code == change.code.rawValue)
            #expect(host.admitted == change.admitted)
            if let reason = change.reason {
                let code = reason.code.rawValue
                try await frames.expect(.refusal(code: code, sentence: reason.sentence))
            } else {
                try await frames.expect(.exit(0, 0), host.whoami)
            }
            near.shutdownWrite()
            await serving.value
            #expect(server.answered == 3)
        }
    }

    /// Whoever has the help of a big table in many sessions, and reads none of it, has it in memory once.
    @Test func whatManyWaitWith_isHeldOnce_andNoLonger() async throws {
        try await onLoop { loop in
            let answers = SharedAnswers()
            let commands = (0..<500).map { "c\($0): { reply: 'x', summary: 'what it says' }" }
            var clients: [PlainStream] = []
            var servings: [Task<Void, Never>] = []
            var first: SharedAnswers.Answer?
            for _ in 0..<3 {
                let (near, far) = MemoryChannel.pair(loop, capacity: 100)
                let host = try FickleHost(
                    commands.joined(separator: ","), loop: loop, answers: answers)
                let server = RemoteServer(PlainStream(far), host: host)
                servings.append(loop.spawn { try? await server.serve() })
                let client = PlainStream(near)
                try await client.write(Parley1.run("help"))
                try await eventually("it is answered") { far.sent > 0 }
                first = first ?? answers.last
                #expect(answers.last === first && (first?.frames.count ?? 0) > 5_000)
                clients.append(client)
            }
            // Another's short answer meanwhile has them hold no more.
            _ = answers.keep([1, 2, 3])
            #expect(answers.last === first)
            first = nil
            for client in clients {
                var frames = Parley1.Frames(client)
                #expect(try await frames.answer().1.count > 5_000)
                client.channel.shutdownWrite()
            }
            for serving in servings { await serving.value }
            #expect(answers.last == nil)
        }
    }

    /// However a client packs what it asks for, and however often a turn of the loop reads of it.
    @Test(arguments: [0, 200, 8_000])
    func whatTakesMoreThanALookUp_hasAShareOfATurn(_ length: Int) async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop, capacity: 1 << 22)
            let host = try FickleHost("Hello: { reply: 'x' }", loop: loop)
            var answers: [UInt64: Int] = [:]
            host.answered = { answers[loop.turns, default: 0] += 1 }
            let server = RemoteServer(PlainStream(far), host: host)
            let serving = loop.spawn { try? await server.serve() }
            // An argument that is not UTF-8, which the loop refuses by itself.
            let argument = [UInt8](repeating: 0xff, count: 1 + length)
            let size = [UInt8(argument.count >> 8), UInt8(argument.count & 255)]
            let run = Parley1.frame(.run, [0, 1, 0x61] + size + argument)
            let client = PlainStream(near)
            let count = 320
            try await client.write(Array(repeating: run, count: count).flatMap { $0 })
            try await eventually("all are refused") {
                answers.values.reduce(0, +) == count
            }
            // 64 of the shortest; one may go beyond the share, and one has come in part in the turn before.
            let most = 262_144 / (4_096 + run.count) + 2
            #expect(answers.values.max()! <= most, "\(answers.values.max()!)")
            #expect(answers.values.max()! > most / 2)
            near.shutdownWrite()
            await serving.value
        }
    }

    /// What has a fixed reply by then, the second of which closes.
    @Test(arguments: [("p: { reply: 'now' }", 3), ("p: { reply: 'now', close: true }", 2)])
    func whatIsNoProgramAnyMore_isAnsweredAsWhatItIs(
        _ commands: String, _ answered: Int
    ) async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop, capacity: 100)
            let host = try FickleHost(
                "Hello: { reply: '\(hello)' }, p: { run: ['/bin/cat'], allow: ['anyone'] }",
                loop: loop)
            let server = RemoteServer(PlainStream(far), host: host)
            let serving = loop.spawn { try? await server.serve() }
            let client = PlainStream(near)
            try await client.write(
                Parley1.run("Hello") + Parley1.run("p") + Parley1.run("whoami"))
            try await eventually("it answers") { host.turns > 0 }
            await turns(20)
            try host.use(commands)
            var frames = Parley1.Frames(client)
            try await frames.expect(.exit(0, 0), hello + "\n")
            try await frames.expect(.exit(0, 0), "now\n")
            if answered == 3 {
                try await frames.expect(.exit(0, 0), host.whoami)
                near.shutdownWrite()
            }
            await serving.value
            #expect(server.answered == answered)
            #expect(host.admitted.isEmpty)
        }
    }
}

/// More than a channel of these tests takes.
private let hello = String(repeating: "hello", count: 100)
private let before = program("/bin/cat")

private func program(
    _ path: String, pattern: String = "x", allow: String = "anyone", more: String = ""
) -> String {
    "p: { run: ['\(path)', '{a}'], arguments: { a: '\(pattern)' }, \(more) allow: ['\(allow)'] }"
}

extension Parley1.Frames {
    fileprivate mutating func expect(_ expected: Parley1.Answer, _ text: String = "") async throws {
        let (answer, output) = try await answer()
        #expect(answer == expected)
        #expect(output == text)
    }
}
