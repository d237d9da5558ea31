// What is said of files of CAs and CRLs that serve, though not for everybody.
// SPDX-License-Identifier: Apache-2.0
internal import Testing

@testable internal import TLS

@Suite(.timeLimit(.minutes(1)))
struct TrustWarningsTests {
    private static let made = Result { try Authority(make) }
    let pki: Authority

    init() throws { pki = try Self.made.get() }

    private static func make(_ pki: Authority) throws {
        for name in ["one", "two"] {
            try pki.certificate(name)
            try pki.list("\(name).crl", by: name)
        }
        try pki.certificate("twin", "one")
        try pki.certificate("old", dates: ("20200101000000Z", "20200201000000Z"))
        try pki.certificate("future", dates: ("20400101000000Z", "20400201000000Z"))
        try pki.list(
            "two-ca.crl", by: "two",
            "issuingDistributionPoint = critical, @point\n[point]\nonlyCA = TRUE")
        try pki.join(["one.crl", "two.crl"], into: "both.crl")
        try pki.join(["one.crl", "two-ca.crl"], into: "one-and-half.crl")
        for (name, files) in [
            ("both", ["one", "two"]), ("twins", ["one", "twin"]),
            ("one-and-old", ["one", "old"]), ("one-and-future", ["future", "one"]),
            ("many", ["one"] + Array(repeating: "old", count: 15)),
        ] {
            try pki.join(files, into: "\(name).pem")
        }
    }

    /// CAs, their lists, and of which CA a server says that it has none.
    @Test(
        arguments: [
            ("both", "one.crl", ["two"]), ("both", "both.crl", []), ("both", nil, []),
            ("both", "one-and-half.crl", ["two"]), ("one", "one.crl", []),
            ("twins", "one.crl", ["one"]), ("one-and-old", "one.crl", []),
        ] as [(String, String?, [String])])
    func server_saysOfWhichCAItHasNoList(_ ca: String, _ crl: String?, _ missing: [String]) throws {
        let trust = try pki.trust(ca, crl: crl)
        let warnings = try CertificateFixture.shared.server(trusting: trust).warnings.filter {
            $0.contains("no CRL")
        }
        #expect(warnings.count == missing.count, "\(warnings)")
        for (warning, name) in zip(warnings, missing) {
            #expect(warning.contains("the CA CN = \(name) in \(pki.path("\(ca).pem"))"))
            #expect(warning.contains(pki.path(crl ?? "")))
        }
    }

    @Test(arguments: [
        ("one-and-old", "CN = old expired on 2020-02-01 00:00:00 UTC"),
        ("one-and-future", "CN = future is not valid before 2040-01-01 00:00:00 UTC"),
    ])
    func bothEnds_saySomethingOfACAThatIsNotValid(_ ca: String, _ what: String) throws {
        let trust = try pki.trust(ca)
        let certificates = try CertificateFixture.shared
        for context in [
            try certificates.server(trusting: trust), try certificates.client(nil, trusting: trust),
        ] {
            let place = "in \(pki.path("\(ca).pem")) the certificate of the CA "
            #expect(context.warnings.count == 1)
            #expect(context.warnings.first?.hasPrefix(place + what) == true, "\(context.warnings)")
            // It is said once.
            #expect(!context.expiries.contains { $0.warning()?.contains("expired") == true })
        }
    }

    @Test func manyWarnings_areBounded() throws {
        let warnings = try pki.trust("many").warnings
        #expect(warnings.count == 11)
        #expect(warnings.last?.hasPrefix("there are 5 more CAs") == true, "\(warnings)")
    }
}
