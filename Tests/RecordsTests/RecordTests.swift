// What each event's line says.
// SPDX-License-Identifier: Apache-2.0
import Records
import Testing

@Suite
struct RecordTests {
    @Test func everyEvent_hasItsFields_inTheirOrder() {
        let cut = #"{"text":"\#(String(repeating: "y", count: 256))","bytes":300}"#
        let command =
            #""command":3,"name":"login","arguments":["ann",12],"program":"/bin/login""#
        let longCommand =
            #""command":4,"name":"ls","arguments":[\#(Array(repeating: cut, count: 2).joined(separator: ","))],"#
            + #""argument_count":4,"program":"/bin/ls""#
        let usage = #""bytes_in":1,"bytes_out":2,"bytes_err":3,"seconds":1.500000"#
        #expect(
            Samples.fullest.map(text) == [
                #"session-start {"protocol":"parley/1"}"#, "command-start {\(command)}",
                "command-end {\(command),"
                    + #""pid":99,"outcome":"exit","status":4,"#
                    + #""limits_reached":["memory","processes"],"left_ended":2,\#(usage)}"#,
                #"command-end {\#(command),"pid":99,"outcome":"signal","signal":15,\#(usage)}"#,
                "command-end {\(command),"
                    + #""outcome":"refused","code":"unavailable","reason":"gone",\#(usage)}"#,
                #"command-end {\#(longCommand),"outcome":"time-out"}"#,
                #"command-gone {\#(command),"pid":99,"seconds":2.000001}"#,
                #"command-gone {\#(longCommand),"pid":99,"seconds":0.000001}"#,
                #"reply {"command":4,"name":"Hello","times":9}"#,
                #"refusal {"command":5,"name":"nope","arguments":[1],"code":"busy","#
                    + #""limit":"perIdentity","reason":"they run"}"#,
                #"refusal {"arguments":[{"text":"\#(String(repeating: "x", count: 256))","bytes":257},"#
                    + Array(repeating: #""yyyyyyyy""#, count: 32).joined(separator: ",")
                    + #"],"argument_count":64,"code":"busy"}"#,
                #"handshake-failure {"code":"unknownCA","reason":"it is not trusted","count":7,"addresses":2,"reasons":["unknownCA 5","reset 2"],"seconds":60.000000}"#,
                #"session-end {"reason":"session ended","bytes_in":10,"bytes_out":20,"#
                    + #""seconds":0.000001}"#,
                #"reload {"what":"certificates","outcome":"old-stays","#
                    + #""reason":"a.pem: it is empty"}"#,
                #"omission {"identity":"dns:ann","records":7}"#,
            ])
        #expect(
            Samples.barest.map(text) == [
                #"session-start {"protocol":"command"}"#, "command-start {\(command)}",
                #"command-end {\#(command),"outcome":"server-ended"}"#,
                #"command-gone {\#(command),"seconds":0.000000}"#, #"reply {"name":"Hello"}"#,
                #"refusal {"code":"notAllowed"}"#,
                #"handshake-failure {"code":"reset","reason":"it left"}"#,
                #"session-end {"reason":"session ended","bytes_in":0,"bytes_out":0,"#
                    + #""seconds":0.000000}"#,
                #"reload {"what":"the command table","outcome":"in-force"}"#,
                #"omission {"records":1}"#,
            ])
    }

    @Test func outcomes_areToldInTheSameWords_byTheServerAndByTheClient() {
        for (outcome, expected) in Samples.outcomes {
            var trail = JSONLine()
            trail.add(outcome.fields())
            #expect(String(decoding: trail.line, as: UTF8.self) == "{\(expected)}\n")
            var client = JSONLine()
            client.add(outcome.fields(sentence: "message"))
            #expect(
                String(decoding: client.line, as: UTF8.self).replacing("message", with: "reason")
                    == "{\(expected)}\n")
        }
        let cause = CommandOutcome.Cause("truncated", "it ended")
        let unanswered: [CommandOutcome] = [
            .cutShort(cause), .notTrusted(cause), .interrupted(cause), .failed(cause),
        ]
        for outcome in unanswered {
            var line = JSONLine()
            line.add(outcome.fields(sentence: "message"))
            #expect(
                String(decoding: line.line, as: UTF8.self)
                    == #"{"outcome":"\#(outcome.word.rawValue)","code":"truncated","message":"it ended"}"#
                    + "\n")
        }
        let told = Set((Samples.outcomes.map(\.0) + unanswered).map(\.word))
        #expect(told == Set(CommandOutcome.Word.allCases))
    }

    @Test func onlyWhatAServersOwnWorkCauses_waitsForTheDisk() {
        let durable = Samples.barest.filter(\.isDurable).map(\.schema.event)
        #expect(durable == [.commandStart, .commandEnd, .commandGone, .reload])
    }

    @Test func secretArgument_isItsLengthInBytes() {
        #expect(RecordedArgument("Geheimnis€", isSecret: true) == .secret(length: 12))
        #expect(RecordedArgument("open", isSecret: false) == .open("open"))
    }

    private func text(_ record: Record) -> String {
        var line = JSONLine()
        line.add(record.schema.fields)
        return "\(record.schema.event.rawValue) "
            + String(decoding: line.line.dropLast(), as: UTF8.self)
    }
}
