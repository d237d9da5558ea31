// What the network process is given, as it is written and read.
// SPDX-License-Identifier: Apache-2.0
import Broker
import Conversations
import Serving
import Sockets
import TLS
import Testing

@testable import Console
@testable import System
@testable import parleyd

@Suite struct NetworkMessageTests {
    private static func settings(
        _ words: [String], user: UserNumbers? = nil
    ) throws -> NetworkSettings {
        let options = try ServerOptions(words)
        return NetworkSettings(
            options, try Policy(options), isRecorded: true, loops: 3, listeners: 2,
            form: .terminal, hasOperatorAtTerminal: true, user: user, parent: 4_711)
    }

    private static func readAgain<M: Broker.Message>(_ message: M) throws -> M {
        var reader = try PacketReader(message.packet.bytes)
        #expect(reader.type == M.kind.rawValue)
        return try M(whole: &reader)
    }

    @Test func settings_areReadAsTheyWereWritten() throws {
        let user = UserNumbers(user: 1, group: 2, groups: [3, 4])
        let settings = try Self.settings(
            [
                "chat", "--plaintext", "--once", "--quiet", "--max-sessions", "17",
                "--max-session-age", "9",
                "--max-handshakes", "18", "--max-handshakes-per-address", "19",
                "--max-failed-handshakes", "20", "--trusted-address", "192.0.2.0/24",
                "--trusted-address", "2001:db8::/32", "--proxy-from", "192.0.2.7",
                "--handshake-timeout", "1.5", "--idle-timeout", "2", "--close-timeout", "3",
            ], user: user)
        let read = try Self.readAgain(settings)
        #expect(read.packet.bytes == settings.packet.bytes)
        #expect(read.conversation == .chat)
        #expect((read.isOnce, read.isQuiet, read.isRecorded) == (true, true, true))
        #expect((read.asksForClients, read.writesKeyLog, read.isSecured) == (false, false, false))
        #expect((read.loops, read.listeners, read.maxSessions) == (3, 2, 17))
        #expect(read.strangers == settings.strangers)
        #expect((read.strangers.maxHandshakes, read.strangers.maxPerAddress) == (18, 19))
        #expect(read.strangers.failuresASecond == 20)
        #expect(
            read.strangers.trusted.map(\.description) == ["192.0.2.0/24", "2001:db8::/32"])
        #expect(read.strangers.balancers.map(\.description) == ["192.0.2.7/32"])
        #expect(read.maxSessionAge == .seconds(9))
        #expect(read.deadlines.handshake == .milliseconds(1_500))
        #expect((read.deadlines.idle, read.deadlines.close) == (.seconds(2), .seconds(3)))
        #expect(read.deadlines.keepalive == settings.deadlines.keepalive)
        #expect((read.form, read.hasOperatorAtTerminal) == (.terminal, true))
        #expect((read.user, read.parent) == (user, 4_711))
    }

    @Test func aPolicy_isReadAsItWasWritten() throws {
        var policy = NetworkPolicy(try Policy(try ServerOptions(["command", "--plaintext"])))
        policy.key = 5
        policy.generation = 6
        policy.replies = [FixedReply(name: "a", text: "b", closes: true)]
        var options = TLSOptions()
        options.minimum = .tls12
        options.mayBePlaintext = false
        options.applicationProtocols = ["x", "yz"]
        policy.face = ServerFace(
            chain: [[1, 2], [3]], path: "server.pem",
            clients: ServerFace.Clients(authorities: [[4], []], origin: "ca.pem"),
            options: options)
        let read = try Self.readAgain(policy)
        #expect(read.packet.bytes == policy.packet.bytes)
        #expect((read.key, read.generation, read.replies) == (5, 6, policy.replies))
        let face = try #require(read.face)
        #expect((face.chain, face.path) == ([[1, 2], [3]], "server.pem"))
        #expect(face.clients?.authorities == [[4], []])
        #expect(face.clients?.origin == "ca.pem")
        #expect((face.options.minimum, face.options.mayBePlaintext) == (.tls12, false))
        #expect(face.options.applicationProtocols == ["x", "yz"])
    }

    /// The broker alone writes them, and a network process that can't read them must not go on as if it could.
    @Test func whatIsCut_isNotTaken() throws {
        let bytes = try Self.settings(["hello", "--plaintext"]).packet.bytes
        for count in 1..<bytes.count {
            #expect(throws: PacketError.self) {
                var reader = try PacketReader(Array(bytes[..<count]))
                _ = try NetworkSettings(whole: &reader)
            }
        }
    }
}
