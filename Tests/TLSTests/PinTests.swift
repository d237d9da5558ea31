// Pinned keys: how they are written, and what they replace.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PinTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: As text

    @Test(arguments: [
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//" + String(repeating: "/", count: 42) + "8=",
    ])
    func pin_isReadAndWrittenAlike(_ text: String) throws {
        let pin = try Pin(text)
        #expect(pin.keyHash.count == 32)
        #expect(pin.description == text)
    }

    @Test func pin_isReadInTheFormOfIdentities_too() throws {
        let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        let pin = try Pin("key:sha256:\(hash)")
        #expect(pin == (try Pin("sha256//\(hash)")))
        #expect(pin.description == "sha256//\(hash)")
        #expect(pin.identity == "key:sha256:\(hash)")
        for text in ["key:sha256:", "key:sha256//\(hash)", "sha256:\(hash)", "key:\(hash)"] {
            #expect(credentialCode { () throws(CredentialError) in try Pin(text) } == .invalidPin)
        }
    }

    @Test func pin_isTheHash() throws {
        // The SHA-256 of nothing (FIPS 180-4).
        let hash = try Pin("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").keyHash
        #expect(hash.prefix(4) == [0xe3, 0xb0, 0xc4, 0x42])
        #expect(hash.suffix(4) == [0x78, 0x52, 0xb8, 0x55])
    }

    @Test(arguments: [
        "", "sha256//", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha1//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "SHA256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        // Without padding, with too much of it, and with padding within.
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=====",
        "sha256//47DE=pj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        // 31 and 33 bytes.
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVV",
        // Bits beyond the last byte.
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        // Another alphabet, spaces, line ends, other characters.
        "sha256//47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        " sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "sha256//47DEQpj8HBSa+/TImW+5 CeuQeRkm5NMpJWZG3hSuFU=",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFü=",
    ])
    func pin_isRefused_whereItIsNone(_ text: String) {
        #expect(credentialCode { () throws(CredentialError) in try Pin(text) } == .invalidPin)
    }

    // MARK: In place of a CA

    @Test(arguments: ["ours/server", "other/server", "self/server"])
    func pinnedServer_isAccepted_whoeverSignedIt(_ name: String) throws {
        let pair = try pair(pinning: [certificates.pin(name)], "\(name).pem", key: "\(name).key")
        try pair.establish()
        #expect(pair.client.stream.peerIdentity?.names.first?.description == "dns:localhost")
    }

    @Test func oneOfSeveralPins_isEnough() throws {
        let pins = try ["other/server", "ours/server"].map { try certificates.pin($0) }
        try pair(pinning: pins, "ours/server.pem", key: "ours/server.key").establish()
    }

    @Test(arguments: [
        ("server-wrong-name.pem", StreamError.Code.wrongHost), ("server-no-san.pem", .wrongHost),
        ("server-expired.pem", .certificateExpired),
        ("server-not-yet-valid.pem", .certificateNotYetValid),
        ("server-wrong-purpose.pem", .wrongPurpose),
    ])
    func pinnedServer_isRefused_whereAnythingElseIsWrong(
        _ certificate: String, _ expected: StreamError.Code
    ) throws {
        let pair = try pair(
            pinning: [certificates.pin("ours/server")], certificate, key: "ours/server.key")
        pair.handshake()
        #expect(pair.client.progress == .failed(expected))
        #expect(pair.server.progress == .failed(.certificateRejected))
    }

    @Test(arguments: ["ours/server", "self/server"])
    func otherKey_isRefused(_ name: String) throws {
        let pair = try pair(
            pinning: [certificates.pin("other/server"), certificates.pin("ours/client")],
            "\(name).pem", key: "\(name).key")
        pair.handshake()
        #expect(pair.client.progress == .failed(.pinMismatch))
        #expect(pair.client.failure?.code.concernsTrust == true)
        // A fatal bad_certificate (RFC 8446, section 6).
        #expect(pair.client.sent.records().last == Record(type: Record.alert, payload: [2, 42]))
        #expect(pair.server.progress == .failed(.certificateRejected))
    }

    @Test func pinOfTheCA_isNotThePinOfTheServer() throws {
        let pair = try pair(
            pinning: [certificates.pin("ours/ca")], "ours/server.pem", key: "ours/server.key")
        pair.handshake()
        #expect(pair.client.progress == .failed(.pinMismatch))
    }

    // MARK: Beside a CA

    @Test func pinAndCA_haveBothToBeRight() throws {
        let ours = try certificates.pin("ours/server")
        let table: [(String, Pin, MemoryEnd.Progress)] = [
            ("ours/ca.pem", ours, .done),
            ("ours/ca.pem", try certificates.pin("other/server"), .failed(.pinMismatch)),
            ("other/ca.pem", ours, .failed(.unknownCA)),
        ]
        for (ca, pin, expected) in table {
            let pair = try pair(
                trusting: Trust(ca: certificates.path(ca), pins: [pin]), "ours/server.pem",
                key: "ours/server.key")
            pair.handshake()
            #expect(pair.client.progress == expected, "\(ca) \(pin)")
        }
    }

    @Test func pinnedClient_isAccepted_andAnotherIsNot() throws {
        let trust = try Trust(ca: nil, pins: [certificates.pin("ours/alice")])
        let server = try certificates.server(trusting: trust)
        let alice = try certificates.client("ours/alice.pem", key: "ours/alice.key")
        try MemoryPair(client: alice, server: server).establish()
        let pair = try MemoryPair(client: certificates.client(), server: server)
        pair.handshake()
        #expect(pair.server.progress == .failed(.pinMismatch))
        #expect(
            failureCode { () throws(StreamError) in try pair.client.read() } == .certificateRejected
        )
    }

    @Test func pinMismatch_saysWhatTheKeyIs() throws {
        let pair = try pair(
            pinning: [certificates.pin("ours/client")], "ours/server.pem", key: "ours/server.key")
        pair.handshake()
        let text = try #require(pair.client.failure).sentence
        #expect(text.contains(certificates.pins["ours/server"]!), "\(text)")
    }

    private func pair(pinning pins: [Pin], _ certificate: String, key: String) throws -> MemoryPair
    {
        try pair(trusting: Trust(ca: nil, pins: pins), certificate, key: key)
    }

    private func pair(
        trusting trust: Trust, _ certificate: String, key: String
    ) throws -> MemoryPair {
        try MemoryPair(
            client: certificates.client(trusting: trust),
            server: certificates.server(certificate, key: key))
    }
}
