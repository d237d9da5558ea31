// JSON5 texts that somebody thought of.
// SPDX-License-Identifier: Apache-2.0

/// Texts, and what another reader makes of them.
enum JSON5Corpus {
    /// What both readers take alike.
    static let taken: [(text: String, value: JSON5Value)] = [
        ("null", .null), ("true", .bool(true)), ("false", .bool(false)),
        ("{}", .object([:])), ("[]", .array([])), ("''", .init("")), ("\"\"", .init("")),
        (" \t\r\n\u{b}\u{c}1 ", .init(1)), ("\u{feff}1", .init(1)), ("\u{feff} // x\n1", .init(1)),
        ("[1,]", .array([.init(1)])), ("[[],{}]", .array([.array([]), .object([:])])),
        ("[1 , 2,3 ,]", .array([.init(1), .init(2), .init(3)])),
        ("{a:1,}", object([("a", .init(1))])), ("{'a':1}", object([("a", .init(1))])),
        ("{\"a b\":1}", object([("a b", .init(1))])), ("{'':1}", object([("", .init(1))])),
        ("{a:{b:[null]}}", object([("a", object([("b", .array([.null]))]))])),
        ("{null:null,true:true}", object([("null", .null), ("true", .bool(true))])),
        ("{Infinity:NaN}", object([("Infinity", .notANumber)])),
        ("{$:1,_:2,$_9:3}", object([("$", .init(1)), ("_", .init(2)), ("$_9", .init(3))])),
        ("{ключ:1,Ⅷ:2,ª:3}", object([("ключ", .init(1)), ("Ⅷ", .init(2)), ("ª", .init(3))])),
        (
            "{a\u{300}\u{903}٣\u{203f}\u{200c}\u{200d}:1}",
            object([("a\u{300}\u{903}٣\u{203f}\u{200c}\u{200d}", .init(1))])
        ),
        (
            "{ʰ:1,aー:2,ǅ:3,𝒳𝟗:4}",
            object([("ʰ", .init(1)), ("aー", .init(2)), ("ǅ", .init(3)), ("𝒳𝟗", .init(4))])
        ),
        ("{'\\u0061\\x62':1}", object([("ab", .init(1))])),
        ("/**/1/* * / ** */", .init(1)), ("//\n1//", .init(1)), ("//\r1//\r", .init(1)),
        ("/* 'x' // */'/* // */'", .init("/* // */")),
        ("'\"'", .init("\"")), ("\"'\"", .init("'")),
        ("'é😀\u{2028}\u{7f}'", .init("é😀\u{2028}\u{7f}")),
        ("'\\ud83d\\ude00\\uD83D\\uDE00'", .init("😀😀")), ("'\\u00e9\\u00E9'", .init("éé")),
        ("'\\\\u0041'", .init("\\u0041")), ("'\\\\'", .init("\\")),
        (
            "[1e2,.5,5.,+1,-0x10,0]",
            .array([.init(100), .init(0.5), .init(5), .init(1), .init(-16), .init(0)])
        ),
        ("[-Infinity,+NaN]", .array([.init(-.infinity), .notANumber])),
    ]

    /// What both readers refuse.
    static let refused = [
        "", " ", "\u{feff}", "//", "{", "[", "}", "]", ",", ":", "1 2", "{}{}", "nul", "nulll",
        "True",
        "undefined", "é", "/", "/*", "/*/1", "/* /", "/1", "[,]", "[1 2]", "[1,,2]", "{,}", "{a}",
        "{a 1}",
        "{a:}", "{a:1 b:2}", "{a:1,,b:2}", "{1:2}", "{-a:1}", "{.a:1}", "{a-b:1}", "{a.b:1}",
        "{a+:1}",
        "{\u{301}a:1}", "{٣:1}", "{\u{203f}:1}", "{a\u{b7}:1}", "{a€:1}", "{a\u{a0}:1}",
        "{\u{a0}a:1}", "{a²:1}", "{a\u{20dd}:1}", "{a\u{feff}:1}", "{a’:1}",
        "\u{a0}1", "1\u{3000}", "[\u{2028}1]", "\u{feff}\u{feff}1", "[1\u{feff}]", "[1}", "{a:1]",
        "{'a:1}", "'", "\"", "'x\"", "'\\'", "'\n'", "'\t'", "'\u{7}'", "'\\q'", "'\\0'", "'\\v'",
        "'\\1'",
        "'\\\u{2028}'", "'\\é'", "'\\u'", "'\\u004'", "'\\u00g0'", "'\\u0000'", "'\\u+041'",
        "'\\u 041'", "'\\x'",
        "'\\x4'", "'\\x4g'", "'\\x00'", "'\\U0041'", "'\\ud800'", "'\\udc00'", "'\\ud800x'",
        "'\\ud800\\n'", "'\\ud800\\u0041'", "'\\ud800\\Udc00'", "'\\ud800\\xdc00'",
        "'\\udc00\\udc00'", "'\\ud800\\ud800'", "'\\udc00\\ud800'",
        "'\\ud800\\udc0'", "{'\\q':1}", "{'\\ud800':1}",
        "[-]", "[+]", "[.]", "[e1]", "[.e1]", "[1e]", "[01]", "[00]", "[0x]", "[0xg]", "[0x1.8]",
        "[0x1p3]",
        "[1_0]", "[1$]", "[1a]", "[0b1]", "[0o7]", "[--1]", "[+-1]", "[- 1]", "[1.2.3]", "[1..2]",
        "[1e1.5]", "[1e1e1]",
        "[1e999]", "[-1e999]", "[1e-999]", "[0x10000000000000000]", "[0x20000000000001]",
        "[-0x8000000000000400]", "[Inf]", "[-Inf]", "[-Nan]", "[infinity]", "[+-Infinity]",
    ]

    /// What JSON5 allows and the table does not: the other reader takes it.
    static let refusedHereOnly = [
        // One of two equal keys would count, and which one depends on the reader.
        "{a:1,a:2}", "{a:1,'\\u0061':2}", "{é:1,e\u{301}:2}",
        // An escape in a name without quotes.
        "{\\u0061:1}",
        // A continued line's end, which this reader would take into the text and others leave out.
        "'a\\\nb'", "'a\\\r\nb'", "'a\\\rb'",
        // More digits than any value needs.
        "1." + String(repeating: "0", count: 63),
        // What an editor displays differently from how it is parsed.
        "1 // \u{202e}", "1 /* \u{2028} */", "'\u{202e}'", "// x\r1\n",
        String(repeating: "[", count: 33) + String(repeating: "]", count: 33),
    ]

    /// What the other reader must not be asked, as it ends the process.
    static let endsFoundation = [
        "1e+", "1e-", "1E+", "1E-", "0e+", "+1e+", "-1e-", "1.5e+", "1.e+", ".5e-", "[1e+]",
        "{a:1e+}",
    ]

    /// Zeros, which the other reader takes for too small to be a number or without their sign.
    static let zeros = [
        "0e5", "0e1", "0.0e9", "-0e5", "0E+1", "0.e1", ".0e1", "0e-1", "-0x0", "-0X00",
    ]

    private static func object(_ members: [(String, JSON5Value)]) -> JSON5Value {
        .object(Dictionary(uniqueKeysWithValues: members.map { (Array($0.utf8), $1) }))
    }
}
