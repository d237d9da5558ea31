// The chat protocol, both halves against each other.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ChatTests {
    // MARK: Both halves

    @Test func ends_printTheDocumentsLines_atATerminal() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let server = ScriptedTranscript(["Only me.", "Any time."], isInteractive: true)
            let client = ScriptedTranscript(
                ["Anybody home?", "Thanks", "BYE", "unsent"], isInteractive: true)
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(2))
            #expect(
                server.text == """
                    Client connected from ('127.0.0.1', 36782)
                    Client says: Anybody home?
                    Server: Only me.
                    Client says: Thanks
                    Server: Any time.
                    Closing connection

                    """)
            #expect(
                client.text == """
                    Connected to the server.
                    Client: Anybody home?
                    Server says: Only me.
                    Client: Thanks
                    Server says: Any time.
                    Client: BYE

                    """)
            #expect(ends.clientWire == ["Anybody home?", "Thanks", "BYE"])
            #expect(ends.serverWire == ["Only me.", "Any time."])
        }
    }

    @Test func ends_printTheDocumentsLines_inAPipe() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let server = ScriptedTranscript(["Only me."])
            let client = ScriptedTranscript(["Anybody home?", "BYE"])
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(
                server.text == """
                    Client connected from ('127.0.0.1', 36782)
                    Client says: Anybody home?
                    Server: Closing connection

                    """)
            #expect(
                client.text
                    == "Connected to the server.\nClient: Server says: Only me.\nClient: ")
        }
    }

    @Test func emptyLines_areAskedAgain_atBothEnds() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(["", "yes"])
            let client = ScriptedTranscript(["", "hey", "", "BYE"])
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(ends.clientWire == ["hey", "BYE"])
            #expect(ends.serverWire == ["yes"])
            #expect(server.text == "Client says: hey\nServer: Server: Closing connection\n")
            #expect(
                client.text
                    == "Connected to the server.\n"
                    + "Client: Client: Server says: yes\nClient: Client: ")
        }
    }

    @Test func onlyTheClientsFarewell_endsTheChat() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(["BYE", "BYE", "BYE"])
            let client = ScriptedTranscript(["bye", "BYE ", "BYEBYE", "BYE"])
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(3))
            #expect(ends.clientWire == ["bye", "BYE ", "BYEBYE", "BYE"])
        }
    }

    // MARK: The server

    @Test func serve_ends_whereTheClientEndsWithoutAFarewell() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(["yes"])
            let client = ScriptedTranscript(["hey"])
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(server.text == "Client says: hey\nServer: ")
        }
    }

    @Test func serve_isOperatorLeft_atTheEndOfTheOperatorsInput() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let serving = self.serve(ends, ScriptedTranscript(), on: loop)
            let client = ScriptedTranscript(["hey"])
            #expect(await self.ask(ends, client) == .failure(.endedEarly))
            #expect(await serving.value == .failure(.operatorLeft))
        }
    }

    @Test func serve_endsEarly_whereTheClientEndsWhileTheOperatorThinks() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(hasEnd: false)
            let serving = self.serve(ends, server, on: loop)
            try await ends.client.write("hey")
            await turns(10)
            ends.client.channel.shutdownWrite()
            #expect(await serving.value == .failure(.endedEarly))
            #expect(server.text == "Client says: hey\nServer: ")
        }
    }

    @Test func messageThatComesWhileTheOperatorThinks_isAnsweredNext() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(["one", "two"])
            for message in ["first", "second", "BYE"] { try await ends.client.write(message) }
            #expect(await self.serve(ends, server, on: loop).value == .success(2))
            #expect(ends.serverWire == ["one", "two"])
            #expect(
                server.text == """
                    Client says: first
                    Server: Client says: second
                    Server: Closing connection

                    """)
        }
    }

    @Test func answerThatIsNoMessage_isNotSent() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(
                [String(repeating: "x", count: 1_025), "short"], isInteractive: true)
            for message in ["hey", "BYE"] { try await ends.client.write(message) }
            #expect(await self.serve(ends, server, on: loop).value == .success(1))
            #expect(ends.serverWire == ["short"])
            #expect(server.warnings.count == 1)
        }
    }

    @Test func messageThatIsNoText_isShown_withReplacements() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript(["what?"])
            try await ends.client.write([0x42, 0x59, 0x45, 0xff])
            ends.client.channel.shutdownWrite()
            #expect(await self.serve(ends, server, on: loop).value == .success(1))
            #expect(server.text == "Client says: BYE\u{fffd}\nServer: ")
        }
    }

    // MARK: The client

    @Test(
        arguments: [
            ([UInt8](repeating: 0x78, count: 1_025), .messageTooLong), ([0xff], .messageNotText),
        ] as [([UInt8], StreamError.Code)])
    func ask_throws_beforeItSendsWhatIsNoMessage(
        line: [UInt8], code: StreamError.Code
    ) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            #expect(await self.ask(ends, ScriptedTranscript(bytes: [line])) == .failure(code))
            #expect(ends.clientWire == [])
        }
    }

    @Test func ask_endsEarly_whereTheServerEnds() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            ends.server.channel.shutdownWrite()
            let client = ScriptedTranscript(hasEnd: false)
            #expect(await self.ask(ends, client) == .failure(.endedEarly))
            #expect(client.text == "Connected to the server.\nClient: ")
        }
    }

    private func serve(
        _ ends: Ends, _ transcript: ScriptedTranscript, on loop: EventLoop
    ) -> Task<HalfEnd<Int>, Never> {
        loop.spawn {
            await half(ends.server) { () throws(StreamError) in
                try await Chat.serve(ends.server, transcript: transcript)
            }
        }
    }

    private func ask(_ ends: Ends, _ transcript: ScriptedTranscript) async -> HalfEnd<Bool> {
        await half(ends.client) { () throws(StreamError) in
            try await Chat.ask(ends.client, transcript: transcript)
        }
    }
}
