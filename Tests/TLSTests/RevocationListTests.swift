// Which CRLs are taken when they are read.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RevocationListTests {
    private static let made = Result { try Authority(make) }
    let pki: Authority

    init() throws { pki = try Self.made.get() }

    private static func make(_ pki: Authority) throws {
        try pki.certificate("root")
        try pki.certificate("other")
        try pki.certificate("impostor", "root")
        try pki.certificate("middle", by: "root")
        try pki.certificate("mute", "mute", "basicConstraints = CA:TRUE\nkeyUsage = keyCertSign")
        try pki.certificate("client", "client", Authority.client, by: "root", chain: [])
        try pki.certificate("of-middle", "x", Authority.client, by: "middle", chain: ["middle"])
        let gone = ["client"]
        try pki.list("good.crl", by: "root", revoking: gone)
        try pki.list("empty.crl", by: "root")
        try pki.list("other.crl", by: "other")
        try pki.list("middle.crl", by: "middle")
        try pki.list("forged.crl", by: "impostor", revoking: gone)
        try pki.list("mute.crl", by: "mute")
        try pki.list(
            "delta.crl", by: "root", "2.5.29.27 = critical, ASN1:INTEGER:1",
            from: "20250201000000Z")
        try pki.list("removed.crl", by: "root", revoking: gone, reason: "removeFromCRL")
        try pki.list("reason.crl", by: "root", revoking: gone, reason: "keyCompromise")
        try pki.list("old.crl", by: "root", from: "20200101000000Z", until: "20200201000000Z")
        try pki.list("next.crl", by: "root", from: "20400101000000Z", until: "20400201000000Z")
        try pki.list(
            "old-middle.crl", by: "middle", from: "20200101000000Z", until: "20200201000000Z")
        try pki.list("unknown.crl", by: "root", "1.2.3.4 = critical, ASN1:NULL")
        try pki.list("unimportant.crl", by: "root", "1.2.3.4 = ASN1:NULL")
        for (name, text) in [
            ("ca", "onlyCA = TRUE"), ("user", "onlyuser = TRUE"), ("attributes", "onlyAA = TRUE"),
            ("place", "fullname = URI:http://crl.example/1"), ("indirect", "indirectCRL = TRUE"),
            ("some", "onlysomereasons = keyCompromise"),
        ] {
            try pki.list(
                "\(name).crl", by: "root", revoking: name == "ca" ? [] : gone,
                "issuingDistributionPoint = critical, @point\n[point]\n\(text)")
        }
        for (name, files) in [
            ("base-and-delta", ["good", "delta"]), ("good-and-other", ["good", "other"]),
            ("other-and-good", ["other", "good"]), ("good-and-old", ["good", "old"]),
            ("next-and-good", ["next", "good"]), ("good-and-middle", ["good", "middle"]),
            ("good-and-old-middle", ["good", "old-middle"]), ("ca-and-middle", ["ca", "middle"]),
            ("ca-and-user", ["ca", "user"]), ("old-and-user", ["old", "user"]),
        ] {
            try pki.join(files.map { "\($0).crl" }, into: "\(name).crl")
        }
        try pki.write("indented.txt", " ")
        try pki.join(["good.crl", "indented.txt", "empty.crl"], into: "indented.crl")
    }

    static let table: [(String, CredentialError.Code?)] = [
        ("good.crl", nil), ("empty.crl", nil), ("reason.crl", nil), ("user.crl", nil),
        ("unimportant.crl", nil), ("good-and-other.crl", nil), ("other-and-good.crl", nil),
        ("good-and-old.crl", nil), ("next-and-good.crl", nil), ("good-and-middle.crl", nil),
        ("ca-and-middle.crl", nil), ("ca-and-user.crl", nil),
        ("delta.crl", .unusableCRL), ("base-and-delta.crl", .unusableCRL),
        ("removed.crl", .unusableCRL), ("unknown.crl", .unusableCRL), ("ca.crl", .unusableCRL),
        ("attributes.crl", .unusableCRL), ("place.crl", .unusableCRL),
        ("indirect.crl", .unusableCRL), ("some.crl", .unusableCRL),
        ("old.crl", .expired), ("good-and-old-middle.crl", .expired),
        ("old-and-user.crl", .expired), ("next.crl", .notYetValid), ("other.crl", .foreignCRL),
        ("middle.crl", .foreignCRL), ("forged.crl", .badSignature), ("nowhere.crl", .missing),
        ("indented.crl", .malformed),
    ]

    @Test(arguments: table)
    func list_isTakenOrRefused(_ file: String, _ expected: CredentialError.Code?) {
        #expect(
            credentialCode { () throws(CredentialError) in try pki.trust("root", crl: file) }
                == expected)
    }

    @Test(arguments: table.filter { $0.1 != nil })
    func refusal_namesTheFile(_ file: String, _ expected: CredentialError.Code?) {
        let error = #expect(throws: CredentialError.self) { try pki.trust("root", crl: file) }
        #expect(error?.sentence.contains(pki.path(file)) == true, "\(error!)")
        // That tool makes no CRLs.
        #expect(error?.sentence.contains("generate-certs") == false, "\(error!)")
    }

    @Test func listThatIsNotThere_keepsTheReason() {
        let error = #expect(throws: CredentialError.self) {
            try pki.trust("root", crl: "nowhere.crl")
        }
        #expect(error?.remedy == .getListOrNameNone)
        #expect(error?.cause == .system(Errno(ENOENT)))
    }

    @Test(arguments: [
        ("good.crl", true), ("reason.crl", true), ("user.crl", true), ("good-and-other.crl", true),
        ("ca-and-user.crl", true), ("good-and-old.crl", true), ("empty.crl", false),
        ("unimportant.crl", false),
    ])
    func client_isLookedUp(in file: String, isRevoked: Bool) throws {
        let pair = try pki.pair(client: "client", trusting: pki.trust("root", crl: file))
        #expect(pair.serversVerdict() == (isRevoked ? .certificateRevoked : nil))
    }

    @Test func list_mustBeOfAKeyThatMaySignLists() {
        #expect(
            credentialCode { () throws(CredentialError) in try pki.trust("mute", crl: "mute.crl") }
                == .unusableCRL)
    }

    @Test func list_ofManyEntries_isSearchedWhole() throws {
        // Lengths and values of all kinds, in no order.
        let numbers = (1...300).map { ($0 &* 7_919) % 70_000 } + [127, 128, 255, 256, 65_535]
        try pki.list(
            "many.crl", by: "root",
            serials: numbers.map { number in
                let digits = String(number, radix: 16, uppercase: true)
                return digits.count % 2 == 0 ? digits : "0\(digits)"
            }, nil)
        let list = try #require(pki.trust("root", crl: "many.crl").crls?.lists.first)
        let revoked = Set(numbers)
        for number in 0..<70_000 {
            guard contains(list, number) != revoked.contains(number) else { continue }
            Issue.record("\(number) is \(revoked.contains(number) ? "missing" : "too much")")
        }
    }

    private func contains(_ list: RevocationList, _ number: Int) -> Bool {
        let serial = unsafe ASN1_INTEGER_new()!
        defer { unsafe ASN1_INTEGER_free(serial) }
        unsafe ASN1_INTEGER_set_int64(serial, Int64(number))
        return unsafe list.numbers.contains(serial)
    }
}
