// Fuzzes what is read before anybody has shown who they are, and the ranges of addresses of whom it is expected.
// SPDX-License-Identifier: Apache-2.0

@testable import Sockets
@testable import TLS

/// - Parameter bytes: the size of the pieces, then a balancer's header and what follows it.
func fuzzProxyHeader(_ bytes: [UInt8]) throws(Finding) {
    let stream = bytes.dropFirst()
    let whole = try ProxyReading(stream, piece: .max)
    try require(
        try ProxyReading(stream, piece: 1 + Int(bytes.first ?? 0)) == whole,
        "pieces are read as the whole is")
    try require(whole.taken <= 536, "a header is not longer than 536 bytes")
}

private struct ProxyReading: Equatable {
    var taken = 0
    var client: String?
    var failure: String?

    init(_ stream: ArraySlice<UInt8>, piece: Int) throws(Finding) {
        var header = ProxyHeader()
        while header.missing > 0, taken < stream.count, failure == nil {
            let count = min(piece, header.missing, stream.count - taken)
            do throws(StreamError) {
                try header.add(stream.dropFirst(taken).prefix(count))
                taken += count
            } catch {
                failure = error.code.rawValue
            }
        }
        // Where it shows depends on the piece.
        if failure != nil {
            taken = 0
        } else if header.missing == 0 {
            client = header.client?.description
        }
    }
}

/// - Parameter bytes: the size of the pieces, then what a client sends first.
func fuzzHello(_ bytes: [UInt8]) throws(Finding) {
    let stream = Array(bytes.dropFirst())
    try require(
        verdict(stream, piece: 1 + Int(bytes.first ?? 0)) == verdict(stream, piece: .max),
        "pieces are judged as the whole is")
}

private func verdict(_ stream: [UInt8], piece: Int) -> HelloGauge.Verdict {
    var gauge = HelloGauge()
    var start = 0
    while start < stream.count {
        let next = Array(stream[start...].prefix(piece))
        start += next.count
        let verdict = unsafe next.withUnsafeBytes { unsafe gauge.note($0) }
        if verdict != .goesOn { return verdict }
    }
    return .goesOn
}

func fuzzAddressRange(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let range = try? AddressRange(text) else { return }
    try require((try? AddressRange(range.description)) == range, "a range is read as it is written")
}
