// What is and what is not taken as a host and a port.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EndpointTests {
    @Test(
        arguments: [
            ("example.org", "example.org", 7),
            ("example.org:80", "example.org", 80),
            ("127.0.0.1", "127.0.0.1", 7),
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("127.0.0.1:65535", "127.0.0.1", 65_535),
            ("host:00080", "host", 80),
            ("::", "::", 7),
            ("::1", "::1", 7),
            ("2001:db8::1:80", "2001:db8::1:80", 7),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", 7),
            ("fe80::1%lo", "fe80::1%lo", 7),
            ("[::1]", "::1", 7),
            ("[::1]:0", "::1", 0),
            ("[::1]:65535", "::1", 65_535),
            ("[fe80::1%lo]:80", "fe80::1%lo", 80),
            (String(repeating: "a", count: 255), String(repeating: "a", count: 255), 7),
            (String(repeating: "a", count: 255) + ":80", String(repeating: "a", count: 255), 80),
        ] as [(String, String, UInt16)])
    func endpoint_isRead(text: String, host: String, port: UInt16) throws {
        let endpoint = try #require(Endpoint(text, defaultPort: 7))
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(Endpoint(endpoint.description, defaultPort: 9) == endpoint)
    }

    @Test(arguments: [
        "", ":", ":80", "host:", "host:65536", "host:99999999999999999999", "host:-1", "host:+1",
        "host:0x50", "host: 80", "host:80 ", "host:http", "host:8a", "host:\u{663}", "host:8\0",
        "[", "[]", "[]:80", "[::1", "[::1]:", "[::1]80", "[::1] ", "[::1]:65536", "[::1]:x",
        "[host]", "[host]:80", "[127.0.0.1]:80", "[[::1]]", "[:: 1]", "[::1/64]:80",
        "::1%e]", "fe80::1%25x]:1",
        " ", " host", "ho st", "host\n", "ho\tst", "ho\0st", "\0", "\u{7f}", "ho/st", "http://host",
        "//host", "10.0.0.0/8", "h\u{f6}st", String(repeating: "a", count: 256),
        String(repeating: "a", count: 256) + ":80",
    ])
    func endpoint_isRefused(text: String) {
        #expect(Endpoint(text, defaultPort: 7) == nil)
    }

    /// With more than one colon only an IPv6 address is an endpoint.
    @Test(arguments: ["host:80:90", "127.0.0.1:80:", "a:b:c", "[a:b]:80", "::1::", ":::"])
    func endpoint_isRefused_whereItsColonsAreNotThoseOfAnAddress(text: String) {
        #expect(Endpoint(text, defaultPort: 7) == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("65535", 65_535), ("007", 7), ("", nil), ("65536", nil),
            ("-0", nil), ("+1", nil), ("1.0", nil), ("1e3", nil), (" 1", nil), ("1\0", nil),
            ("\u{661}", nil),
        ] as [(String, UInt16?)])
    func port_isDigitsOnly(text: String, port: UInt16?) {
        #expect(Endpoint.port(text) == port)
    }

    @Test(arguments: ["127.0.0.1", "::1", "0.0.0.0", "::"])
    func addresses_ofAnAddress_areItself(host: String) async throws {
        let endpoint = Endpoint(host: host, port: 80)
        let addresses = try await endpoint.addresses()
        #expect(addresses.map(\.host) == [host])
        #expect(addresses.map(\.port) == [80])
        #expect(try endpoint.localAddresses() == addresses)
    }

    @Test func addresses_throwUnknownHost_forANameThatCannotBe() async {
        // A label has at most 63 bytes (RFC 1035, section 2.3.4), so that nobody is asked.
        let endpoint = Endpoint(host: String(repeating: "a", count: 64), port: 80)
        #expect(await failureCode(endpoint.addresses) == .unknownHost)
        #expect(throws: StreamError.self) { try endpoint.localAddresses() }
    }
}
