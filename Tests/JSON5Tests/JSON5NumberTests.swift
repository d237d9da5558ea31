// Every form of a JSON5 number.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import JSON5

@Suite(.timeLimit(.minutes(1)))
struct JSON5NumberTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("+1", 1), ("-1", -1), ("1234567890", 1_234_567_890),
            ("0.", 0), ("5.", 5), (".5", 0.5), ("0.5", 0.5), ("-.5", -0.5), ("+5.", 5),
            ("00.5", nil),
            ("1e2", 100), ("1E2", 100), ("1e+2", 100), ("1e-2", 0.01), ("1.5e1", 15), (".5e1", 5),
            ("5.e1", 50), ("1e02", 100), ("1e-0", 1), ("0e0", 0), ("15e-1", 1.5),
            ("0x0", 0), ("0x10", 16), ("0XfF", 255), ("-0x10", -16), ("+0x10", 16), ("0x00a", 10),
            ("0x1FFFFFFFFFFFFF", 9_007_199_254_740_991),
            ("0xFFFFFFFFFFFFF800", 0xFFFF_FFFF_FFFF_F800),
            ("-0x8000000000000000", -0x8000_0000_0000_0000), ("-0x8000000000000800", nil),
            ("+0", 0.0), ("-0", -0.0), ("-.0e1", -0.0), ("-0x0", -0.0), ("-0X0", -0.0),
            ("Infinity", .infinity), ("+Infinity", .infinity), ("-Infinity", -.infinity),
            ("9007199254740993", 9_007_199_254_740_992), ("0.1", 0.1), ("1e23", 1e23),
            ("1.7976931348623157e308", .greatestFiniteMagnitude),
            ("4.9e-324", .leastNonzeroMagnitude),
            ("2.2250738585072011e-308", .leastNormalMagnitude.nextDown),
            ("123456789012345678901234567890", 123_456_789_012_345_677_877_719_597_056),
            ("1." + String(repeating: "0", count: 62), 1),
        ] as [(String, Double?)])
    func number_isRead(text: String, value: Double?) {
        #expect(JSON5Value.read(text) == value.map { JSON5Value($0) })
    }

    @Test(arguments: ["NaN", "+NaN", "-NaN"])
    func notANumber_isRead(text: String) {
        #expect(JSON5Value.read(text) == .notANumber)
    }

    // Each is a mistake at its position and ends nothing, whatever comes after it.
    @Test(
        arguments: [
            "-", "+", ".", "-.", "+.", "e1", ".e1", "-e1", "1e", "1E", "1e+", "1e-", "1E+", "1E-",
            "1.e+", ".5e-",
            "0e+", "1e+-1", "1e1.5", "1e1e1", "1.2.3", "1..", "..1", "1-", "1+1", "--1", "++1",
            "+-1",
            "00", "01", "-01", "00.5", "0x", "0X", "-0x", "+0x", "0xg", "0x1.8", "0x.8", "0x1p3",
            "0x-1", "0x+1",
            "00x1", "1x1", "0b1", "0o7", "1_000", "1_", "1$", "0x_1", "1a", "1n", "Inf", "-Inf",
            "-Nan", "+infinity",
            "-InfinityX", "1e400", "-1e400", "1.8e308", "1e-400", "2e-324", "0x10000000000000000",
            "-0x10000000000000000", "0x20000000000001", "1." + String(repeating: "0", count: 63),
        ], ["", " ", ",", "}", "]", "//", "\n"])
    func number_isRefused_whereItIsNone(text: String, rest: String) {
        #expect(JSON5Value.read(text + rest) == nil)
        #expect(JSON5Value.read("[\(text)\(rest)") == nil)
        #expect(JSON5Value.read("{a:\(text)\(rest)}") == nil)
    }
}
