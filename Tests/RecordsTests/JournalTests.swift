// Records in the journal.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import System
import Testing

@testable import Records

@Suite(.timeLimit(.minutes(2)))
struct JournalTests {
    private static let small = RecordedRefusal(code: "busy", reason: "later")
    private static let end = CommandEnd(.ended(.status(0)), pid: 7)

    private func start(
        _ recorder: Recorder, _ fate: Fate = Fate(), argument: String = "x"
    ) throws -> RecordedCommand {
        let command = recorder.start(
            "ls", [.open(argument)], program: "/bin/ls", settled: fate.settle)
        fate.wait(for: command)
        return try #require(command)
    }

    private func open(
        _ places: [AuditPlace], limits: AuditLimits = AuditLimits(), _ news: Trail.News
    ) throws -> AuditFile {
        try AuditFile(places, syncs: true, limits: limits) { item, _ in news.add(item) }
    }

    // MARK: What an entry has

    /// The file's line, field by field.
    @Test func everyRecord_hasInBothPlacesTheSameFields() throws {
        let journal = try Journal()
        let file = journal.folder["audit"]
        let trail = try AuditFile([.file(file), journal.place], syncs: false)
        let (recorder, own) = (Recorder(trail, Samples.session), Recorder(trail, nil))
        for record in Samples.fullest + Samples.barest {
            // It says whose records it is about, and is no session's.
            if case .omission = record { own.record(record) } else { recorder.record(record) }
        }
        let entries = try journal.read(Samples.fullest.count + Samples.barest.count)
        #expect(trail.finish(within: .seconds(30)) == 0)
        let lines = try lines(journal.folder.read("audit"))
        #expect(lines.count == entries.count)
        for (line, entry) in zip(lines, entries) {
            let object = try JSONDecoder().decode([String: Value].self, from: Data(line.utf8))
            var names: Set = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID"]
            for (name, value) in object {
                let field = "PARLEY_" + name.uppercased()
                names.insert(field)
                let found = try #require(entry[field], "\(field)")
                switch value {
                case .text(let text): #expect(found == text)
                case .other: #expect(line.contains(#""\#(name)":\#(found)"#), "\(field)")
                }
            }
            #expect(Set(entry.fields.keys) == names)
            #expect(entry["SYSLOG_IDENTIFIER"] == "parleyd")
            let event = try #require(Record.Event(rawValue: entry["PARLEY_EVENT"] ?? ""))
            #expect(entry["MESSAGE_ID"] == event.messageID)
            let said = try #require(entry["MESSAGE"])
            #expect(said.utf8.count > 10 && printable(said) == said, "\(said)")
        }
    }

    @Test func priorities_tellWhatIsWorthALook() throws {
        func priority(_ record: Record) throws -> String? {
            let journal = try Journal()
            let trail = try AuditFile([journal.place], syncs: false)
            Recorder(trail, Samples.session).record(record)
            return try journal.read(1)[0]["PRIORITY"]
        }
        #expect(try priority(.sessionStart(conversation: "command")) == "6")
        #expect(try priority(.refusal(Self.small)) == "5")
        #expect(try priority(.reload(.certificates, failure: nil)) == "6")
        #expect(try priority(.reload(.certificates, failure: "it is empty")) == "4")
    }

