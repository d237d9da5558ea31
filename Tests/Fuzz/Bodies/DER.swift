// A certificate of which any part can be anything.
// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of an X.509 certificate (RFC 5280, section 4.1) that is good but for its
/// signature, which nobody verifies here.
struct DERCertificate {
    var serial = der(0x02, [0x5a])
    var issuer = der(
        0x30, der(0x31, der(0x30, [0x06, 0x03, 0x55, 0x04, 0x03] + der(0x0c, "fuzz"))))
    var validity = der(0x30, der(0x17, "260101000000Z") + der(0x18, "20560101000000Z"))
    /// A point that nobody has the key to: X25519's is any 32 bytes (RFC 8410).
    var key = der(
        0x30,
        der(0x30, [0x06, 0x03, 0x2b, 0x65, 0x6e])
            + der(0x03, [0] + [UInt8](repeating: 9, count: 32)))
    /// What is in the extension with the subject alternative names; nil for no such extension.
    var names: [UInt8]?

    var bytes: [UInt8] {
        let algorithm = der(0x30, [0x06, 0x03, 0x2b, 0x65, 0x70])
        let extensions = names.map { [0x06, 0x03, 0x55, 0x1d, 0x11] + der(0x04, $0) }
        let signed =
            der(0xa0, der(0x02, [2])) + serial + algorithm + issuer + validity + der(0x30, []) + key
            + (extensions.map { der(0xa3, der(0x30, der(0x30, $0))) } ?? [])
        return der(
            0x30,
            der(0x30, signed) + algorithm + der(0x03, [0] + [UInt8](repeating: 1, count: 64)))
    }
}

/// One element: its tag, its length and what is in it.
func der(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    let count = contents.count
    let length: [UInt8] =
        count < 0x80
        ? [UInt8(count)] : [0x82, UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
    return [tag] + length + contents
}

func der(_ tag: UInt8, _ text: String) -> [UInt8] { der(tag, Array(text.utf8)) }
