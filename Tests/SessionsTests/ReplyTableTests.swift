// The table of fixed replies.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sessions

@Suite(.timeLimit(.minutes(1)))
struct ReplyTableTests {
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
        let reply = ReplyTable.documents.reply(to: message)
        #expect(reply.text == text)
        #expect(reply.closes == closes)
    }

    @Test func everyMessageOfALargeTable_hasItsOwnReply() {
        var replies: [String: ReplyTable.Reply] = [:]
        for number in 0..<2_000 {
            replies["command \(number)"] = .init("reply \(number)", closes: number % 2 == 0)
        }
        let table = ReplyTable(replies, otherwise: .init("none"))
        for number in 0..<2_000 {
            let reply = table.reply(to: "command \(number)")
            #expect(reply.text == "reply \(number)")
            #expect(reply.closes == (number % 2 == 0))
        }
        #expect(table.reply(to: "command 2000").text == "none")
    }

    @Test func messages_areToldApartByTheirBytes() {
        // The same character, composed and not.
        let table = ReplyTable(["\u{fc}": .init("composed")], otherwise: .init("none"))
        #expect(table.reply(to: "\u{fc}").text == "composed")
        #expect(table.reply(to: "u\u{308}").text == "none")
    }

    @Test func emptyTable_hasTheOtherReplyOnly() {
        let table = ReplyTable([:], otherwise: .init("none", closes: true))
        for message in ["", "Hello"] {
            #expect(table.reply(to: message).text == "none")
            #expect(table.reply(to: message).closes)
        }
    }

    @Test func replyOverAMessagesLength_isAProgrammersError() async {
        _ = ReplyTable.Reply(String(repeating: "x", count: 1_024))
        await #expect(processExitsWith: .failure) {
            _ = ReplyTable.Reply(String(repeating: "x", count: 1_025))
        }
    }
}

extension ReplyTable {
    fileprivate func reply(to message: String) -> (text: String, closes: Bool) {
        let bytes = Array(message.utf8)
        let reply = self[bytes.span]
        return (String(decoding: reply.bytes, as: UTF8.self), reply.closes)
    }
}
