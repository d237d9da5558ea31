// Certificates that come as bytes.
// SPDX-License-Identifier: Apache-2.0
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct CertificateTests {
    private let certificates: CertificateFixture
    private let path: String

    init() throws {
        certificates = try .shared
        path = certificates.path("ours/server.pem")
    }

    @Test func certificate_isTheSame_asBytesAndInItsFile() throws {
        let file = try Certificate.read(path)[0]
        let encoded = try run([
            "sh", "-c", "openssl x509 -in \"$0\" -outform DER | base64 -w 0", path,
        ])
        #expect(Base64.text(file.der) == encoded)
        let read = try #require(Certificate(der: file.der))
        #expect(read.der == file.der)
        #expect(PeerIdentity(read) == PeerIdentity(file))
        // In the midst of other bytes.
        let around = [1, 2, 3] + file.der + [4, 5]
        #expect(Certificate(der: around[3..<3 + file.der.count])?.serial == file.serial)
        expectEmptyErrorQueue()
    }

    @Test func otherBytes_areNone() throws {
        let encoded = try Certificate.read(path)[0].der
        for length in encoded.indices { #expect(Certificate(der: encoded[..<length]) == nil) }
        #expect(Certificate(der: encoded + [0]) == nil)
        #expect(Certificate(der: encoded + encoded) == nil)
        #expect(Certificate(der: Array(try contents(of: path).utf8)) == nil)
        #expect(Certificate(der: [0x30, 0x80, 0, 0]) == nil)
        // A length that lies.
        #expect(Certificate(der: [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff] + encoded) == nil)
        expectEmptyErrorQueue()
    }

    /// Two with as many names as bring them to either side of the limit.
    @Test func longCertificate_isNotRead() throws {
        let authority = try Authority()
        for (name, count) in [("fits", 2_250), ("long", 2_400)] {
            let names = (1_000..<1_000 + count).map { "DNS:\($0).example" }.joined(separator: ",")
            try authority.certificate(name, "x", "subjectAltName = \(names)", by: nil)
            let encoded = try Certificate.read(authority.path("\(name).pem"))[0].der
            let isLong = encoded.count > Certificate.longest
            #expect(isLong == (name == "long"), "\(encoded.count)")
            #expect((Certificate(der: encoded) == nil) == isLong)
        }
        expectEmptyErrorQueue()
    }
}
