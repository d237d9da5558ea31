// Fuzzes certificates, their names, and PEM files.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Commands
@testable import TLS

/// The first byte says which part of a certificate the others are, or that they are all of it.
func fuzzCertificate(_ bytes: [UInt8]) throws(Finding) {
    let part = Array(bytes.dropFirst())
    var certificate = DERCertificate()
    switch (bytes.first ?? 0) % 8 {
    case 0: try check(file: pem("CERTIFICATE", part))
    case 1: certificate.serial = der(0x02, part)
    case 2: certificate.issuer = der(0x30, part)
    case 3: certificate.validity = der(0x30, part)
    case 4: certificate.key = der(0x30, part)
    case 5:
        certificate.issuer = der(
            0x30, der(0x31, der(0x30, [0x06, 0x03, 0x55, 0x04, 0x03] + der(0x0c, part))))
    case 6: certificate.validity = der(0x30, der(0x17, part) + der(0x18, part))
    default: certificate.names = part
    }
    try check(file: pem("CERTIFICATE", certificate.bytes))
}

/// Triples of a tag, a length and a name's bytes.
func fuzzNames(_ bytes: [UInt8]) throws(Finding) {
    var rest = bytes[...]
    var names: [UInt8] = []
    var expected: [String] = []
    var isRegular = true
    while let tag = rest.popFirst(), let length = rest.popFirst() {
        let value = Array(rest.prefix(Int(length)))
        rest = rest.dropFirst(value.count)
        names += der(0x80 | tag & 0x2f, value)
        let text = String(decoding: value, as: UTF8.self)
        let isPlain = !value.isEmpty && value.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        switch tag & 0x2f {
        case 1 where isPlain: expected.append("email:\(text)")
        case 2 where isPlain: expected.append("dns:\(text)")
        case 6 where isPlain: expected.append("uri:\(text)")
        case 7 where value.count == 4:
            expected.append("ip:" + value.map { "\($0)" }.joined(separator: "."))
        case 7 where value.count == 16: expected.append("ip:" + address(value))
        case 1, 2, 6, 7: break
        // OpenSSL takes all names for none where one of these cannot be read, and puts a name
        // together that comes in parts.
        default: isRegular = false
        }
    }
    var certificate = DERCertificate()
    certificate.names = der(0x30, names)
    guard let read = try check(file: pem("CERTIFICATE", certificate.bytes)).first else {
        throw Finding(description: "any names stand in a certificate that can be read")
    }
    let found = read.names.map(\.description)
    try require(
        isSame(found, expected) || !isRegular,
        "the names are those of the certificate: \(found), \(expected)")
}

private func address(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    unsafe inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A whole file, as a CA, a list of what was revoked, a chain, and a key.
func fuzzPEM(_ bytes: [UInt8]) throws(Finding) {
    let read = try check(file: bytes)
    let file = NamelessFile(bytes)
    let path = file.path
    try check { () throws(CredentialError) in
        _ = try RevocationLists(try PEMFile(path), authorities: { _ in [] }, origin: "nothing")
    }
    try check { () throws(CredentialError) in _ = try PrivateKey(path) }
    try check { () throws(CredentialError) in
        _ = try Credentials(certificate: path, key: path, purpose: .client)
    }
    let starts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).count {
        $0.starts(with: "-----BEGIN ".utf8)
    }
    try require(read.count <= starts, "each certificate has its line")
    // A context takes longer than all the rest.
    guard !read.isEmpty, bytes.count % 8 == 0 else { return }
    try check { () throws(CredentialError) in
        _ = try TLSContext(clientTrusting: try Trust(ca: path), credentials: nil)
    }
}

/// Expects a success, or a failure that is told in one line.
private func check(_ body: () throws(CredentialError) -> Void) throws(Finding) {
    do throws(CredentialError) {
        try body()
    } catch {
        try require(
            isPrintable("\(error)") && !"\(error)".isEmpty, "a failure is one line: \(error)")
    }
    try require(ErrorQueue.drain().isEmpty, "nothing is left in OpenSSL's error queue")
}

/// Reads a file's certificates and all that is told of them.
@discardableResult
private func check(file bytes: [UInt8]) throws(Finding) -> [Certificate] {
    var certificates: [Certificate] = []
    let file = NamelessFile(bytes)
    let path = file.path
    try check { () throws(CredentialError) in certificates = try Certificate.read(path) }
    for certificate in certificates { try check(certificate) }
    return certificates
}

private func check(_ certificate: Certificate) throws(Finding) {
    let identity = PeerIdentity(certificate)
    for name in identity.names {
        try require(
            !name.value.isEmpty && name.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f },
            "a name is printable")
        try require(
            Identity(names: [name.description], key: "").names.allSatisfy(Identity.isIdentity),
            "a table can allow a name that counts")
    }
    try require([0, 32].contains(identity.keyHash.count), "a key's hash is a SHA-256")
    if identity.keyHash.count == 32 {
        try require((try? Pin(identity.key))?.keyHash == identity.keyHash, "a pin is read again")
    } else {
        try require((try? Pin(identity.key)) == nil, "no key is nobody's pin")
    }
    try require(isPrintable(certificate.issuer), "an issuer's name is printable")
    try require(
        identity.serial.utf8.allSatisfy { "-0123456789abcdef".utf8.contains($0) },
        "a serial number is hexadecimal")
    for time in [certificate.notBefore, certificate.notAfter] {
        try require(
            time == "an unreadable time" || time.hasSuffix(" UTC") && time.utf8.count >= 23,
            "a time is one: \(time)")
    }
    if certificate.notAfter == "an unreadable time" {
        try require(identity.expiry == 0, "who has no end of validity has expired")
    }
    _ = (certificate.isExpired, certificate.isNotYetValid)
    try require(ErrorQueue.drain().isEmpty, "nothing is left in OpenSSL's error queue")
}
