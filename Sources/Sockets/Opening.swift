// What a peer sent first, to distinguish protocols.
// SPDX-License-Identifier: Apache-2.0

/// The first bytes of a connection, as far as they show what its peer speaks: TLS, the header of a load
/// balancer (PROXY protocol), or anything else.
package struct Opening: Sendable {
    private var first: UInt8?
    private var second: UInt8?
    /// How many of the first bytes are those of a PROXY header.
    private var matching: UInt8 = 0
    /// How many of its bytes arrived.
    private var count: UInt8 = 0

    /// Nothing has arrived yet.
    package var isEmpty: Bool { first == nil }

    /// Whether all bytes that matter have arrived.
    var isComplete: Bool { count == Self.length }

    /// Whether it is a TLS record that carries a handshake or an alert (RFC 8446, section 5.1).
    package var speaksTLS: Bool { isRecord && second == 0x03 }

    /// Whether it can't be such a record; its first byte is enough to tell.
    package var speaksNoTLS: Bool { !isEmpty && !isRecord }

    /// What the peer sent first is a load balancer's header about another connection.
    package var isProxyHeader: Bool { matching == Self.length }

    /// What the peer has sent so far may be the start of one.
    package var mayBecomeProxyHeader: Bool {
        matching > 0 && matching == count && matching < Self.length
    }

    private var isRecord: Bool { first == 0x16 || first == 0x15 }

    /// Adds the next bytes; to be called while fewer than `length` have arrived.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for index in bytes.indices.prefix(Int(Self.length - count)) {
            let byte = unsafe bytes[index]
            switch count {
            case 0: first = byte
            case 1: second = byte
            default: break
            }
            // A byte that differs rules it out for good.
            if matching == count, isNextOfHeader(byte) { matching += 1 }
            count += 1
        }
    }

    private func isNextOfHeader(_ byte: UInt8) -> Bool {
        Self.proxyHeaders.contains { $0[Int(matching)] == byte && $0[0] == first }
    }

    /// How both versions of the PROXY protocol begin (its specification, sections 2.1 and 2.2). No
    /// longer than a TLS record's header, on which OpenSSL decides.
    private static let proxyHeaders: [[UInt8]] = [
        Array("PROXY".utf8), Array("\r\n\r\n\0".utf8),
    ]
    /// How many bytes matter.
    static let length: UInt8 = 5
}
