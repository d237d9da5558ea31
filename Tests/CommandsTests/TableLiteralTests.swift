// What a table says of a number or string that it does not take.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct TableLiteralTests {
    @Test(arguments: [
        "1e+", "1E-", ".", "0x", "1e999", "-", "+", "01", "-01", "1e", ".e1", "0x1.8", "+-1", "-0x",
        "1a",
    ])
    func number_isToldWithItsPlaceAndWhatIsExpected_whereItIsNone(text: String) {
        #expect(
            sentence(of: "{\n  commands: {c: {run: ['/bin/true'], timeout:\n    \(text)}}}")
                == "t:3:5: 'timeout' is a number that cannot be read; expected seconds above 0, up to 31536000"
        )
    }

    @Test(arguments: ["Infinity", "-Infinity", "NaN", "0", "-1", "0e5"])
    func number_isOutOfRange_whereItIsOneOfJSON5AndNotOfTheTable(text: String) {
        #expect(
            sentence(of: command("timeout: \(text)"))
                == "t:1:46: 'timeout' is out of range; expected seconds above 0, up to 31536000")
    }

    @Test(
        arguments: [
            "\\ud800", "\\ud800x", "\\ud800\\n", "\\ud800\\x41", "\\ud800\\u0041", "\\ud800\\ud800",
            "\\udbff\\ue000", "\\ud83d\\Ude00", "\\ud83d\\nde00", "\\ud83d\\xde00",
            "\\udc00\\udc00",
            "\\udc00", "\\udfff", "\\udc00\\ud800", "\\ud800\\", "\\ud800\\\\udc00",
            "\\ud83d\\ude00\\ud83d", "\\u0000",
            "\\x00", "\\u000g", "\\u+041", "\\u-041", "\\u 041", "\\u{41}", "\\x4g", "\\x+4",
            "\\ud83d\\ude0g", "\\é", "\t",
        ])
    func string_isToldWithItsPlace_whereAnEscapeCannotBeRead(text: String) {
        // Where the string goes on after it, so that nothing in it depends on the quote.
        let text = text.hasSuffix("\\") ? text + "q" : text
        #expect(
            sentence(of: "{commands: {\nc: {reply: '..\(text)....'}}}")
                == #"t:2:12: 'reply' is a string that cannot be read; escapes are \\ \/ \" \' \b \f \n \r \t, \xHH and \uHHHH"#
        )
        #expect(
            sentence(of: "{commands: {\n '\(text)....': 1}}")
                == #"t:2:2: a key is a string that cannot be read; escapes are \\ \/ \" \' \b \f \n \r \t, \xHH and \uHHHH"#
        )
    }

    @Test(arguments: [
        "\\u", "\\u1", "\\u12", "\\u123", "\\x", "\\x1", "\\ud83d\\u", "\\ud83d\\ude0",
        "\\u\\q", "\\u1\\v",
    ])
    func string_isToldWithItsPlace_whereItsEndCutsAnEscape(text: String) {
        #expect(
            sentence(of: "{commands: {c: {\nreply: '\(text)'}}}")
                == "t:2:8: a name, string or number cannot be read; expected valid JSON5")
    }

    // All digits that belong to the escape are there, so that nobody takes the quote for one.
    @Test(arguments: ["\\u000g", "\\x4g", "\\ud83d", "\\q", "\\u0000", "\\x00"])
    func string_alone_cannotBeRead_whereItEndsRightAfterAnEscape(text: String) {
        #expect(
            sentence(of: "{commands: {\nc: {reply: '\(text)'}}}")
                == #"t:2:12: 'reply' is a string that cannot be read; escapes are \\ \/ \" \' \b \f \n \r \t, \xHH and \uHHHH"#
        )
    }
}
