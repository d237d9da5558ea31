// TLS records as a wire carries them.
// SPDX-License-Identifier: Apache-2.0
@testable internal import TestSupport

/// A TLS record as it is on the wire (RFC 8446, section 5.1).
struct Record: Equatable {
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23

    let type: UInt8
    let payload: [UInt8]

    /// A record of its own making.
    var bytes: [UInt8] {
        [type, 3, 3, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)] + payload
    }

    static func records(in bytes: ArraySlice<UInt8>) -> [Record] {
        var records: [Record] = []
        var rest = bytes
        while rest.count >= 5 {
            let header = Array(rest.prefix(5))
            let length = Int(header[3]) << 8 | Int(header[4])
            rest = rest.dropFirst(5)
            records.append(Record(type: header[0], payload: Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return records
    }
}

extension Wire {
    /// The records that were sent since `count` bytes of the history.
    func records(since count: Int = 0) -> [Record] { Record.records(in: history[count...]) }
}
