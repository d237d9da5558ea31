// Revocation lists, at both roles.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RevocationTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    /// A list, whether the certificate was revoked, and what the verifying end says; nil for
    /// nothing.
    private static let table: [(String, Bool, StreamError.Code?)] = [
        ("current.crl", false, nil),
        ("current.crl", true, .certificateRevoked),
        ("both.crl", false, nil),
        ("both.crl", true, .certificateRevoked),
    ]

    @Test(arguments: table)
    func server_isLookedUp(
        in list: String, isRevoked: Bool, _ expected: StreamError.Code?
    ) throws {
        let pair = try MemoryPair(
            client: certificates.client(trusting: trust(list)),
            server: certificates.server(isRevoked ? "server-revoked.pem" : "ours/server.pem"))
        pair.handshake()
        #expect(pair.client.progress == expected.map { .failed($0) } ?? .done)
        #expect(pair.server.progress == (expected == nil ? .done : .failed(.certificateRejected)))
    }

    @Test(arguments: table)
    func client_isLookedUp(
        in list: String, isRevoked: Bool, _ expected: StreamError.Code?
    ) throws {
        let pair = try MemoryPair(
            client: certificates.client(isRevoked ? "client-revoked.pem" : "ours/client.pem"),
            server: certificates.server(trusting: trust(list)))
        pair.handshake()
        #expect(pair.server.progress == expected.map { .failed($0) } ?? .done)
        let seen = failureCode { () throws(StreamError) in try pair.client.read() }
        #expect(seen == (expected == nil ? nil : .certificateRejected))
    }

    @Test func revokedCertificate_isAccepted_whereNobodyLooks() throws {
        let pair = try MemoryPair(
            client: certificates.client(), server: certificates.server("server-revoked.pem"))
        try pair.establish()
    }

    @Test func revocation_isLookedUpBesideAPin() throws {
        let trust = try Trust(
            ca: certificates.path("ours/ca.pem"), pins: [certificates.pin("ours/server")],
            crl: certificates.path("current.crl"))
        let pair = try MemoryPair(
            client: certificates.client(trusting: trust),
            server: certificates.server("server-revoked.pem"))
        pair.handshake()
        #expect(pair.client.progress == .failed(.certificateRevoked))
    }

    @Test func list_cannotBeHad_forAPinAlone() throws {
        let pin = try certificates.pin("ours/server")
        let refusal = credentialCode { () throws(CredentialError) in
            try Trust(ca: nil, pins: [pin], crl: certificates.path("current.crl"))
        }
        #expect(refusal == .refused)
    }

    private func trust(_ list: String) throws -> Trust {
        try Trust(ca: certificates.path("ours/ca.pem"), crl: certificates.path(list))
    }
}
