// What a run may hold.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import Testing

@testable import Remote
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RequestTests {
    @Test(arguments: [
        Request(name: "Hello", arguments: []), Request(name: "a", arguments: ["", "b", "ü"]),
        Request(name: "n", arguments: Array(repeating: "x", count: 64)),
        Request(name: "n", arguments: [String(repeating: "y", count: 32_767)]),
    ])
    func request_comesBackAsItWasSent(request: Request) throws {
        #expect(!request.isTooLarge)
        #expect(try reading(request.frames) == .request(request))
    }

    @Test func request_isOneFrame_whereItFits() {
        #expect(Request(name: "Hi", arguments: ["", "ü"]).frames == Parley1.run("Hi", "", "ü"))
    }

    @Test func request_isCutIntoFrames_whereItDoesNot() throws {
        let long = String(repeating: "y", count: 32_767)
        let read = try frames(Request(name: "n", arguments: [long]).frames, from: .client)
        #expect(read.map(\.type) == [2, 2, 1])
        let payload = [0, 1] + "n".utf8 + [0x7f, 0xff] + long.utf8
        #expect(Array(read.map(\.payload).joined()) == payload)
    }

    @Test(arguments: [
        Request(name: "n", arguments: Array(repeating: "", count: 65)),
        Request(name: "n", arguments: [String(repeating: "y", count: 32_768)]),
        Request(name: String(repeating: "n", count: 32_769), arguments: []),
        Request(
            name: "n", arguments: Array(repeating: String(repeating: "z", count: 5_000), count: 13)),
    ])
    func request_isTooLarge_beyondItsLimits(request: Request) throws {
        #expect(request.isTooLarge)
        guard case .tooLarge = try reading(request.frames) else {
            Issue.record("taken")
            return
        }
    }

    @Test(
        arguments: [
            [], [0], [0, 0], [0, 5, 65], [0, 1, 65, 0], [0, 0, 0, 1, 65], [0xff, 0xff, 1],
        ]
            as [[UInt8]])
    func runThatIsCutOrNameless_isMalformed(payload: [UInt8]) {
        #expect(
            failureCode { () throws(StreamError) in try reading(Parley1.frame(.run, payload)) }
                == .malformed)
    }

    @Test(
        arguments: [
            ([0, 1, 0xff], 0), ([0, 1, 65, 0, 1, 0xc3], 1),
            ([0, 1, 65, 0, 1, 66, 0, 3, 0xed, 0xa0, 0x80], 2),
        ] as [([UInt8], Int)])
    func wordThatIsNoText_isNamed(payload: [UInt8], word: Int) throws {
        #expect(
            try reading(Parley1.frame(.run, payload))
                == .notText(word: word, name: word == 0 ? "" : "A"))
    }

    @Test func partsBeyondTheLimit_areNotKept() throws {
        var reader = RequestReader()
        let part = [UInt8](repeating: 0, count: 16_380)
        for _ in 0..<1_000 { reader.add(part: part.span) }
        #expect(reader.isOpen)
        let last: [UInt8] = [0, 1, 65]
        #expect(try reader.finish(last.span) == .tooLarge(name: ""))
        // The next one is not concerned.
        #expect(!reader.isOpen)
        #expect(try reader.finish(last.span) == .request(Request(name: "A", arguments: [])))
    }

    private func reading(_ bytes: [UInt8]) throws(StreamError) -> RequestReader.Reading {
        var reader = RequestReader()
        var result: RequestReader.Reading?
        for read in try frames(bytes, from: .client) {
            if read.type == 2 {
                reader.add(part: read.payload.span)
            } else {
                result = try reader.finish(read.payload.span)
            }
        }
        return result!
    }
}

@Suite
struct InputLedgerTests {
    @Test func input_isTaken_asFarAsItWasWanted() throws {
        var ledger = InputLedger()
        #expect(failureCode { () throws(StreamError) in try ledger.receive(1) } == .malformed)
        ledger.want(10)
        #expect(try ledger.receive(10))
        #expect(failureCode { () throws(StreamError) in try ledger.receive(1) } == .malformed)
        ledger.want(5)
        #expect(try ledger.receive(5))
        #expect(try ledger.end())
        #expect(failureCode { () throws(StreamError) in try ledger.end() } == .malformed)
    }

    @Test func inputOfACommandThatHasExited_isNotTheNextOnes() throws {
        var ledger = InputLedger()
        ledger.want(10)
        try ledger.exited()
        ledger.want(20)
        #expect(try !ledger.receive(10))
        #expect(failureCode { () throws(StreamError) in try ledger.receive(1) } == .malformed)
        #expect(try !ledger.end())
        #expect(try ledger.receive(20))
        #expect(try ledger.end())
    }

    /// The number is docs/protocol.md's.
    @Test func inputsWithoutAnEnd_areMalformed_beyond8192() throws {
        var ledger = InputLedger()
        for _ in 0..<8_192 {
            ledger.want(1)
            try ledger.exited()
        }
        // Another one, where one has ended.
        try ledger.end()
        ledger.want(1)
        try ledger.exited()
        ledger.want(1)
        #expect(failureCode { () throws(StreamError) in try ledger.exited() } == .malformed)
    }
}
