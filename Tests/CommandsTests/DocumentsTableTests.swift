// The third document's commands.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct DocumentsTableTests {
    @Test(arguments: [
        ("Hello", "Greetings!", false), ("Are you there?", "Yes, I am here!", false),
        ("quit", "Closing down", true),
    ])
    func documentsTable_hasTheThirdDocumentsReplies(
        name: String, expected: String, expectedToClose: Bool
    ) throws {
        let entry = try #require(CommandTable.tutorial[name])
        guard case .reply(let text, let closes) = entry.action else {
            Issue.record("\(name) is no reply")
            return
        }
        #expect(text == expected)
        #expect(closes == expectedToClose)
        #expect(entry.usage == name)
        #expect(entry.summary == "")
        #expect(entry.permits(Identity(names: [], key: "")))
    }

    @Test(arguments: ["", "hello", "Hello ", "Hello\0", "help", "whoami"])
    func documentsTable_hasNothingElse(name: String) {
        #expect(CommandTable.tutorial[name] == nil)
    }

    @Test func documentsTable_hasNoPrograms() {
        #expect(!CommandTable.tutorial.hasPrograms)
        #expect(CommandTable.tutorial.identities == [])
        #expect(CommandTable.tutorial.entries.map(\.name) == ["Are you there?", "Hello", "quit"])
    }
}
