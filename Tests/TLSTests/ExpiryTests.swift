// What is warned of before its end, and when.
// SPDX-License-Identifier: Apache-2.0
internal import Testing

@testable internal import TLS

@Suite(.timeLimit(.minutes(2)))
struct ExpiryTests {
    private static let day = 86_400
    private static let end = 1_800_000_000

    /// Days of life, seconds that are left, and whether a server and a client warn.
    @Test(arguments: [
        (365, 15 * day, false, false), (365, 14 * day + 1, false, false),
        (365, 14 * day, true, true), (365, 1, true, true), (365, -1, true, false),
        (10, 9 * day, true, true), (7, 6 * day, true, false), (7, day, true, true),
        (1, 20 * 3_600, true, false), (1, 5 * 3_600, true, true),
    ])
    func warning_isDue_from14DaysBefore(days: Int, left: Int, server: Bool, client: Bool) {
        let expiry = Expiry(
            kind: .certificate, name: "it", subject: "it", remedy: "renew it",
            start: Self.end - days * Self.day, end: Self.end, brief: 8 * Self.day)
        let now = Self.end - left
        #expect((expiry.warning(at: now) != nil) == server)
        #expect((Expiry.firstWarning(of: [expiry], at: now) != nil) == client)
    }

    @Test func warning_saysWhenItEnds() {
        let expiry = Expiry(
            kind: .certificate, name: "it", subject: "it", remedy: "renew it", start: 0,
            end: Self.end, brief: 0)
        #expect(
            expiry.warning(at: Self.end - 3 * Self.day)
                == "it expires on 2027-01-15 08:00:00 UTC, in 3 days; renew it")
        #expect(
            expiry.warning(at: Self.end - 5)
                == "it expires on 2027-01-15 08:00:00 UTC, in less than two hours; renew it")
        #expect(
            expiry.warning(at: Self.end + 1) == "it expired on 2027-01-15 08:00:00 UTC; renew it")
    }

    @Test func client_isToldOfTheFirstEndOnly() {
        let (late, early) = (expiry("late", Self.end), expiry("early", Self.end - Self.day))
        let text = Expiry.firstWarning(of: [late, early], at: Self.end - 2 * Self.day)
        #expect(text?.hasPrefix("early") == true)
    }

    private func expiry(_ subject: String, _ end: Int) -> Expiry {
        Expiry(
            kind: .certificate, name: "it", subject: subject, remedy: "x", start: 0, end: end,
            brief: 0)
    }

    /// Its metrics go on telling, and `warnings` tells the log.
    @Test func authorityThatHadExpired_isNotWarnedOfTwice() throws {
        let pki = try Authority()
        try pki.certificate("root")
        try pki.certificate("old", dates: ("20200101000000Z", "20210101000000Z"))
        try pki.certificate("server", "x", Authority.server, by: "root")
        try pki.join(["root", "old"], into: "ca.pem")
        let context = try TLSContext(
            serverWith: Credentials(
                certificate: pki.path("server.pem"), key: pki.path("server.key"), purpose: .server),
            clientTrust: pki.trust("ca.pem"))
        let old = try #require(context.expiries.last)
        #expect((old.name, old.end) == ("CN = old", 1_609_459_200))
        #expect(old.warning() == nil)
        #expect(context.warnings.contains { $0.contains("CN = old expired") })
    }

    @Test func context_knowsAllThatEnds() throws {
        let pki = try Authority()
        try pki.certificate("root")
        try pki.certificate("old", dates: ("20200101000000Z", "20300101000000Z"))
        try pki.certificate("middle", by: "root")
        try pki.certificate("server", "x", Authority.server, by: "middle", chain: ["middle"])
        try pki.list("now.crl", by: "root", until: "20350101000000Z")
        try pki.list("next.crl", by: "root", until: "20360101000000Z")
        try pki.list("middle.crl", by: "middle", until: "20340101000000Z")
        try pki.join(["root", "old"], into: "ca.pem")
        try pki.join(["now.crl", "next.crl", "middle.crl"], into: "all.crl")
        let context = try TLSContext(
            serverWith: Credentials(
                certificate: pki.path("server-chain.pem"), key: pki.path("server.key"),
                purpose: .server),
            clientTrust: pki.trust("ca.pem", crl: "all.crl"))
        let subjects = context.expiries.map(\.subject)
        let files = (
            chain: pki.path("server-chain.pem"), ca: pki.path("ca.pem"), crl: pki.path("all.crl")
        )
        #expect(
            subjects == [
                "the certificate \(files.chain)",
                "the CA's certificate of CN = middle in \(files.chain)",
                "the certificate of the CA CN = root in \(files.ca)",
                "the certificate of the CA CN = old in \(files.ca)",
                "the CRL of CN = root in \(files.crl)", "the CRL of CN = middle in \(files.crl)",
            ])
        let year = { (text: String?) in text?.firstRange(of: "2036") != nil }
        #expect(year(context.expiries[4].warning(at: context.expiries[4].end)))
    }
}
