// The length that a client's hello claims to have.
// SPDX-License-Identifier: Apache-2.0

/// Inspects a client's first records on their way to OpenSSL, which allocates 128 KiB as soon as a ClientHello claims
/// that much. It knows the claim once four bytes of the message have arrived, in whatever records. Confined to its
/// stream's loop; no longer needed once anything but a hello has arrived.
struct HelloGauge {
    /// The header of the record, then that of the message: the bytes of each so far, and their number.
    private var record = Header()
    private var message = Header()
    /// Bytes that are still missing from the record's content, and from the message's body.
    private var leftOfRecord = 0
    private var leftOfMessage = 0
    private var carriesHandshake = false

    private struct Header {
        var bytes: UInt64 = 0
        var count = 0

        mutating func add(_ byte: UInt8) {
            bytes = bytes << 8 | UInt64(byte)
            count += 1
        }
    }

    enum Verdict { case goesOn, isDone, isTooLong }

    /// Takes what has arrived.
    ///
    /// - Returns: whether it needs to see more; if the hello is too long, none of these bytes may reach
    ///   OpenSSL.
    mutating func note(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        var index = 0
        while index < bytes.count {
            guard leftOfRecord > 0 else {
                record.add(unsafe bytes[index])
                index += 1
                if record.count == Self.recordHeader, !beginRecord() { return .isDone }
                continue
            }
            if !carriesHandshake {
                index += pass(bytes.count - index)
            } else if leftOfMessage > 0 {
                let count = pass(min(leftOfMessage, bytes.count - index))
                leftOfMessage -= count
                index += count
            } else {
                message.add(unsafe bytes[index])
                index += pass(1)
                guard message.count == Self.messageHeader else { continue }
                // A TLS 1.2 header after the change of keys can look like anything; no hello comes after other
                // messages.
                guard message.bytes >> 24 == UInt64(HandshakeKind.clientHello.rawValue) else {
                    return .isDone
                }
                leftOfMessage = Int(message.bytes & 0xff_ffff)
                guard leftOfMessage <= HandshakeKind.clientHello.longest else { return .isTooLong }
                message = Header()
            }
        }
        return .goesOn
    }

    /// - Returns: false if this is not a record that may come with a hello.
    private mutating func beginRecord() -> Bool {
        leftOfRecord = Int(record.bytes & 0xffff)
        let (kind, version) = (record.bytes >> 32, record.bytes >> 24 & 0xff)
        carriesHandshake = kind == Self.handshake
        record = Header()
        return version == 3 && (carriesHandshake || Self.others.contains(kind))
    }

    /// Takes at most `count` bytes off the record.
    private mutating func pass(_ count: Int) -> Int {
        let count = min(count, leftOfRecord)
        leftOfRecord -= count
        return count
    }

    /// The alert for a hello that is too long: what OpenSSL sends for a message longer than it accepts
    /// (`illegal_parameter`, RFC 8446, section 6.2), in a record that any version understands.
    static let alert: [UInt8] = [0x15, 3, 3, 0, 2, 2, 47]

    private static let handshake: UInt64 = 22
    /// A client sends a change of ciphers after its first hello if it was asked for another (RFC 8446, appendix D.4),
    /// and OpenSSL continues after a warning alert.
    private static let others: ClosedRange<UInt64> = 20...21
    private static let recordHeader = 5
    private static let messageHeader = 4
}