    /// Neither a field nor a line of a log can be forged by what a client sends.
    @Test func whateverAValueHas_itIsOneValue() throws {
        let hostile = "a\nPARLEY_EVENT=reload\n\0\r\"\\=ü😀\u{1b}[2J\u{202e}"
        let journal = try Journal()
        let trail = try AuditFile([journal.place], syncs: false)
        Recorder(trail, Samples.stranger).refuse(
            hostile, [.open(hostile), .open("]"), .open("}")], code: "busy", reason: hostile)
        let entry = try journal.read(1)[0]
        #expect(entry["PARLEY_NAME"] == hostile && entry["PARLEY_REASON"] == hostile)
        #expect(entry["PARLEY_EVENT"] == "refusal" && entry["PARLEY_CODE"] == "busy")
        let arguments = try JSONDecoder().decode(
            [String].self, from: Data(try #require(entry.fields["PARLEY_ARGUMENTS"])))
        #expect(arguments == [hostile, "]", "}"])
        let said = try #require(entry["MESSAGE"])
        #expect(printable(said) == said && said.contains(#"a\x0aPARLEY_EVENT"#))
    }

    /// As a start's arguments may be: the kernel takes no such datagram.
    @Test(arguments: [
        (
            [("event", "omission"), ("records", "1"), ("identity", "dns:a")],
            "1 record of dns:a left out"
        ),
        (
            [("event", "omission"), ("records", "7")],
            "7 records of clients without an identity left out"
        ),
        (
            [("event", "handshake-failure"), ("count", "1"), ("code", "reset")],
            "a connection was turned away (reset)"
        ),
        ([("event", "handshake-failure"), ("count", "3")], "3 connections were turned away"),
        (
            [("event", "refusal"), ("code", "busy"), ("reason", "too many")],
            "is refused (busy): too many"
        ),
        ([("event", "refusal"), ("name", "x"), ("code", "busy")], "is refused 'x' (busy)"),
    ])
    func sentences_sayWhoseAndHowMany(_ fields: [(String, String)], _ sentence: String) {
        #expect(RecordSentence(fields.map { .init(name: $0, text: $1) }).text == sentence)
    }

    @Test func aRecordThatIsLargerThanADatagram_isASealedFile() throws {
        let journal = try Journal()
        let trail = try AuditFile([journal.place], syncs: false)
        let long = String(repeating: "\u{1}", count: 200_000)
        let fate = Fate()
        _ = try start(Recorder(trail, nil), fate, argument: long)
        let entry = try journal.read(1)[0]
        // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE; kernels from 6.3 on have F_SEAL_EXEC too.
        #expect(entry.seals.map { $0 & 15 } == 15)
        let arguments = try #require(entry["PARLEY_ARGUMENTS"])
        #expect(arguments.utf8.count == 6 * long.utf8.count + 4)
        #expect(try #require(entry["MESSAGE"]).utf8.count < 1_200)
        try eventually("it is settled") { fate.value == .recorded }
    }

    // MARK: A journal that takes nothing

    @Test func aJournalThatIsNotThere_isToldAtTheStart() throws {
        let path = try Folder()["nowhere"]
        let opened = #expect(throws: AuditError.self) {
            try AuditFile([.journal(path)], syncs: false)
        }
        let examined = #expect(throws: AuditError.self) { try AuditFile.examine(.journal(path)) }
        for error in [opened, examined] {
            #expect(error?.code == .journal && error?.remedy == .nameFile)
            #expect(
                error?.sentence
                    == "the audit trail cannot be sent to the journal at \(path) (No such file or directory)"
            )
        }
        let journal = try Journal()
        try AuditFile.examine(journal.place)
        // Nothing is sent for that.
        #expect(try journal.read() == nil)
    }

    @Test func withoutAJournal_noProgramStarts_andEndsAreKeptUntilItIsBack() throws {
        let journal = try Journal()
        let news = Trail.News()
        let trail = try open([journal.place], news)
        let recorder = Recorder(trail, nil)
        let command = try start(recorder)
        _ = try journal.read(1)
        journal.end()
        recorder.record(.commandEnd(command, Self.end))
        recorder.record(.refusal(Self.small))
        let fate = Fate()
        _ = try start(recorder, fate)
        try eventually("the start has failed") { fate.value == .failed }
        try eventually("the rest is settled") { trail.waiting == 1 }
        try journal.begin()
        // By itself, after a second.
        let entry = try journal.read(1)[0]
        #expect(entry["PARLEY_EVENT"] == "command-end" && entry["PARLEY_LOST_BEFORE"] == "2")
        try eventually("it is told") { news.words == ["keeps", "loses", "hasWritten"] }
        let next = Fate()
        _ = try start(recorder, next)
        #expect(try journal.read(1)[0]["PARLEY_LOST_BEFORE"] == nil)
        try eventually("it is settled") { next.value == .recorded }
    }

    @Test func aJournalThatIsFull_isWaitedFor_andNobodyElseIs() throws {
        let journal = try Journal()
        let news = Trail.News()
        let trail = try open([journal.place], news)
        let recorder = Recorder(trail, nil)
        // More than a socket's queue takes, whatever this system's is.
        for _ in 1...2_000 { recorder.record(.refusal(Self.small)) }
        let fate = Fate()
        _ = try start(recorder, fate)
        try eventually("it is told") { news.words == ["waits"] }
        #expect(fate.value == nil && trail.waiting > 1)
        let entries = try journal.read(2_001)
        #expect(entries.last?["PARLEY_EVENT"] == "command-start")
        #expect(entries.allSatisfy { $0["PARLEY_LOST_BEFORE"] == nil })
        try eventually("it is settled") { fate.value == .recorded }
        #expect(news.words == ["waits", "goesOn"])
    }

    /// It is not waited for longer than that.
    @Test func atTheEnd_whatAFullJournalDoesNotTakeIsCounted() throws {
        let journal = try Journal()
        let trail = try AuditFile([journal.place], syncs: false)
        let recorder = Recorder(trail, nil)
        for _ in 1...2_000 { recorder.record(.refusal(Self.small)) }
        let began = Moment.now
        let missing = trail.finish(within: .milliseconds(200))
        #expect(missing > 0 && missing < 2_000 && Moment.now - began < .seconds(20))
    }
}

/// A value of a record's, as far as it is compared.
private enum Value: Decodable {
    case text(String)
    case other

    init(from decoder: any Decoder) throws {
        let text = try? decoder.singleValueContainer().decode(String.self)
        self = text.map { .text($0) } ?? .other
    }
}
