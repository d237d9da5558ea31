// What patterns mean in words, as `help NAME` tells it.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

struct PatternWordsTests {
    @Test(arguments: [
        ("root|home|var", "'root', 'home' or 'var'"),
        ("(root|home)", "'root' or 'home'"),
        ("[0-9]{1,12}", "1 to 12 digits"),
        ("[[:digit:]]+", "one or more digits"),
        ("[0-9]", "a digit"),
        (
            "[a-z][a-z0-9_-]*",
            "a letter from a to z, then any number of characters out of letters from a to z, digits, '_' and '-'"
        ),
        ("/srv/[A-Za-z]{3}", "'/srv/', then 3 letters"),
        ("^x?y{2}$", "optionally 'x', then 2 times 'y'"),
        ("(/[a-z]+)*", "any number of times ('/', then one or more letters from a to z)"),
        ("a(b|c)d", "'a', then 'b' or 'c', then 'd'"),
        ("(, then )x", "', then ', then 'x'"),
        ("[^/]+", "one or more characters other than '/'"),
        ("..{2,}", "any character, then at least 2 characters"),
        ("[]a]{0,3}", "up to 3 characters out of ']' and 'a'"),
        ("[.]\\.", "'..'"),
        ("[\\\\]{2}", "2 times '\\'"),
        ("[+-]?[0-9]{4}", "optionally one character out of '+' and '-', then 4 digits"),
    ])
    func pattern_isPutIntoWords(text: String, words: String) throws {
        #expect(try Pattern(text).words == words)
    }

    @Test func pattern_thatIsNestedDeeply_hasNoWords() throws {
        #expect(try Pattern("((((a)b)c)d)e").words == nil)
    }

    @Test func words_areShort() throws {
        let long = (0..<100).map { "name\($0)" }.joined(separator: "|")
        #expect(try Pattern(long).words == nil)
    }
}
