// The fixed replies of a command table.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Testing

@testable import Conversations
@testable import Serving

@Suite(.timeLimit(.minutes(1)))
struct FixedRepliesTests {
    @Test(
        arguments: [
            ("Hello", "Greetings!", false), ("Are you there?", "Yes, I am here!", false),
            ("quit", "Closing down", true), ("", "Unknown command.", false),
            ("hello", "Unknown command.", false), ("Hello ", "Unknown command.", false),
            (" Hello", "Unknown command.", false), ("Hell", "Unknown command.", false),
            ("Hello\n", "Unknown command.", false), ("Hello\0", "Unknown command.", false),
            ("Are you there", "Unknown command.", false), ("quit\r", "Unknown command.", false),
            (String(repeating: "x", count: 1_024), "Unknown command.", false),
        ])
    func documentsTable_hasTheThirdDocumentsReplies(
        message: String, text: String, closes: Bool
    ) {
        let messages = FixedReplies(.tutorial).messages
        let reply = messages.reply(messages.find(Array(message.utf8).span))
        #expect(String(decoding: reply.bytes, as: UTF8.self) == text)
        #expect(reply.closes == closes)
    }
}
