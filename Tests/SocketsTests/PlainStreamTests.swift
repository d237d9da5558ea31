// The stream without encryption: how it tells a peer that speaks TLS.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PlainStreamTests {
    static let openings: [(bytes: [UInt8], isTLS: Bool)] = [
        // A handshake and an alert record (RFC 8446, section 5.1), the latter from TLS 1.2's days.
        ([0x16, 0x03, 0x01, 0x02, 0x00], true), ([0x16, 0x03, 0x03], true), ([0x16, 0x03], true),
        ([0x15, 0x03, 0x03, 0x00, 0x02], true),
        ([0x16, 0x16, 0x03], false), ([0x16, 0x02], false), ([0x14, 0x03], false),
        ([0x17, 0x03, 0x03], false), ([0x03, 0x16], false), ([0x61, 0x16, 0x03], false),
        (Array("Hello".utf8), false), (Array("QRK".utf8), false), ([0x16], false), ([0x15], false),
    ]

    @Test(arguments: openings, [1, 1_024])
    func read_recognisesTLS_byItsFirstBytes(
        opening: (bytes: [UInt8], isTLS: Bool), maximum: Int
    ) async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write(opening.bytes)
            a.channel.shutdownWrite()
            let code = await failureCode { () async throws(StreamError) in
                while try await b.read(upTo: maximum, { $0.count }) != nil {}
            }
            #expect(code == (opening.isTLS ? .peerSpeaksTLS : nil))
            #expect(b.channel.opening.speaksTLS == opening.isTLS)
        }
    }

    @Test func answer_recognisesTLS() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write([0x16, 0x03, 0x01])
            let code = await failureCode { () async throws(StreamError) in
                try await b.answer(upTo: 1_024) { _, _ in
                    Issue.record("a TLS record was taken for a message")
                    return .send
                }
            }
            #expect(code == .peerSpeaksTLS)
        }
    }

    @Test func bytesOfATLSRecord_areOnlyBytes_laterInTheStream() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            for text in ["Hello", "\u{16}\u{3}\u{1}"] {
                try await a.write(text: text)
                #expect(try await b.readText() == text)
            }
        }
    }

    @Test func peerName_isNil() async throws {
        try await onLoop { loop in
            let (a, _) = try await Carrier.pair.streams(on: loop)
            #expect(a.peerName == nil)
        }
    }
}
