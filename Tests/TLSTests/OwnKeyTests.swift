// Clients whose key can't sign, which are only found out by a server that asks.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct OwnKeyTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    private func client(options: TLSOptions = TLSOptions()) throws -> TLSContext {
        // No signature of TLS 1.3 has this curve, in no version of OpenSSL.
        try TLSContext(
            clientTrusting: Trust(ca: certificates.path("ours/ca.pem")),
            credentials: Credentials(
                certificate: certificates.path("k1-client.pem"),
                key: certificates.path("k1-client.key"), purpose: .client, trial: .whenAsked),
            options: options)
    }

    /// What a client reports whose handshake ends, at a server of its own.
    private func failure(
        of client: TLSContext, at server: TLSContext
    ) async throws -> StreamError? {
        try await onLoop { loop in
            let ends = try SocketEnds(on: loop, client: client, server: server)
            let serving = loop.spawn {
                try? await ends.server.handshake()
                await ends.server.close()
            }
            do throws(StreamError) {
                try await ends.client.handshake()
            } catch {
                await ends.client.close()
                await serving.value
                return error
            }
            await ends.client.close()
            await serving.value
            return nil
        }
    }

    @Test func askedForACertificate_itIsTheKeyThatIsNamed() async throws {
        let failure = try await failure(of: client(), at: certificates.server())
        #expect(failure?.code == .unusableKey)
        #expect(failure?.sentence.contains(certificates.path("k1-client.key")) == true)
        #expect(failure?.sentence.contains("(secp256k1)") == true)
    }

    @Test func notAsked_itIsNoneOfTheServersBusiness() async throws {
        #expect(try await failure(of: client(), at: certificates.server(trusting: nil)) == nil)
    }

    @Test func aKeyThatSigns_isNotTriedBefore() async throws {
        let client = try TLSContext(
            clientTrusting: Trust(ca: certificates.path("ours/ca.pem")),
            credentials: Credentials(
                certificate: certificates.path("ours/client.pem"),
                key: certificates.path("ours/client.key"), purpose: .client, trial: .whenAsked))
        try await onLoop { loop in
            let ends = try SocketEnds(on: loop, client: client)
            try await ends.establish()
            #expect(ends.client.isAsked)
            #expect(ends.client.ownKeysFailure == nil)
            #expect(ends.server.peerIdentity != nil)
        }
    }
}
