// What a session knows of the runs that come while one is answered.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Remote
@testable import Serving
@testable import Sockets

struct IncomingTests {
    private let incoming = Incoming()

    @Test func aCancel_countsForTheRunsBeforeIt_andForNoLaterCommand() throws {
        incoming.commandBegins()
        #expect(
            try arrivals(run("a") + run("b") + cancel + run("c")) == [
                .noted, .noted, .cancel, .noted,
            ])
        try incoming.commandEnded()
        #expect(incoming.takeAhead() == run("a") + run("b") + run("c"))
        #expect(!incoming.isPlain)
        #expect((0..<3).map { _ in incoming.takeCancel() } == [true, true, false])
        #expect(incoming.isPlain)
        incoming.commandBegins()
        #expect(try arrivals(cancel + run("d")) == [.cancel, .noted])
        try incoming.commandEnded()
        #expect(incoming.takeAhead() == run("d"))
        #expect(!incoming.takeCancel())
    }

    @Test func whatIsNotWhole_isReadAgain_afterWhatCameAheadOfIt() throws {
        incoming.commandBegins()
        let bytes = run("a") + run("b").dropLast()
        #expect(try arrivals(bytes) == [.noted])
        try incoming.commandEnded()
        #expect(incoming.takeAhead() == bytes)
        #expect(try arrivals(run("c")) == [.run])
        #expect(incoming.takeAhead().isEmpty)
    }

    @Test func whatComesOfAnInput_afterItsCommand_reachesNoOther() throws {
        incoming.commandBegins()
        incoming.want(3)
        #expect(try arrivals(input("a")) == [.input])
        try incoming.commandEnded()
        incoming.commandBegins()
        incoming.want(3)
        #expect(
            try arrivals(input("b") + inputEnd + input("c") + inputEnd) == [
                .noted, .noted, .input, .inputEnd,
            ])
    }

    private func arrivals(_ bytes: [UInt8]) throws -> [Arrival] {
        var arrivals: [Arrival] = []
        var offset = 0
        while try incoming.next(
            bytes.span, at: &offset,
            { (arrival, _) throws(StreamError) in arrivals.append(arrival) })
        {}
        return arrivals
    }

    private func run(_ name: String) -> [UInt8] { Request(name: name, arguments: []).frames }
    private func input(_ text: String) -> [UInt8] { frame(.input, Array(text.utf8)) }
    private var inputEnd: [UInt8] { frame(.inputEnd) }
    private var cancel: [UInt8] { frame(.cancel) }

    private func frame(_ type: FrameType, _ payload: [UInt8] = []) -> [UInt8] {
        var frame: [UInt8] = []
        frame.append(type, payload)
        return frame
    }
}
