// Command lines, and what a terminal must not be sent.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(1)))
struct ArgumentsTests {
    struct Line: Sendable, CustomTestStringConvertible {
        let words: [String]
        var options: [String] = []
        var operands: [String] = []
        var rest: [String]?

        init(
            _ words: [String], options: [String] = [], operands: [String] = [],
            rest: [String]? = nil
        ) {
            self.words = words
            self.options = options
            self.operands = operands
            self.rest = rest
        }

        var testDescription: String { words.joined(separator: " ") }
    }

    static let understood = [
        Line([]),
        Line(["hello"], operands: ["hello"]),
        Line(["--once"], options: ["once"]),
        Line(["--port", "80"], options: ["port=80"]),
        Line(["--port=80"], options: ["port=80"]),
        Line(["--port="], options: ["port="]),
        Line(["--port=a=b"], options: ["port=a=b"]),
        Line(["--port", ""], options: ["port="]),
        Line(["--port", "-1"], options: ["port=-1"]),
        Line(["--port", "--once"], options: ["port=--once"]),
        // Cut short, as far as that is unambiguous; a whole name wins over a longer one.
        Line(["--po", "80"], options: ["port=80"]),
        Line(["--po=80"], options: ["port=80"]),
        Line(["--on"], options: ["once"]),
        Line(["--cert=a", "--certs=b"], options: ["cert=a", "certs=b"]),
        // Operands before, between and after options stay in their order.
        Line(
            ["a", "--once", "b", "--port", "80", "c"], options: ["once", "port=80"],
            operands: ["a", "b", "c"]),
        Line(["-"], operands: ["-"]),
        Line(["", "a"], operands: ["", "a"]),
        // What comes after "--" is left alone.
        Line(["--"], rest: []),
        Line(["--", "a"], rest: ["a"]),
        Line(["a", "--", "b"], operands: ["a"], rest: ["b"]),
        Line(["a", "--", "--once", "--", "b"], operands: ["a"], rest: ["--once", "--", "b"]),
        Line(["--once", "--", "--port"], options: ["once"], rest: ["--port"]),
        Line(["--", ""], rest: [""]),
        // An option takes the next word as it is.
        Line(["--port", "--"], options: ["port=--"]),
        Line(["--port", "--", "a"], options: ["port=--"], operands: ["a"]),
        Line(["--port", "--", "--", "a"], options: ["port=--"], rest: ["a"]),
        Line(["--port=--", "--", "a"], options: ["port=--"], rest: ["a"]),
        Line(["--pin", "1", "--once", "--pin", "2"], options: ["once", "pin=1", "pin=2"]),
    ]

    @Test(arguments: understood)
    func line_isUnderstood(line: Line) throws {
        let arguments = try read(line.words)
        #expect(arguments.operands == line.operands)
        #expect(arguments.rest == line.rest)
        #expect(arguments.allOperands == line.operands + (line.rest ?? []))
        #expect(options(of: arguments) == line.options)
    }

    @Test func help_hasAShortName() throws {
        let arguments = try Arguments(["a", "-h", "--", "-h"], flags: ["help"], valued: [])
        #expect(arguments.has("help"))
        #expect(arguments.operands == ["a"])
        #expect(arguments.rest == ["-h"])
    }

    /// A word that the sentence has to name.
    @Test(arguments: [
        (["--port"], "--port"), (["a", "--po"], "--po"), (["--unknown"], "--unknown"),
        (["--unknown=1"], "--unknown=1"), (["a", "--unknown", "b"], "--unknown"),
        (["--once=1"], "--once=1"), (["--once="], "--once="), (["--p", "1"], "--p"),
        (["--cer", "1"], "--cer"), (["-p", "80"], "-p"), (["-port"], "-port"), (["-x"], "-x"),
        (["--once", "-x", "--"], "-x"), (["--port", "1", "--port"], "--port"),
    ])
    func line_isRefused_withTheWordAtFault(words: [String], word: String) {
        let error = #expect(throws: UsageError.self) { try read(words) }
        #expect(error?.description.contains(word + " ") == true)
    }

    @Test func line_isUnderstood_afterOneThatWasRefused() throws {
        #expect(throws: UsageError.self) { try read(["-xyz", "a"]) }
        let arguments = try read(["--once", "a"])
        #expect(options(of: arguments) == ["once"])
        #expect(arguments.operands == ["a"])
    }

    @Test func option_isTheLast_whereItIsGivenTwice() throws {
        let arguments = try read(["--port", "1", "--port=2", "--pin", "x", "--pin", "y"])
        #expect(arguments["port"] == "2")
        #expect(arguments.all("pin") == ["x", "y"])
        #expect(arguments["cert"] == nil)
        #expect(arguments.has("port") && !arguments.has("cert"))
    }

    @Test(
        arguments: [
            ("0", 0), ("65535", 65_535), ("65536", nil), ("", nil), ("-1", nil), ("http", nil),
            ("80 ", nil), ("0x50", nil),
        ] as [(String, UInt16?)])
    func port_isANumberFrom0To65535(text: String, port: UInt16?) throws {
        let arguments = try read(["--port", text])
        if let port {
            #expect(try arguments.port("port") == port)
        } else {
            #expect(throws: UsageError.self) { try arguments.port("port") }
        }
    }

    @Test(
        arguments: [
            ("1", 1), ("8", 8), ("0", nil), ("9", nil), ("", nil), ("-1", nil), ("1.5", nil),
            ("many", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func number_isWithinItsRange(text: String, number: Int?) throws {
        let arguments = try read(["--port", text])
        if let number {
            #expect(try arguments.number("port", 1...8) == number)
        } else {
            #expect(throws: UsageError.self) { try arguments.number("port", 1...8) }
        }
    }

    @Test(
        arguments: [
            ("1", 1), ("0.5", 0.5), ("31536000", 31_536_000), ("1e-300", 1e-9), ("0", nil),
            ("-1", nil),
            ("31536001", nil), ("1e300", nil), ("inf", nil), ("nan", nil), ("", nil), ("1 s", nil),
            ("5s", nil),
        ] as [(String, Double?)])
    func seconds_areAboveZero_andUpToAYear(text: String, seconds: Double?) throws {
        let arguments = try read(["--port", text])
        if let seconds {
            #expect(try arguments.seconds("port") == .seconds(seconds))
        } else {
            #expect(throws: UsageError.self) { try arguments.seconds("port") }
        }
    }

    @Test func valuesThatWereNotGiven_areNil() throws {
        let arguments = try read([])
        #expect(try arguments.port("port") == nil)
        #expect(try arguments.number("port", 1...8) == nil)
        #expect(try arguments.seconds("port") == nil)
    }

    private func read(_ words: [String]) throws(UsageError) -> Arguments {
        try Arguments(
            words, flags: ["once", "plaintext"], valued: ["port", "pin", "cert", "certs"])
    }

    /// Flags by their name, others as `name=value`.
    private func options(of arguments: Arguments) -> [String] {
        ["once", "plaintext"].filter { arguments.has($0) }
            + ["port", "pin", "cert", "certs"].flatMap { name in
                arguments.all(name).map { "\(name)=\($0)" }
            }
    }

    /// getopt_long's state is the process's.
    @Test func commandLines_areReadByAnyThread() async {
        let wrong = await withTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let words = (0..<20).flatMap { ["--port", "\(number * 100 + $0)", "x\($0)"] }
                    return (0..<100).count { _ in
                        let read = try? Arguments(words, flags: ["once"], valued: ["port"])
                        return read?.all("port") != (0..<20).map { "\(number * 100 + $0)" }
                            || read?.operands != (0..<20).map { "x\($0)" }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}
