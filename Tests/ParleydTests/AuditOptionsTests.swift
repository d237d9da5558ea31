// What the command line says of the audit trail.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Console
@testable import Records
@testable import System
@testable import parleyd

@Suite struct AuditOptionsTests {
    private func options(_ words: String...) throws -> AuditOptions? {
        try ServerOptions(["command", "--plaintext"] + words).audit
    }

    @Test func thereIsNone_unlessSomebodyWantsIt() throws {
        #expect(try options() == nil)
        #expect(try options("--audit", "-") != nil)
        #expect(try options("--commands", "table") != nil)
    }

    @Test(arguments: ["--audit-group=root", "--audit-fsync"])
    func whatIsAboutAFile_needsOne(option: String) throws {
        for words in [[], ["--audit", "-"], ["--commands", "table"]] {
            #expect(throws: UsageError.self) {
                try ServerOptions(["command", "--plaintext", option] + words)
            }
        }
        #expect(try options("--audit", "file", option) != nil)
    }

    /// Of several files the last one counts, and the journal is beside it.
    @Test func theTrail_isAFile_orTheJournal_orBoth() throws {
        func place(_ words: String...) throws -> String? {
            try ServerOptions(["command", "--plaintext"] + words).audit?.sentences[0]
        }
        let start = "The audit trail goes to"
        #expect(try place("--audit", "a", "--audit", "b") == "\(start) b.")
        #expect(try place("--audit", "journal") == "\(start) the journal.")
        #expect(try place("--audit", "./journal") == "\(start) ./journal.")
        for words in [["a", "journal"], ["journal", "a"]] {
            let options = try options("--audit", words[0], "--audit", words[1])
            #expect(options?.sentences[0] == "\(start) a, and to the journal.")
        }
        // The journal alone, although there are commands.
        #expect(
            try place("--commands", "t", "--audit", "journal") == "\(start) the journal.")
        let both = try place("--audit", "-", "--audit", "journal")
        #expect(both == "\(start) standard error, and to the journal.")
        #expect(throws: UsageError.self) { try options("--audit", "journal", "--audit-fsync") }
        #expect(throws: UsageError.self) { try options("--audit", "journal", "--audit-group=0") }
        let rate = try options("--audit", "journal", "--audit-rate", "1")
        #expect(rate?.sentences.count == 2 && rate?.rate == 1_024)
    }

    @Test func aGroup_isLookedUp() throws {
        let named = try #require(try options("--audit", "file", "--audit-group", "0"))
        #expect(
            named.sentences[0]
                == "The audit trail goes to file, which the group root may read (--audit-group).")
        let none = try options("--audit", "file", "--audit-group", "0", "--audit-group=")
        #expect(none?.sentences[0] == "The audit trail goes to file.")
        let error = #expect(throws: ConfigurationError.self) {
            try options("--audit", "file", "--audit-group", "no such\u{1b}group")
        }
        #expect(error?.code == .groupUnknown)
        #expect(error?.sentence.contains(#"no such\u{1b}group"#) == true)
    }
}
