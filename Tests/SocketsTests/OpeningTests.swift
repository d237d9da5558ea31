// Tests of what is made of a peer's first bytes.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets

struct OpeningTests {
    static let proxyHeaders = [Array("PROXY TCP4".utf8), Array("\r\n\r\n\0\r\nQUIT\n".utf8)]

    @Test(arguments: proxyHeaders, 1...6)
    func proxyHeader_isTold_inPiecesOfAnySize(header: [UInt8], size: Int) {
        for end in 1...header.count {
            let opening = opening(Array(header[..<end]), inPiecesOf: size)
            #expect(opening.isProxyHeader == (end >= 5))
            #expect(opening.mayBecomeProxyHeader == (end < 5))
            #expect(opening.speaksNoTLS)
        }
    }

    @Test(arguments: [
        Array("PROXI".utf8), Array("P\r\n\r\n".utf8), Array("xPROXY".utf8), Array("PROx".utf8),
    ])
    func anythingElse_isNoProxyHeader(bytes: [UInt8]) {
        for size in 1...6 {
            let opening = opening(bytes, inPiecesOf: size)
            #expect(!opening.isProxyHeader && !opening.mayBecomeProxyHeader)
        }
    }

    @Test func record_isTold_byItsFirstTwoBytes() {
        for type: UInt8 in [0x15, 0x16] {
            #expect(opening([type, 3, 1], inPiecesOf: 1).speaksTLS)
            #expect(!opening([type, 3], inPiecesOf: 2).speaksNoTLS)
            // Neither is certain yet.
            #expect(!opening([type], inPiecesOf: 1).speaksTLS)
            #expect(!opening([type], inPiecesOf: 1).speaksNoTLS)
            #expect(!opening([type, 2], inPiecesOf: 2).speaksTLS)
        }
        #expect(opening([0x17, 3], inPiecesOf: 2).speaksNoTLS)
        #expect(Opening().isEmpty && !Opening().speaksNoTLS)
    }

    private func opening(_ bytes: [UInt8], inPiecesOf size: Int) -> Opening {
        var opening = Opening()
        var received = 0
        while received < bytes.count {
            let piece = Array(bytes[received..<min(received + size, bytes.count)])
            if received < Int(Opening.length) {
                unsafe piece.withUnsafeBytes { unsafe opening.add($0) }
            }
            received += piece.count
        }
        return opening
    }
}
