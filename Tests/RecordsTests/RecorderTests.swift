// What a session's records have in common, and how many of them there are.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Records

@Suite
struct RecorderTests {
    @Test func everyRecord_saysWhoseSessionItIs() throws {
        let trail = try Trail()
        let start = Record.sessionStart(conversation: "command")
        trail.recorder(Samples.session).record(start)
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","session":7,"address":"192.0.2.7:4711","#
                + #""balancer":"192.0.2.1:80","#
                + #""identity":"email:ann@example.org","names":["email:ann@example.org","dns:ann"],"#
                + #""key":"key:sha256:abc=","serial":"0A","protocol":"command"}"#)
        trail.recorder(Samples.stranger).record(start)
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","session":8,"address":"192.0.2.8:4711","protocol":"command"}"#
        )
        trail.recorder().record(.reload(.certificates, failure: nil))
        #expect(
            try untimed(trail.read())
                == #"{"event":"reload","what":"certificates","outcome":"in-force"}"#)
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
        let file = try AuditFile([.file(folder["audit"])], syncs: false)
        let recorder = Recorder(file, nil)
        let hello = Array("Hello".utf8)
        recorder.reply(hello, times: 2)
        recorder.refuse("nope", [], code: "busy", reason: "later")
        recorder.reply(hello, times: 1)
        let start = recorder.start("ls", [], program: "/bin/ls", settled: { _ in })
        #expect(start?.number == 5)
        recorder.reply(hello, times: 1)
        recorder.record(.sessionEnd(reason: "left", bytesIn: 0, bytesOut: 0, duration: .zero))
        #expect(file.finish(within: .seconds(30)) == 0)
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
        #expect(try trail.read().contains(#""command":1,"#))
        #expect(recorder.start("ls", [], program: "/bin/ls", settled: { _ in })?.number == 2)
        #expect(try trail.read().contains(#""event":"command-start","command":2,"#))
        recorder.refuse("nope", [], code: "busy", reason: "later")
        #expect(try trail.read().contains(#""event":"refusal","command":3,"#))
    }

    /// Its refusal has the number.
    @Test func startThatCanNotBeWritten_isRefusedUnderItsNumber() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        trail.leave()
        let fate = Fate()
        let start = recorder.start(
            "ls", [.open("a")], program: "/bin/ls", settled: fate.settle)
        let command = try #require(start)
        try eventually("it has failed") { fate.value == .failed }
        trail.comeBack()
        recorder.refuse(command, code: "unavailable", reason: "no")
        #expect(
            try untimed(trail.read())
                == #"{"event":"refusal","command":1,"name":"ls","arguments":["a"],"#
                + #""code":"unavailable","reason":"no","lost_before":1}"#)
        #expect(recorder.start("ls", [], program: "/bin/ls", settled: { _ in })?.number == 2)
    }

    // MARK: What a refusal may be

    @Test func longNameOfARefusal_isCut() throws {
        let trail = try Trail()
        trail.recorder().refuse(
            String(repeating: "x", count: 300), [.secret(length: 9)], code: "busy", reason: "later")
        #expect(
            try untimed(trail.read())
                == #"{"event":"refusal","command":1,"name":"\#(String(repeating: "x", count: 255))","#
                + #""arguments":[9],"code":"busy","reason":"later"}"#)
    }

    @Test func longArguments_areTheirBeginningsAndLengths_inARefusal() throws {
        let trail = try Trail()
        let long = String(repeating: "é", count: 10_000)
        trail.recorder().refuse(
            "x",
            [
                .open("a"), .open("-" + long), .secret(length: 20_000), .open(long), .open("b"),
                .open("c"),
            ],
            code: "busy", reason: "later")
        let line = try untimed(trail.read())
        let of256 = String(repeating: "\\u00e9", count: 127)
        #expect(
            line.contains(#""arguments":["a",{"text":"-\#(of256)","bytes":20001},20000,{"text":""#))
        #expect(line.contains(#"\u00e9","bytes":20000},"b"],"argument_count":6,"code":"busy""#))
        #expect(line.utf8.count < 512 * 3 + 300)
    }

    /// The start's record has them, and its number. What is short is there again.
    @Test func longArguments_areCutInTheRecordsAfterAStart() throws {
        let trail = try Trail(room: 1 << 20)
        let recorder = trail.recorder(Samples.session)
        let long = String(repeating: "x", count: 32_000)
        let started = recorder.start(
            "x", [.open("a"), .open(long)] + Array(repeating: .open("b"), count: 62),
            program: "/bin/x", settled: { _ in })
        let command = try #require(started)
        recorder.record(.commandEnd(command, CommandEnd(.leftRunning(nil))))
        recorder.record(.commandGone(command, pid: 1, duration: .seconds(1)))
        let lines = try lines(trail.read())
        #expect(lines.count == 3 && lines[0].contains(long) && !lines[0].contains("argument_count"))
        for line in lines.dropFirst() {
            #expect(line.contains(#""session":7,"#) && line.contains(#""command":1,"#))
            #expect(
                line.contains(#""arguments":["a",{"text":"x"#) && line.contains(#""bytes":32000}"#))
            #expect(line.contains(#""argument_count":64"#) && line.utf8.count < 2_048)
        }
    }

    /// What docs/audit.md promises, beside what a certificate says. Whatever is in it, and wherever.
    @Test func aRefusal_hasABound() throws {
        let text = String(repeating: "\u{1}", count: 32_000)
        for count in [1, 3, 64] {
            for isSecret in [false, true] {
                let trail = try Trail(room: 65_536)
                let argument = RecordedArgument(text, isSecret: isSecret)
                trail.recorder(Samples.stranger, trail.budget()).refuse(
                    text, Array(repeating: argument, count: count), code: "busy", reason: text)
                let line = try lines(trail.read())[0]
                #expect(line.utf8.count > 7_000 && line.utf8.count < 12_288)
            }
        }
    }

    @Test func aStart_hasItsArgumentsWhole() throws {
        let trail = try Trail(room: 65_536)
        let long = String(repeating: "x", count: 30_000)
        let start = trail.recorder().start(
            "ls", [.open(long)], program: "/bin/ls", settled: { _ in })
        #expect(start != nil)
        #expect(try trail.read().contains(#""arguments":["\#(long)"]"#))
    }
}
