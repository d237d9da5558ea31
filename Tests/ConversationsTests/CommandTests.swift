// The command-reply protocol, both halves against each other and each against strangers.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct CommandTests {
    // MARK: Both halves

    @Test func ends_printTheDocumentsLines_inAPipe() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello", "Are you there?", "help", "quit", "unsent"])
            let server = ScriptedTranscript()
            let serving = self.serve(ends, server, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(4))
            #expect(
                server.text == """
                    Connected.
                    Received: Hello
                    Received: Are you there?
                    Received: help
                    Received: quit

                    """)
            #expect(
                client.text == """
                    Execute command: Server response: Greetings!
                    Execute command: Server response: Yes, I am here!
                    Execute command: Server response: Unknown command.
                    Execute command: Server response: Closing down

                    """)
            #expect(ends.clientWire == ["Hello", "Are you there?", "help", "quit"])
            #expect(
                ends.serverWire
                    == ["Greetings!", "Yes, I am here!", "Unknown command.", "Closing down"])
        }
    }

    @Test func client_printsTheDocumentsLines_atATerminal() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello", "", "quit"], isInteractive: true)
            let serving = self.serve(ends, nil, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(2))
            #expect(
                client.text == """
                    Execute command: Hello
                    Server response: Greetings!
                    Execute command: \

                    Execute command: quit
                    Server response: Closing down

                    """)
        }
    }

    @Test func script_printsTheBareReplies() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            let serving = self.serve(ends, nil, on: loop)
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Command.ask(
                    ["Hello", "Are you there?", "?"], on: ends.client, transcript: client)
            }
            #expect(asked == .success(true))
            #expect(await serving.value == .success(3))
            #expect(client.text == "Greetings!\nYes, I am here!\nUnknown command.\n")
        }
    }

    // MARK: The client

    @Test func ask_endsTheSession_atTheEndOfInput() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            let serving = self.serve(ends, nil, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(
                client.text == "Execute command: Server response: Greetings!\nExecute command: ")
        }
    }

    @Test func ask_asksAgain_afterAnEmptyLine() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["", "", "quit"])
            let serving = self.serve(ends, nil, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(
                client.text == "Execute command: Execute command: Execute command: "
                    + "Server response: Closing down\n")
            #expect(client.warnings == [])
        }
    }

    static let unsendable: [(line: [UInt8], code: StreamError.Code)] = [
        ([UInt8](repeating: 0x78, count: 1_025), .messageTooLong),
        // 513 characters, and one byte too many.
        (Array(String(repeating: "\u{fc}", count: 513).utf8), .messageTooLong),
        ([0x48, 0xff], .messageNotText), ([0xc3], .messageNotText),
        ([0xc0, 0x80], .messageNotText),
        ([0xed, 0xa0, 0x80], .messageNotText),
    ]

    @Test(arguments: unsendable)
    func ask_throws_beforeItSendsWhatIsNoMessage(
        line: [UInt8], code: StreamError.Code
    ) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(bytes: [line, Array("quit".utf8)])
            #expect(await self.ask(ends, client) == .failure(code))
            #expect(ends.clientWire == [])
            #expect(client.warnings == [])
        }
    }

    @Test(arguments: unsendable)
    func ask_warnsAndAsksAgain_whereSomebodySitsThere(
        line: [UInt8], code: StreamError.Code
    ) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(
                bytes: [line, Array("quit".utf8)], isInteractive: true)
            let serving = self.serve(ends, nil, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(ends.clientWire == ["quit"])
            #expect(client.warnings.count == 1)
        }
    }

    @Test func ask_sendsAMessageOfTheLongestKind_inOnePiece() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let message = String(repeating: "x", count: 1_024)
            let client = ScriptedTranscript([message])
            let serving = self.serve(ends, nil, on: loop)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(await serving.value == .success(1))
            #expect(ends.clientWire == [message])
        }
    }

    @Test(
        arguments: [
            (["Hello"], nil), ([], nil), ([String(repeating: "x", count: 1_024)], nil),
            (["Hello", ""], .messageNotText),
            (["Hello", String(repeating: "x", count: 1_025)], .messageTooLong),
        ] as [([String], StreamError.Code?)])
    func check_saysWhatCannotBeSent(messages: [String], code: StreamError.Code?) async {
        #expect(
            await failureCode { () async throws(StreamError) in try Command.check(messages) }
                == code)
    }

    @Test func script_sendsNothing_whereOneMessageIsTooLong() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let serving = self.serve(ends, nil, on: loop)
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Command.ask(
                    ["Hello", String(repeating: "x", count: 1_025)], on: ends.client,
                    transcript: ScriptedTranscript())
            }
            #expect(asked == .failure(.messageTooLong))
            #expect(ends.clientWire == [])
            _ = await serving.value
        }
    }

    @Test(arguments: [true, false])
    func ask_endsEarly_whereTheServerEndsBeforeItsReply(isScript: Bool) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            let serving = loop.spawn {
                _ = try? await ends.server.readMessage()
                ends.server.channel.shutdownWrite()
            }
            let asked = await half(ends.client) { () throws(StreamError) in
                if isScript {
                    try await Command.ask(["Hello"], on: ends.client, transcript: client)
                } else {
                    try await Command.ask(ends.client, transcript: client)
                }
            }
            #expect(asked == .failure(.endedEarly))
            #expect(client.text == (isScript ? "" : "Execute command: "))
            await serving.value
        }
    }

    @Test func ask_endsEarly_whereTheServerEndsWhileNobodyTypes() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"], hasEnd: false)
            let serving = loop.spawn {
                _ = try? await ends.server.readMessage()
                try? await ends.server.write("Greetings!")
                await turns(10)
                ends.server.channel.shutdownWrite()
            }
            #expect(await self.ask(ends, client) == .failure(.endedEarly))
            #expect(
                client.text == "Execute command: Server response: Greetings!\nExecute command: ")
            await serving.value
        }
    }

    @Test func ask_throwsTheFailure_whereTheConnectionBreaksWhileNobodyTypes() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(hasEnd: false)
            let asking = loop.spawn { await self.ask(ends, client) }
            await turns(10)
            ends.resetFromServer()
            #expect(await asking.value == .failure(.reset))
        }
    }

    @Test func ask_isCancelled_whileNobodyTypes() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(hasEnd: false)
            let asking = loop.spawn { await self.ask(ends, client) }
            await turns(10)
            asking.cancel()
            #expect(await asking.value == .failure(.cancelled))
        }
    }

    @Test func whatTheServerSaysUnasked_isTheNextReply() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            try await ends.server.write("too early")
            #expect(await self.ask(ends, client) == .success(true))
            #expect(client.text == "Execute command: Server response: too early\nExecute command: ")
        }
    }

    @Test func reply_isPrinted_whereItIsNoText() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            try await ends.server.write([0x61, 0xff, 0x62])
            #expect(await self.ask(ends, client) == .success(true))
            #expect(
                client.text == "Execute command: Server response: a\u{fffd}b\nExecute command: ")
        }
    }

    @Test(arguments: [1_025, 16_384])
    func reply_thatIsTooLong_isRefused(size: Int) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            try await ends.server.write([UInt8](repeating: 0x78, count: size))
            // Its rest would be taken for the next one.
            #expect(await self.ask(ends, client) == .failure(.messageTooLong))
            #expect(client.text == "Execute command: ")
        }
    }

    @Test func reply_ofTheLongestKind_isPrinted() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript(["Hello"])
            let reply = String(repeating: "x", count: 1_024)
            try await ends.server.write(reply)
            #expect(await self.ask(ends, client) == .success(true))
            #expect(
                client.text == "Execute command: Server response: \(reply)\nExecute command: ")
        }
    }

    // MARK: The server

    @Test func serve_closes_afterQuit_whateverFollows() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            for message in ["Hello", "quit", "Hello"] { try await ends.client.write(message) }
            #expect(await self.serve(ends, nil, on: loop).value == .success(2))
            #expect(ends.serverWire == ["Greetings!", "Closing down"])
        }
    }

    @Test(
        arguments: [
            ([0x48, 0x65, 0x6c, 0x6c, 0x6f, 0xff], "Hello\u{fffd}"),
            ([0xff, 0xfe], "\u{fffd}\u{fffd}"), ([0x00], "\0"), (Array("hello".utf8), "hello"),
            (Array("Hello\n".utf8), "Hello\n"), (Array("quit ".utf8), "quit "),
            (Array("QRK".utf8), "QRK"),
        ] as [([UInt8], String)])
    func serve_answersUnknownCommand_toWhatIsNotInTheTable(
        message: [UInt8], printed: String
    ) async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript()
            try await ends.client.write(message)
            ends.client.channel.shutdownWrite()
            #expect(await self.serve(ends, server, on: loop).value == .success(1))
            #expect(ends.serverWire == ["Unknown command."])
            #expect(server.text == "Connected.\nReceived: \(printed)\n")
        }
    }

    @Test func serve_readsNoMoreThanAMessage_atOnce() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            try await ends.client.write([UInt8](repeating: 0x78, count: 1_025))
            ends.client.channel.shutdownWrite()
            #expect(await self.serve(ends, nil, on: loop).value == .success(2))
            #expect(ends.serverWire == ["Unknown command.", "Unknown command."])
        }
    }

    @Test func serve_goesOn_whereTheClientReadsSlowly() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, capacity: 5)
            let serving = self.serve(ends, nil, on: loop)
            let writing = loop.spawn {
                for message in ["Hello", "quit"] { try? await ends.client.write(message) }
            }
            await turns(20)
            #expect(ends.serverWire == ["Greet"])
            var text = ""
            while let piece = try await ends.client.readMessage() { text += piece }
            #expect(text == "Greetings!Closing down")
            #expect(await serving.value == .success(2))
            await writing.value
        }
    }

    @Test func serve_ends_whereTheConnectionBreaks() async throws {
        try await onLoop { loop in
            let channels = MemoryChannel.pair(loop)
            let stream = PlainStream(channels.1)
            try await PlainStream(channels.0).write("Hello")
            channels.0.reset()
            let code = await failureCode { () async throws(StreamError) in
                _ = try await served(stream, nil)
            }
            #expect(code == .reset)
        }
    }

    private func serve(
        _ ends: Ends, _ transcript: ScriptedTranscript?, on loop: EventLoop
    ) -> Task<HalfEnd<Int>, Never> {
        loop.spawn {
            await half(ends.server) { () throws(StreamError) in
                try await served(ends.server, transcript)
            }
        }
    }

    private func ask(_ ends: Ends, _ transcript: ScriptedTranscript) async -> HalfEnd<Bool> {
        await half(ends.client) { () throws(StreamError) in
            try await Command.ask(ends.client, transcript: transcript)
        }
    }
}

/// Serves a stream to its end.
private func served(
    _ stream: some ByteStream, _ transcript: ScriptedTranscript?
) async throws(StreamError) -> Int {
    try await withCheckedContinuation { end in
        Command.serve(
            stream, replies: { () throws(StreamError) in documentReplies }, transcript: transcript,
            ended: { end.resume(returning: $0) })
    }.get()
}

/// The third document's.
private let documentReplies = ReplyTable(
    [
        ("Hello", .init("Greetings!")), ("Are you there?", .init("Yes, I am here!")),
        ("quit", .init("Closing down", closes: true)),
    ], otherwise: .init("Unknown command."))
