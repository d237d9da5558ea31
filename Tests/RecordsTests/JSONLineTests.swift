// A JSON object on one line.
// SPDX-License-Identifier: Apache-2.0
import Records
import Testing

@Suite
struct JSONLineTests {
    @Test func fields_standInTheirOrder() {
        var line = JSONLine()
        line.add("a", "x")
        line.add("b", 7)
        line.add("c", ["y", "z"])
        line.add("d", [.open("open"), .secret(length: 6)])
        line.add("e", seconds: .nanoseconds(1_000_042_999))
        #expect(
            String(decoding: line.line, as: UTF8.self)
                == #"{"a":"x","b":7,"c":["y","z"],"d":["open",6],"e":1.000042}"# + "\n")
    }

    @Test func hostileText_canNeitherEndTheLine_norReachATerminalRaw() {
        var line = JSONLine()
        line.add("a", "\"\\\n\r\u{1b}[2J\u{7f}\u{85}\u{202e}ü😀\0")
        #expect(
            String(decoding: line.line, as: UTF8.self)
                == #"{"a":"\"\\\u000a\u000d\u001b[2J\u007f\u0085\u202e\u00fc\ud83d\ude00\u0000"}"#
                + "\n")
    }

    @Test func fieldsOfAnother_areAddedBehind() {
        var shared = JSONLine()
        shared.add("session", 1)
        var line = JSONLine()
        line.add("event", "x")
        line.add(shared)
        line.add(JSONLine())
        #expect(String(decoding: line.line, as: UTF8.self) == #"{"event":"x","session":1}"# + "\n")
    }
}
