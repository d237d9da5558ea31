// Each mistake that the reader of JSON5 finds: its line, its column and its sentence.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct JSON5MistakeTests {
    @Test(
        arguments: [
            (
                "{\n ",
                "2:2: found the end of the file; expected a key, in quotes or as a plain word, or } to end the object"
            ),
            (
                "{\n commands",
                "2:10: found the end of the file; expected a colon after the key 'commands'"
            ),
            ("{\n commands =", "2:11: found '='; expected a colon after the key 'commands'"),
            ("{\n commands:\n}", "3:1: found '}'; expected a value"),
            ("{é:\n é}", "2:2: found 'é'; expected a value"),
            ("{a:1\n b:2}", "2:2: found 'b'; expected a comma, or } to end the object"),
            ("[1\r\n 😀]", "2:2: found '😀'; expected a comma, or ] to end the array"),
            (
                "{commands:\n true}",
                "2:2: 'commands' is true; expected an object that maps names to commands"
            ),
            (
                "{commands:\n false}",
                "2:2: 'commands' is false; expected an object that maps names to commands"
            ),
            (
                "{commands:\n null}",
                "2:2: 'commands' is null; expected an object that maps names to commands"
            ),
            ("[1\n}", "2:1: found '}'; expected a comma, or ] to end the array"),
            ("{a:1\n]", "2:1: found ']'; expected a comma, or } to end the object"),
            ("[1,\r", "2:1: found the end of the file; expected a value"),
            ("{}\n\n {}", "3:2: found '{'; expected the end of the file"),
            (
                "{\n 1:2}",
                "2:2: found '1'; expected a key, in quotes or as a plain word, or } to end the object"
            ),
            ("{\n /x}", "2:2: found '/'; expected a comment after the /"),
            ("{\n /* x\n", "2:2: a comment is not closed; expected */"),
            ("{a:\n 'x\"}", "2:2: a string is not closed; expected its closing quote"),
            (
                "{a:\n 'x\n'}",
                "2:4: a string contains a line break or a control character; expected its closing quote on the same line"
            ),
            (
                "{a:\n 'x\\\n'}",
                "2:5: a string contains a line break or a control character; expected its closing quote on the same line"
            ),
            (
                "{a:\n 'x\u{1}'}",
                "2:4: a string contains a line break or a control character; expected its closing quote on the same line"
            ),
            ("{a:\n 'x\0'}", "2:4: the text contains a NUL byte; expected JSON5"),
            (
                "{\n '\\q':1}",
                #"2:2: a key is a string that cannot be read; escapes are \\ \/ \" \' \b \f \n \r \t, \xHH and \uHHHH"#
            ),
            (
                "{a:1,\n 'a':2}",
                "2:2: the key 'a' appears twice in one object; expected each key once"
            ),
            (
                "{a:\n [" + String(repeating: "[", count: 31),
                "2:33: objects and arrays are nested too deeply; expected at most 32 levels"
            ),
            (
                "{a:1, // x\r b:2}\n",
                "1:11: a comment ends at a carriage return while other lines end at a line feed; expected the same line ending everywhere, since an editor may show what follows as part of the comment"
            ),
            (
                "{\n a:1_0}",
                "2:4: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n a:'\\u1'}",
                "2:4: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n a-b:1}",
                "2:2: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n a.b:1}",
                "2:2: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n é€:1}",
                "2:2: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n \u{301}a:1}",
                "2:2: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{commands: {\n my-command: {reply: 'x'}}}",
                "2:2: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{a:'\\q',\n b-c:1_0}",
                "1:4: a name, string or number cannot be read; expected valid JSON5"
            ),
            // The first that can't be read, where one of them spoils the text.
            (
                "{\n a:'\\q', b:1_0}",
                "2:4: a name, string or number cannot be read; expected valid JSON5"
            ),
            (
                "{\n a:1e+, b:'\\x1'}",
                "2:4: a name, string or number cannot be read; expected valid JSON5"
            ),
            // What is missing is told before what can't be read.
            (
                "{\n a:1_0, b:'\\u1'",
                "2:16: found the end of the file; expected a comma, or } to end the object"
            ),
        ])
    func mistake_isToldWithItsPlace(text: String, expected: String) {
        #expect(sentence(of: text) == "t:" + expected)
    }
}
