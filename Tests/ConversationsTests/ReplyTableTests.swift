// The table of fixed replies.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations

@Suite(.timeLimit(.minutes(1)))
struct ReplyTableTests {
    @Test func everyMessageOfALargeTable_hasItsOwnReply() {
        let replies = (0..<2_000).map { number in
            ("command \(number)", ReplyTable.Reply("reply \(number)", closes: number % 2 == 0))
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
        let table = ReplyTable(
            [("\u{fc}", .init("composed"))], otherwise: .init("none"))
        #expect(table.reply(to: "\u{fc}").text == "composed")
        #expect(table.reply(to: "u\u{308}").text == "none")
    }

    @Test func emptyTable_hasTheOtherReplyOnly() {
        let table = ReplyTable([], otherwise: .init("none", closes: true))
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
        let reply = reply(find(bytes.span))
        return (String(decoding: reply.bytes, as: UTF8.self), reply.closes)
    }
}
