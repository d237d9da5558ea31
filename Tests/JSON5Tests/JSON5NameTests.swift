// Names without quotes, the blanks before them, and where a text's parts are.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import JSON5

@Suite(.timeLimit(.minutes(1)))
struct JSON5NameTests {
    @Test func characterOfASCII_isTakenOrRefused_whereANameBegins() {
        for scalar in Self.ascii {
            let value: JSON5Value? =
                if Self.letters.contains(scalar) {
                    .object([Array("\(scalar)a".utf8): .init(1)])
                } else if "\t\n\u{b}\u{c}\r ".unicodeScalars.contains(scalar) {
                    .object([Array("a".utf8): .init(1)])
                } else {
                    nil
                }
            #expect(JSON5Value.read("{\(scalar)a:1}") == value, "\(scalar.value)")
        }
    }

    @Test func characterOfASCII_isTakenOrRefused_withinAName() {
        for scalar in Self.ascii {
            let isTaken =
                Self.letters.contains(scalar) || "0123456789".unicodeScalars.contains(scalar)
            let value: JSON5Value? =
                isTaken ? .object([Array("a\(scalar)b".utf8): .init(1)]) : nil
            #expect(JSON5Value.read("{a\(scalar)b:1}") == value, "\(scalar.value)")
        }
    }

    @Test func places_areThoseOfTheFirstBytes_inTheTextsOrder() throws {
        let node = try JSON5Scanner.read("{b:[2,0,1],'a':{z:1,y:'é',x:{}}}")
        #expect(node.places == [0, 1, 3, 4, 6, 8, 11, 15, 16, 18, 20, 22, 27, 29])
    }

    private static let ascii = (1..<0x80).map { Unicode.Scalar(UInt8($0)) }
    private static let letters = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$".unicodeScalars)
}
