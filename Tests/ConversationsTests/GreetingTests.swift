// The greeting protocol, both halves against each other.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct GreetingTests {
    @Test func ends_printTheDocumentsLines() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let (server, client) = (ScriptedTranscript(), ScriptedTranscript())
            let (served, asked) = await ends.bothHalves(on: loop) { (stream) throws(StreamError) in
                try await Greeting.serve(stream, transcript: server)
            } ask: { (stream) throws(StreamError) in
                try await Greeting.ask(stream, transcript: client)
            }
            #expect(asked == .success(true))
            #expect(served == .success(1))
            #expect(server.text == "Got connection from ('127.0.0.1', 36782)\n")
            #expect(client.text == "Thank you for connecting\n")
            #expect(ends.clientWire == [])
            #expect(ends.serverWire == ["Thank you for connecting"])
        }
    }

    @Test func serve_doesNotWait_forTheClientToSpeak() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let served = await half(ends.server) { () throws(StreamError) in
                try await Greeting.serve(ends.server, transcript: nil)
            }
            #expect(served == .success(1))
        }
    }

    @Test(
        arguments: [
            ([Array("Thank ".utf8), Array("you".utf8)], "Thank you\n"),
            // One character in two pieces.
            ([[0x67, 0xc3], [0xbc, 0x67]], "g\u{fc}g\n"),
            ([[0x67, 0xc3]], "g\u{fffd}\n"),
            ([[UInt8](repeating: 0x78, count: 1_024)], String(repeating: "x", count: 1_024) + "\n"),
        ] as [([[UInt8]], String)])
    func ask_printsWhatCame_upToTheEnd(pieces: [[UInt8]], text: String) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            for piece in pieces { try await ends.server.write(piece) }
            ends.server.channel.shutdownWrite()
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Greeting.ask(ends.client, transcript: client)
            }
            #expect(asked == .success(true))
            #expect(client.text == text)
        }
    }

    @Test(arguments: [[1_025], [1_024, 1], [1_000, 1_000], [1_024, 1_024, 1_024]])
    func ask_isMessageTooLong_whereTheServerDoesNotStop(sizes: [Int]) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            for size in sizes {
                try await ends.server.write([UInt8](repeating: 0x78, count: size))
            }
            // No end comes: it must not be waited for.
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Greeting.ask(ends.client, transcript: nil)
            }
            #expect(asked == .failure(.messageTooLong))
        }
    }

    @Test func ask_endsEarly_whereTheServerSaysNothing() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            ends.server.channel.shutdownWrite()
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Greeting.ask(ends.client, transcript: client)
            }
            #expect(asked == .failure(.endedEarly))
            #expect(client.text == "")
        }
    }

    @Test func ask_printsWhatCame_beforeAFailure() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            try await ends.server.write(Array("Thank".utf8))
            ends.resetFromServer()
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Greeting.ask(ends.client, transcript: client)
            }
            #expect(asked == .failure(.reset))
            #expect(client.text == "Thank\n")
        }
    }

    @Test func ask_printsNothing_whereAFailureIsAllThatCame() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            ends.resetFromServer()
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Greeting.ask(ends.client, transcript: client)
            }
            #expect(asked == .failure(.reset))
            #expect(client.text == "")
        }
    }
}
