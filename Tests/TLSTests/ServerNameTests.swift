// Names of servers: how they are read, and which certificates prove them.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ServerNameTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: As text

    @Test(
        arguments: [
            ("localhost", .dns("localhost")), ("example.org", .dns("example.org")),
            ("Example.ORG", .dns("Example.ORG")), ("example.org.", .dns("example.org")),
            ("a_b.example.org", .dns("a_b.example.org")),
            ("xn--mller-kva.example", .dns("xn--mller-kva.example")), ("1", .dns("1")),
            ("127.0.0.1", .address("127.0.0.1")), ("::1", .address("::1")),
            ("2001:DB8::1", .address("2001:DB8::1")), ("fe80::1%eth0", .address("fe80::1")),
            ("fe80::1%3", .address("fe80::1")), ("::ffff:192.0.2.1", .address("::ffff:192.0.2.1")),
            ("uri:spiffe://a/b", .uri("spiffe://a/b")), ("spiffe://a/b", .uri("spiffe://a/b")),
            ("uri:urn:x", .uri("urn:x")), ("uri:a:b@c?d#e", .uri("a:b@c?d#e")),
            (long(253), .dns(long(253))), (long(253) + ".", .dns(long(253))),
            (String(repeating: "a", count: 63), .dns(String(repeating: "a", count: 63))),
        ] as [(String, ServerName)])
    func name_isRead(_ text: String, _ expected: ServerName) throws {
        #expect(try ServerName(text) == expected)
    }

    @Test(arguments: [
        "", ".", "..", ".example.org", "example..org", "example.org..", " ", "example.org ",
        "*.example.org", "münchen.example", "a/b", "a:b", "example.org:443", "[::1]", "a\0b",
        "a\nb", "a%b", "%eth0", "::\0", "::1\0.example", "192.0.2.7\0", "192.0.2.7.", ":::",
        "fe80::1::2", "a@b", "uri:", "uri::x", "uri:x", "uri:x:", "uri:spiffe://a b", "spiffe:",
        "uri:spiffe://a\n", "uri:spiffe://ä/b", "uri:spiffe://a\0", "https://example.org",
        "URI:spiffe://a/b",
        String(repeating: "a", count: 64),
        long(254), long(254) + ".",
    ])
    func name_isRefused_whereItIsNone(_ text: String) {
        let refusal = credentialCode { () throws(CredentialError) in try ServerName(text) }
        #expect(refusal == .invalidServerName)
    }

    // MARK: Against certificates

    @Test(arguments: [
        ("ours/server.pem", "localhost"), ("ours/server.pem", "LOCALHOST"),
        ("ours/server.pem", "localhost."), ("ours/server.pem", "127.0.0.1"),
        ("ours/server.pem", "::1"), ("ours/server.pem", "0:0:0:0:0:0:0:1"),
        ("server-nul-and-good.pem", "localhost"),
        ("name-wildcard.pem", "a.example.org"), ("name-wildcard.pem", "A.EXAMPLE.ORG"),
        ("name-wildcard.pem", "xn--mller-kva.example.org"),
        ("name-upper-case.pem", "www.example.org"),
        ("name-uri.pem", "uri:spiffe://example.org/server"),
        ("name-uri.pem", "spiffe://example.org/server"),
        ("name-other-kinds.pem", "uri:https://www.example.org/"),
        ("name-address.pem", "192.0.2.7"), ("name-address.pem", "2001:db8::7"),
        ("name-address.pem", "2001:db8::7%eth0"), ("name-common-and-other.pem", "mail.example.org"),
    ])
    func certificate_provesTheName(_ certificate: String, _ name: String) throws {
        let pair = try pair(certificate, name)
        try pair.establish()
    }

    @Test(arguments: [
        ("ours/server.pem", "example.org"), ("ours/server.pem", "localhost.example.org"),
        ("ours/server.pem", "127.0.0.2"), ("ours/server.pem", "::2"),
        ("ours/server.pem", "::ffff:127.0.0.1"), ("ours/server.pem", "127.1"),
        ("name-wildcard.pem", "example.org"), ("name-wildcard.pem", "a.b.example.org"),
        ("name-wildcard.pem", "a.example.com"), ("name-wildcard.pem", "a.example.org.uk"),
        ("name-wildcard.pem", "aexample.org"),
        ("name-partial-wildcard.pem", "www.example.org"),
        ("name-partial-wildcard.pem", "w.example.org"),
        ("name-inner-wildcard.pem", "a.b.example.org"),
        ("name-top-wildcard.pem", "example.org"), ("name-top-wildcard.pem", "localhost"),
        ("name-address.pem", "192.0.2.8"), ("name-address.pem", "2001:db8::8"),
        ("name-address-as-text.pem", "192.0.2.7"),
        ("name-other-kinds.pem", "www.example.org"),
        ("name-common-only.pem", "www.example.org"),
        ("name-common-and-other.pem", "www.example.org"),
        ("name-uri.pem", "example.org"), ("name-uri.pem", "uri:spiffe://example.org/serve"),
        ("name-uri.pem", "uri:spiffe://example.org/server/"),
        ("name-uri.pem", "uri:SPIFFE://example.org/server"),
        ("name-uri.pem", "uri:spiffe://EXAMPLE.org/server"),
        ("name-uri.pem", "uri:email:a@example.org"), ("ours/server.pem", "uri:dns:localhost"),
        ("server-good.pem", "spiffe://example.org/server"),
        ("server-nul-and-good.pem", "evil"), ("server-nul-and-good.pem", "evil.example"),
    ])
    func certificate_doesNotProveTheName(_ certificate: String, _ name: String) throws {
        let pair = try pair(certificate, name)
        pair.handshake()
        #expect(pair.client.progress == .failed(.wrongHost))
        #expect(pair.server.progress == .failed(.certificateRejected))
    }

    @Test func pinnedServer_mustHaveTheURI_too() throws {
        let trust = try Trust(ca: nil, pins: [certificates.pin("ours/server")])
        for (name, progress) in [
            ("uri:spiffe://example.org/server", MemoryEnd.Progress.done),
            ("uri:spiffe://example.org/other", .failed(.wrongHost)),
        ] {
            let pair = try MemoryPair(
                client: certificates.client(trusting: trust),
                server: certificates.server("name-uri.pem"), name: name)
            pair.handshake()
            #expect(pair.client.progress == progress)
        }
    }

    // MARK: What is said of another name

    @Test(arguments: [
        ("name-uri.pem", "localhost", #"askForServer("uri:spiffe://example.org/server")"#),
        ("name-many.pem", "localhost", "host5.example.org and 496 more"),
        ("name-many.pem", "mail.example.net", "for dns:www.example.net, dns:host1.example.org"),
        ("name-long.pem", "localhost", #"askForServer("uri:spiffe://example.org/aaa"#),
        ("name-other-kinds.pem", "localhost", "uri:https://www.example.org/"),
        ("server-no-san.pem", "localhost", "no name at all"),
        ("ours/server.pem", "uri:a:" + String(repeating: "a", count: 9_000), "dns:localhost"),
    ])
    func wrongName_isToldBriefly_withWhatToDo(
        _ certificate: String, _ name: String, _ said: String
    ) throws {
        let pair = try pair(certificate, name)
        pair.handshake()
        let text = "\(try #require(pair.client.failure))"
        #expect(text.contains(said), "\(text)")
        #expect(text.utf8.count < 1_000, "\(text.utf8.count) bytes")
    }

    @Test func clientsName_isBounded_whereItIsSaid() throws {
        let client = try certificates.client("name-long-client.pem")
        let pair = try MemoryPair(client: client, server: certificates.server())
        try pair.establish()
        #expect(try #require(pair.server.stream.peerName).utf8.count < 250)
        // What is compared and recorded is whole.
        #expect(pair.server.stream.peerIdentity?.description.utf8.count ?? 0 > 8_000)
    }

    @Test(arguments: [
        ("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "abc…"), ("aäb", 2, "a…"), ("aäb", 3, "aä…"),
        ("ääää", 1, "…"),
    ])
    func text_isCutBetweenCharacters(_ text: String, _ limit: Int, _ expected: String) {
        #expect(bounded(text, to: limit) == expected)
    }

    private func pair(_ certificate: String, _ name: String) throws -> MemoryPair {
        try MemoryPair(
            client: certificates.client(), server: certificates.server(certificate), name: name)
    }

    /// A name with that many characters, in labels of 49 and one with the rest.
    private static func long(_ count: Int) -> String {
        String(
            String(repeating: String(repeating: "a", count: 49) + ".", count: 6).prefix(count - 1))
            + "b"
    }
}
