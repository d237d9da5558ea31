// What a session's records have in common, and how many of them there are.
// SPDX-License-Identifier: Apache-2.0
import Records
import Testing

@Suite
struct RecorderTests {
    @Test func everyRecord_saysWhoseSessionItIs() throws {
        let trail = try Trail()
        let start = Record.sessionStart(conversation: "command")
        #expect(trail.recorder(Samples.session).record(start))
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","session":7,"address":"192.0.2.7:4711","#
                + #""identity":"email:ann@example.org","names":["email:ann@example.org","dns:ann"],"#
                + #""key":"key:sha256:abc=","serial":"0A","protocol":"command"}"#)
        #expect(trail.recorder(Samples.stranger).record(start))
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","session":8,"address":"192.0.2.8:4711","protocol":"command"}"#
        )
        #expect(trail.recorder().record(.reload(.certificates, failure: nil)))
        #expect(
            try untimed(trail.read())
                == #"{"event":"reload","what":"certificates","outcome":"in-force"}"#)
    }

    // MARK: The budget

    @Test(arguments: [
        Record.reply(RecordedReply(name: "x")), .refusal(RecordedRefusal(code: "busy")),
    ])
    func frequentRecords_areAHundredASecond_andTheRestIsCounted(record: Record) throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.stranger)
        for number in 1...250 {
            #expect(recorder.record(record) == (number <= 100), "record \(number)")
            #expect(trail.read().isEmpty == (number > 100), "record \(number)")
        }
        trail.now += 1
        #expect(recorder.record(record))
        #expect(trail.read().contains(#""192.0.2.8:4711","omitted_before":150,"#))
        #expect(recorder.record(record))
        #expect(!trail.read().contains("omitted_before"))
    }

    @Test func recordsOfPrograms_areNeverLeftOut_andTellWhatWas() throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.stranger)
        for _ in 1...103 {
            recorder.record(.reply(RecordedReply(name: "x")))
            _ = trail.read()
        }
        for number in 1...200 {
            #expect(recorder.record(.commandStart(Samples.command)))
            #expect(trail.read().contains(#""omitted_before":3,"#) == (number == 1))
        }
        #expect(!recorder.record(.reply(RecordedReply(name: "x"))))
    }

    /// The session that leaves them out has a second of its own, which may end within this one: a second of the trail's
    /// has its hundred all the same, and one record tells of all that are missing.
    @Test func whatTheSessionHasLeftOut_isToldOnce_whenASecondHasPassed() throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.stranger)
        func refuse() -> String {
            recorder.refuse("x", [], code: "busy", reason: "no")
            return trail.read()
        }
        for _ in 1...30 { #expect(!refuse().isEmpty) }
        recorder.omit(400, commands: 300)
        for number in 31...100 {
            let line = refuse()
            #expect(line.contains(#""command":\#(300 + number),"#), "\(number)")
            #expect(!line.contains("omitted_before"), "\(number)")
        }
        for _ in 1...7 { #expect(refuse().isEmpty) }
        trail.now += 1
        #expect(refuse().contains(#""omitted_before":407,"#))
        #expect(!refuse().contains("omitted_before"))
        recorder.omit(2, commands: 2)
        recorder.record(.sessionEnd(reason: "left", bytesIn: 0, bytesOut: 0, duration: .zero))
        #expect(trail.read().contains(#""omitted_before":2,"#))
    }

    /// Where it comes with the first of a new second it need not wait for the next one.
    @Test func whatTheSessionHasLeftOut_isToldAtOnce_whereTheSecondIsNew() throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.stranger)
        recorder.refuse("x", [], code: "busy", reason: "no")
        _ = trail.read()
        trail.now += 1
        recorder.omit(5, commands: 5)
        recorder.refuse("x", [], code: "busy", reason: "no")
        #expect(trail.read().contains(#""omitted_before":5,"#))
    }

    @Test func omittedRecords_areToldByTheFirstThatIsWritten() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        for _ in 0..<103 { recorder.refuse("x", [], code: "unknown-command", reason: "no") }
        #expect(trail.losses.count == 1)
        trail.now += 1
        // The pipe is full still: the record that would have told it is lost.
        #expect(!recorder.record(.sessionStart(conversation: "command")))
        _ = trail.read()
        #expect(recorder.record(.sessionStart(conversation: "command")))
        #expect(trail.read().contains(#""omitted_before":3,"#))
    }

    @Test func budget_isTheSessionsOwn() throws {
        let trail = try Trail()
        let flood = trail.recorder(Samples.stranger)
        let other = trail.recorder(Samples.session)
        for _ in 1...200 {
            flood.record(.reply(RecordedReply(name: "x")))
            _ = trail.read()
        }
        #expect(other.record(.reply(RecordedReply(name: "x"))))
    }

    // MARK: Commands

    @Test func equalRepliesInARow_areOneRecord_withTheLastOnesNumber() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        recorder.reply(Array("Hello".utf8), times: 7)
        #expect(
            try untimed(trail.read())
                == #"{"event":"reply","command":7,"name":"Hello","times":7}"#)
        recorder.reply(Array("Hello".utf8), times: 1)
        #expect(
            try untimed(trail.read())
                == #"{"event":"reply","command":8,"name":"Hello","times":1}"#)
    }

    @Test func records_areInTheOrder_inWhichTheAnswersWereDecided() throws {
        let folder = try Folder()
        let recorder = Recorder(
            try AuditFile(folder["audit"], syncs: false), nil, lost: { Issue.record("\($0)") })
        let hello = Array("Hello".utf8)
        recorder.reply(hello, times: 2)
        recorder.refuse("nope", [], code: "busy", reason: "later")
        recorder.reply(hello, times: 1)
        #expect(recorder.start("ls", [], program: "/bin/ls")?.number == 5)
        recorder.reply(hello, times: 1)
        recorder.record(.sessionEnd(reason: "left", bytesIn: 0, bytesOut: 0, duration: .zero))
        let event = #/"event":"([a-z-]+)"(,"command":\d)?/#
        let order = folder.read("audit").matches(of: event).map { "\($0.1)\($0.2 ?? "")" }
        #expect(
            order == [
                #"reply,"command":2"#, #"refusal,"command":3"#, #"reply,"command":4"#,
                #"command-start,"command":5"#, #"reply,"command":6"#, "session-end",
            ])
    }

    @Test func programsRepliesAndRefusals_areCountedTogether() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        recorder.reply(Array("Hello".utf8), times: 1)
        #expect(trail.read().contains(#""command":1,"#))
        #expect(recorder.start("ls", [], program: "/bin/ls")?.number == 2)
        #expect(trail.read().contains(#""event":"command-start","command":2,"#))
        recorder.refuse("nope", [], code: "busy", reason: "later")
        #expect(trail.read().contains(#""event":"refusal","command":3,"#))
    }

    @Test func startThatCanNotBeKept_isNone_andTakesNoNumber() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        recorder.record(.sessionStart(conversation: "parley/1"))
        #expect(recorder.start("ls", [], program: "/bin/ls") == nil)
        _ = trail.read()
        #expect(recorder.start("ls", [], program: "/bin/ls")?.number == 1)
    }

    @Test func longNameOfARefusal_isCut() throws {
        let trail = try Trail()
        trail.recorder().refuse(
            String(repeating: "x", count: 300), [.secret(length: 9)], code: "busy", reason: "later")
        #expect(
            try untimed(trail.read())
                == #"{"event":"refusal","command":1,"name":"\#(String(repeating: "x", count: 255))","#
                + #""arguments":[9],"code":"busy","reason":"later"}"#)
    }
}
