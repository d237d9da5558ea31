// Which certificates of a chain are looked up, and what both ends say where that can't be done.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS

@Suite(.timeLimit(.minutes(1)))
struct RevocationChainTests {
    private static let made = Result { try Authority(make) }
    let pki: Authority

    init() throws { pki = try Self.made.get() }

    /// root signs middle, which signs lower, which signs deep; middle signs leaf; root signs direct.
    private static func make(_ pki: Authority) throws {
        try pki.certificate("root")
        try pki.certificate("middle", by: "root")
        try pki.certificate("lower", by: "middle")
        try pki.certificate("twin", "root")
        for (role, extensions) in [("client", Authority.client), ("server", Authority.server)] {
            try pki.certificate("\(role)-leaf", "x", extensions, by: "middle", chain: ["middle"])
            try pki.certificate(
                "\(role)-deep", "x", extensions, by: "lower", chain: ["lower", "middle"])
            try pki.certificate("\(role)-direct", "x", extensions, by: "root")
        }
        try pki.list("root.crl", by: "root")
        try pki.list("root-middle.crl", by: "root", revoking: ["middle"])
        try pki.list(
            "root-ca.crl", by: "root", "issuingDistributionPoint = critical, @p\n[p]\nonlyCA = TRUE"
        )
        try pki.list("middle.crl", by: "middle")
        try pki.list("middle-lower.crl", by: "middle", revoking: ["lower"])
        try pki.list("middle-leaf.crl", by: "middle", revoking: ["client-leaf", "server-leaf"])
        try pki.list("lower.crl", by: "lower")
        try pki.list("twin.crl", by: "twin")
        try pki.join(["root", "middle"], into: "both.pem")
        try pki.join(["root", "twin"], into: "twins.pem")
    }

    /// What is trusted, which lists there are, who comes, and what is said of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let ca: String
        let lists: [String]
        let peer: String
        let code: StreamError.Code?

        init(_ ca: String, _ lists: [String], _ peer: String, _ code: StreamError.Code?) {
            (self.ca, self.lists, self.peer, self.code) = (ca, lists, peer, code)
        }

        var testDescription: String { "\(peer) under \(ca) with \(lists)" }
    }

    static let table = [
        Case("root", ["root"], "direct", nil),
        Case("root", ["root", "middle"], "leaf-chain", nil),
        Case("root", ["root-middle", "middle"], "leaf-chain", .certificateRevoked),
        Case("root", ["root", "middle-leaf"], "leaf-chain", .certificateRevoked),
        Case("root", ["root-ca", "middle"], "leaf-chain", nil),
        Case("root", ["root-ca", "middle"], "direct", .revocationUnknown),
        // The leaf's issuer has no list here, or none that it signed.
        Case("root", ["root"], "leaf-chain", .revocationUnknown),
        // Of the CAs between only those are asked for whose issuers have lists.
        Case("root", ["root", "lower"], "deep-chain", nil),
        Case("root", ["root", "middle-lower", "lower"], "deep-chain", .certificateRevoked),
        Case("root", ["root-middle", "lower"], "deep-chain", .certificateRevoked),
        // An intermediate as the anchor.
        Case("middle", ["middle"], "leaf", nil),
        Case("middle", ["middle"], "leaf-chain", nil),
        Case("middle", ["middle-leaf"], "leaf", .certificateRevoked),
        Case("middle", ["middle"], "direct", .unknownCA),
        Case("middle", ["middle-lower", "lower"], "deep-chain", .certificateRevoked),
        // Its own issuer counts where it is trusted as well.
        Case("middle", ["middle", "root-middle"], "leaf", nil),
        Case("both.pem", ["middle", "root-middle"], "leaf", .certificateRevoked),
        Case("both.pem", ["middle", "root"], "leaf", nil),
        Case("both.pem", ["middle"], "leaf", nil),
        // A list of the right name and the wrong key.
        Case("twins.pem", ["twin"], "direct", .revocationUnknown),
        Case("twins.pem", ["twin", "middle"], "leaf-chain", .revocationUnknown),
        Case("twins.pem", ["twin", "root"], "direct", nil),
    ]

    @Test(arguments: table)
    func client_isLookedUp(_ it: Case) throws {
        let pair = try pki.pair(
            client: "client-\(it.peer)", key: key("client", it.peer), trusting: trust(it))
        #expect(pair.serversVerdict() == it.code, "\(pair.server.failure?.sentence ?? "")")
    }

    @Test(arguments: table)
    func server_isLookedUp(_ it: Case) throws {
        let pair = try pki.pair(
            server: "server-\(it.peer)", key: key("server", it.peer), trusting: trust(it))
        #expect(pair.clientsVerdict() == it.code, "\(pair.client.failure?.sentence ?? "")")
    }

    @Test func client_isNotBlamed_whereItsServerCannotTell() throws {
        let it = Case("root", ["root"], "leaf-chain", .revocationUnknown)
        let pair = try pki.pair(
            client: "client-leaf-chain", key: "client-leaf", trusting: trust(it))
        #expect(pair.serversVerdict() == .revocationUnknown)
        let ours = try #require(pair.server.failure).sentence
        #expect(ours.contains("CRL") && ours.contains(".list has no CRL of its issuer"), "\(ours)")
        let theirs = try pair.clientsSentence()
        #expect(theirs.contains("CRL") && theirs.contains("administrator"), "\(theirs)")
        for word in ["expired", "unknown", "could not be verified", "giveTrustedCertificate"] {
            #expect(!theirs.contains(word), "\(theirs)")
        }
    }

    @Test func server_isNotBlamed_whereItsClientCannotTell() throws {
        let it = Case("root", ["root"], "leaf-chain", .revocationUnknown)
        let pair = try pki.pair(
            server: "server-leaf-chain", key: "server-leaf", trusting: trust(it))
        #expect(pair.clientsVerdict() == .revocationUnknown)
        let theirs = try #require(pair.server.failure).sentence
        #expect(theirs.contains("CRL"), "\(theirs)")
        #expect(!theirs.contains("expired") && !theirs.contains("unknown"), "\(theirs)")
    }

    @Test func list_thatRunsOut_tellsNothingAnyMore() throws {
        let trust = try trust(Case("root", ["root", "middle"], "leaf-chain", nil))
        let lists = try #require(trust.crls)
        let chain = try ["client-leaf", "middle", "root"].map {
            try Certificate.read(pki.path("\($0).pem"))[0]
        }
        let end = try #require(lists.lists[0].end).seconds
        #expect(lists.finding(in: chain, now: end) == nil)
        guard case (let failing, .unknown(let why))? = lists.finding(in: chain, now: end + 1) else {
            return #expect(Bool(false), "nothing was found")
        }
        #expect(failing.subject == chain[0].subject)
        #expect(why.contains("expired on 2045-01-01 00:00:00 UTC"), "\(why)")
    }

    private func key(_ role: String, _ peer: String) -> String {
        "\(role)-\(peer.prefix { $0 != "-" })"
    }

    private func trust(_ it: Case) throws -> Trust {
        // Tests run side by side.
        let file = "\(UInt64.random(in: 0...UInt64.max)).list"
        try pki.join(it.lists.map { "\($0).crl" }, into: file)
        return try pki.trust(it.ca, crl: file)
    }
}
