// The hello protocol, both halves against each other.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct HelloTests {
    @Test func separateEnds_printTheSecondDocumentsLines() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let (server, client) = (ScriptedTranscript(), ScriptedTranscript())
            let (served, asked) = await ends.bothHalves(on: loop) { (stream) throws(StreamError) in
                try await Hello.serve(stream, transcript: server)
            } ask: { (stream) throws(StreamError) in
                try await Hello.ask(stream, transcript: client)
            }
            #expect(asked == .success(true))
            #expect(served == .success(1))
            #expect(
                server.text == """
                    Connection from: ('127.0.0.1', 36782)
                    Received from client: Hello from client
                    Hello message sent

                    """)
            #expect(
                client.text == """
                    Hello message sent
                    Received from server: Hello from server

                    """)
            #expect(ends.clientWire == ["Hello from client"])
            #expect(ends.serverWire == ["Hello from server"])
        }
    }

    @Test func pair_printsTheFirstDocumentsLines() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let (server, client) = (ScriptedTranscript(), ScriptedTranscript())
            let (served, asked) = await ends.bothHalves(on: loop) { (stream) throws(StreamError) in
                try await Hello.serve(stream, lines: .pair, transcript: server)
            } ask: { (stream) throws(StreamError) in
                try await Hello.ask(stream, lines: .pair, transcript: client)
            }
            #expect(asked == .success(true))
            #expect(served == .success(1))
            #expect(
                server.text == """
                    Connection from ('127.0.0.1', 36782)
                    Server: Hello from client
                    Hello message sent from server

                    """)
            #expect(
                client.text == """
                    Client: Hello message sent
                    Client: Hello from server

                    """)
        }
    }

    @Test func ends_sayTheSame_withoutATranscript() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let (served, asked) = await ends.bothHalves(on: loop) { (stream) throws(StreamError) in
                try await Hello.serve(stream, transcript: nil)
            } ask: { (stream) throws(StreamError) in
                try await Hello.ask(stream, transcript: nil)
            }
            #expect(asked == .success(true))
            #expect(served == .success(1))
            #expect(ends.clientWire == ["Hello from client"])
            #expect(ends.serverWire == ["Hello from server"])
        }
    }

    @Test func serve_answersNothing_whereTheClientSaysNothing() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop, peer: "127.0.0.1")
            let server = ScriptedTranscript()
            ends.client.channel.shutdownWrite()
            let served = await half(ends.server) { () throws(StreamError) in
                try await Hello.serve(ends.server, transcript: server)
            }
            #expect(served == .success(0))
            #expect(server.text == "Connection from: ('127.0.0.1', 36782)\n")
            #expect(ends.serverWire == [])
        }
    }

    @Test func serve_answersOneMessage_whateverItIs() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let server = ScriptedTranscript()
            try await ends.client.write([0x68, 0xff, 0x69])
            try await ends.client.write(Array("second".utf8))
            let served = await half(ends.server) { () throws(StreamError) in
                try await Hello.serve(ends.server, transcript: server)
            }
            #expect(served == .success(1))
            #expect(server.text == "Received from client: h\u{fffd}i\nHello message sent\n")
            #expect(ends.serverWire == ["Hello from server"])
        }
    }

    @Test func ask_endsEarly_whereTheServerSaysNothing() async throws {
        try await onLoop { loop in
            let ends = try Ends(loop)
            let client = ScriptedTranscript()
            ends.server.channel.shutdownWrite()
            let asked = await half(ends.client) { () throws(StreamError) in
                try await Hello.ask(ends.client, transcript: client)
            }
            #expect(asked == .failure(.endedEarly))
            #expect(client.text == "Hello message sent\n")
        }
    }
}
