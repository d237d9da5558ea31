// The conversations' names, defaults and first lines, and an address as Python prints it.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets

@Suite struct ConversationTests {
    @Test(
        arguments: [
            ("hello", 8_080, "0.0.0.0", ["Server listening on port 99"]),
            (
                "greeting", 5_000, "0.0.0.0",
                ["Socket creation successful", "socket binded to 99", "socket is listening"]
            ),
            (
                "command", 12_345, "127.0.0.1",
                ["Socket initialized successfully.", "Socket ready for incoming messages."]
            ),
            ("chat", 5_000, "127.0.0.1", ["Server started. Waiting for a client..."]),
        ] as [(String, UInt16, String, [String])])
    func defaultsAndFirstLines_areTheDocuments(
        name: String, port: UInt16, host: String, lines: [String]
    ) throws {
        let conversation = try #require(Conversation(rawValue: name))
        #expect(conversation.defaultPort == port)
        #expect(conversation.defaultHost == host)
        #expect(conversation.linesBeforeBind + conversation.linesAfterListen(port: 99) == lines)
    }

    @Test func linesBeforeBind_areWhatTheDocumentsPrintBeforeIt() {
        #expect(Conversation.greeting.linesBeforeBind == ["Socket creation successful"])
        #expect(Conversation.command.linesBeforeBind == ["Socket initialized successfully."])
    }

    @Test func failedBind_isALineOfTheCommandDocumentOnly() {
        for conversation in Conversation.allCases {
            #expect(
                conversation.linesAfterFailedBind
                    == (conversation == .command ? ["Failed to bind socket."] : []))
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "('127.0.0.1', 36782)"),
        ("::1", "('::1', 36782, 0, 0)"),
        ("fe80::1%1", "('fe80::1', 36782, 0, 1)"),
        ("::ffff:192.0.2.1", "('::ffff:192.0.2.1', 36782, 0, 0)"),
    ])
    func address_isPrintedAsPythonDoes(host: String, text: String) throws {
        let address = try #require(
            try Endpoint(host: host, port: 36_782).localAddresses().first)
        #expect(address.python == text)
    }
}
