// Handshakes whose signatures are made elsewhere: what is asked for, and what it is set up with.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(2)))
struct RemoteKeyTests {
    typealias Kind = RemoteKeys.Kind
    let keys: RemoteKeys

    init() throws { keys = try .shared }

    // MARK: Handshakes

    @Test(arguments: [
        (Kind.p256, SignatureScheme.ecdsaP256SHA256), (.p384, .ecdsaP384SHA384),
        (.p521, .ecdsaP521SHA512), (.rsa2048, .rsaPSSSHA256), (.rsa3072, .rsaPSSSHA256),
        (.pss, .pssSHA256), (.pssOfSHA256, .pssSHA256), (.ed25519, .ed25519),
        (.ed448, .ed448),
    ])
    func tls13_isSigned_withAllOfItsContent(_ kind: Kind, _ scheme: SignatureScheme) throws {
        let signer = try keys.signer(kind)
        let pair = try pair(keys.server(kind, signer), keys.client(), signer)
        try pair.establish()
        let asked = signer.asked
        try #require(asked.count == 1)
        #expect(asked[0].key == 7)
        #expect(asked[0].scheme == scheme)
        #expect(asked[0].connection == ObjectIdentifier(pair.server.stream))
        expectContent(asked[0].content, of: "server", hash: 48)
        #expect(pair.server.stream.version == "TLSv1.3")
    }

    @Test func contentsHash_isTheSuites() throws {
        let signer = try keys.signer(.p256)
        let client = try keys.client()
        let suite = "TLS_AES_128_GCM_SHA256"
        try #require(unsafe SSL_CTX_set_ciphersuites(client.pointer, suite) == 1)
        try pair(keys.server(.p256, signer), client, signer).establish()
        expectContent(signer.asked[0].content, of: "server", hash: 32)
    }

    @Test func contentsHash_differsByHandshake() throws {
        let signer = try keys.signer(.ed25519)
        let server = try keys.server(.ed25519, signer)
        let contents = try (0..<2).map { _ in
            try pair(server, keys.client(), signer).establish()
            return signer.asked[0].content
        }
        #expect(contents[0] != contents[1])
        #expect(contents[0].prefix(98) == contents[1].prefix(98))
    }

    /// RFC 8446, section 4.4.3.
    private func expectContent(_ content: [UInt8], of end: String, hash: Int) {
        let head =
            [UInt8](repeating: 0x20, count: 64) + "TLS 1.3, \(end) CertificateVerify\0".utf8
        #expect(content.prefix(head.count) == head[...])
        #expect(content.count == head.count + hash)
    }

    @Test(arguments: Kind.servers)
    func tls12_isSigned_withRandomsAndParameters(_ kind: Kind) throws {
        let signer = try keys.signer(kind)
        let server = try keys.server(kind, signer, minimum: .tls12)
        let pair = try pair(server, keys.client(upTo: TLS1_2_VERSION), signer)
        try pair.establish()
        #expect(pair.server.stream.version == "TLSv1.2")
        let asked = signer.asked
        try #require(asked.count == 1)
        #expect(asked[0].connection == ObjectIdentifier(pair.server.stream))
        let content = asked[0].content
        #expect(Array(content.prefix(64)) == pair.server.stream.randoms)
        // A named curve, X25519, and its point (RFC 8422, section 5.4).
        #expect(content[64...].prefix(4) == [3, 0, 29, 32])
        #expect(content.count == 64 + 4 + 32)
    }

    /// Every scheme there is, asked for by a client that takes no other.
    @Test(
        arguments: [
            (.rsa2048, "RSA+SHA256", .rsaPKCS1SHA256), (.rsa2048, "RSA+SHA384", .rsaPKCS1SHA384),
            (.rsa3072, "RSA+SHA512", .rsaPKCS1SHA512), (.p256, "ECDSA+SHA256", .ecdsaP256SHA256),
            (.p384, "ECDSA+SHA384", .ecdsaP384SHA384), (.p521, "ECDSA+SHA512", .ecdsaP521SHA512),
            (.rsa2048, "rsa_pss_rsae_sha256", .rsaPSSSHA256),
            (.rsa2048, "rsa_pss_rsae_sha384", .rsaPSSSHA384),
            (.rsa3072, "rsa_pss_rsae_sha512", .rsaPSSSHA512), (.ed25519, "ed25519", .ed25519),
            (.ed448, "ed448", .ed448),
            (.pss, "rsa_pss_pss_sha256", .pssSHA256), (.pss, "rsa_pss_pss_sha384", .pssSHA384),
            (.pss, "rsa_pss_pss_sha512", .pssSHA512),
        ] as [(Kind, String, SignatureScheme)], [TLS1_2_VERSION, TLS1_3_VERSION])
    func scheme_isTheClients(
        _ wanted: (kind: Kind, signatures: String, scheme: SignatureScheme), _ version: Int32
    ) throws {
        let signer = try keys.signer(wanted.kind)
        let server = try keys.server(wanted.kind, signer, minimum: .tls12)
        let client = try keys.client(upTo: version, signatures: wanted.signatures)
        let pair = try pair(server, client, signer)
        pair.handshake()
        if wanted.signatures.hasPrefix("RSA+"), version == TLS1_3_VERSION {
            // TLS 1.3 has no such signature in a handshake.
            #expect(pair.server.progress == .failed(.noCommonCipher))
            #expect(signer.asked.isEmpty)
        } else {
            #expect(pair.client.progress == .done)
            #expect(signer.asked.map(\.scheme) == [wanted.scheme])
        }
    }

    /// In TLS 1.2 a number of ECDSA has a hash and no curve.
    @Test func curve_takesAnotherHash_inTLS12() throws {
        let signer = try keys.signer(.p256)
        let server = try keys.server(.p256, signer, minimum: .tls12)
        let client = try keys.client(
            upTo: TLS1_2_VERSION, signatures: "ECDSA+SHA384:RSA+SHA256")
        try pair(server, client, signer).establish()
        #expect(signer.asked.map(\.scheme) == [.ecdsaP384SHA384])
    }

    /// SHA-224 (RFC 8446, section 4.2.3), which a key that is here would take.
    @Test func hashThatMustNotBeUsed_isNotAgreedOn() throws {
        let signer = try keys.signer(.p256)
        let server = try keys.server(.p256, signer, minimum: .tls12)
        let client = try keys.client(upTo: TLS1_2_VERSION, signatures: "ECDSA+SHA224")
        let pair = try pair(server, client, signer)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noCommonCipher))
        #expect(signer.asked.isEmpty)
    }

    @Test func client_mayHaveItsKeyElsewhere() throws {
        let signers = (client: try keys.signer(.client), server: try keys.signer(.p384))
        let client = try keys.client(credentials: keys.credentials(.client, signers.client))
        let server = try keys.server(.p384, signers.server, trusting: Trust(ca: keys.root))
        _ = signers.client.asked
        let pair = try pair(server, client, signers.server)
        try pair.establish()
        #expect(pair.server.stream.peerName == "email:alice@example.org")
        let (ofClient, ofServer) = (signers.client.asked, signers.server.asked)
        try #require(ofClient.count == 1 && ofServer.count == 1)
        expectContent(ofClient[0].content, of: "client", hash: 48)
        #expect(ofClient[0].connection == ObjectIdentifier(pair.client.stream))
        #expect(ofServer[0].connection == ObjectIdentifier(pair.server.stream))
    }

    @Test(arguments: [1, 7, 100])
    func signature_isAskedForOnce_howeverNarrowTheChannel(_ capacity: Int) throws {
        let signer = try keys.signer(.p256)
        let pair = try pair(keys.server(.p256, signer), keys.client(), signer)
        pair.client.sent.capacity = capacity
        pair.server.sent.capacity = capacity
        try pair.establish()
        #expect(signer.asked.count == 1)
    }

    @Test(arguments: Kind.servers)
    func opensslClient_isServed(_ kind: Kind) async throws {
        try await onLoop { loop in
            let signer = try keys.signer(kind)
            let server = try keys.server(kind, signer)
            let port = try Port(on: loop)
            let client = try Stranger(
                [
                    "openssl", "s_client", "-connect", "127.0.0.1:\(port.number)", "-tls1_3",
                    "-verify_hostname", "localhost", "-verify_return_error", "-CAfile", keys.root,
                ], on: loop)
            let stream = try await TLSStream(server: server, over: port.accepted())
            try await stream.handshake()
            try await client.hear("Verify return code: 0 (ok)")
            try await client.say("Hello")
            #expect(try await stream.readText() == "Hello\n")
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
        }
    }

    /// - Parameter signer: forgets that the key was tried.
    private func pair(
        _ server: TLSContext, _ client: TLSContext, _ signer: LocalSigner
    ) throws -> MemoryPair {
        _ = signer.asked
        return try MemoryPair(client: client, server: server)
    }

    // MARK: Set-up

    @Test(arguments: Kind.allCases)
    func key_isTried_withoutAConnection(_ kind: Kind) throws {
        let signer = try keys.signer(kind)
        _ = try keys.credentials(kind, number: 3, signer)
        let asked = signer.asked
        #expect(asked.map(\.key) == [3])
        #expect(asked.map(\.connection) == [nil])
        expectEmptyErrorQueue()
    }

    @Test(arguments: Kind.servers)
    func key_belongsToItsCertificate_andToNoOther(_ kind: Kind) throws {
        let (certificate, signer) = (try keys.certificate(kind), try keys.signer(kind))
        let key = try PrivateKey(
            RemoteKey(number: 0, signer: signer), of: certificate, from: "x")
        #expect(key.belongs(to: certificate))
        for other in Kind.allCases where other != kind {
            #expect(!key.belongs(to: try keys.certificate(other)))
        }
        expectEmptyErrorQueue()
    }

    @Test(arguments: Kind.servers)
    func anotherKeyOfTheSameKind_isRefused(_ kind: Kind) throws {
        let other = try Authority { authority in
            try authority.certificate("other", key: .new(kind.options))
        }
        // By the library, where it's the key of another certificate.
        let certificate = try Certificate.read(other.path("other.pem"))[0]
        let key = try PrivateKey(
            RemoteKey(number: 0, signer: keys.signer(kind)), of: certificate, from: "x")
        let context = unsafe SSL_CTX_new(TLS_server_method())
        defer { unsafe SSL_CTX_free(context) }
        let leaf = try keys.certificate(kind)
        try #require(unsafe SSL_CTX_use_certificate(context, leaf.pointer) == 1)
        #expect(unsafe SSL_CTX_use_PrivateKey(context, key.pointer) != 1)
        #expect(!ErrorQueue.drain().isEmpty)
        // By the trial, where the signer has another.
        let signer = LocalSigner(try PrivateKey(other.path("other.key")))
        let code = credentialCode { () throws(CredentialError) in
            try keys.credentials(kind, signer)
        }
        #expect(code == .keyMismatch)
    }

    @Test func signerThatRefuses_isToldAsItSaysIt() throws {
        let signer = AnyAnswer { _ throws(SigningRefusal) in
            throw SigningRefusal("the broker is away")
        }
        do throws(CredentialError) {
            _ = try keys.credentials(.p256, signer)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .unusableKey)
            #expect(error.sentence.hasSuffix(": the broker is away"))
        }
        expectEmptyErrorQueue()
    }

    /// Curves that TLS 1.3 has no signature for.
    @Test(arguments: [("k1", "secp256k1"), ("p224", "secp224r1")])
    func curveWithoutAScheme_isRefused(_ name: String, _ curve: String) throws {
        let certificates = try CertificateFixture.shared
        let path = certificates.path("\(name).pem")
        let signer = LocalSigner(try PrivateKey(certificates.path("\(name).key")))
        let error = #expect(throws: CredentialError.self) {
            try Credentials(
                chain: Certificate.read(path), from: path,
                key: RemoteKey(number: 0, signer: signer),
                purpose: .server)
        }
        #expect(error?.code == .unusableKey)
        let sentence = try #require(error).sentence
        #expect(sentence.contains("(\(curve))") && sentence.contains("create a new key"))
        #expect(signer.asked.isEmpty)
        expectEmptyErrorQueue()
    }

    @Test func certificate_isCheckedAsElsewhere() throws {
        let certificates = try CertificateFixture.shared
        let signer = LocalSigner(try PrivateKey(certificates.path("ours/server.key")))
        for (name, expected) in [
            ("server-expired.pem", CredentialError.Code.expired), ("server-no-san.pem", .nameless),
            ("server-wrong-purpose.pem", .wrongPurpose),
        ] {
            let path = certificates.path(name)
            let code = credentialCode { () throws(CredentialError) in
                try Credentials(
                    chain: Certificate.read(path), from: path,
                    key: RemoteKey(number: 0, signer: signer), purpose: .server)
            }
            #expect(code == expected)
        }
        let none = credentialCode { () throws(CredentialError) in
            try Credentials(
                chain: [], from: "x", key: RemoteKey(number: 0, signer: signer), purpose: .server)
        }
        #expect(none == .empty)
    }
}

extension TLSStream {
    /// The client's and the server's.
    fileprivate var randoms: [UInt8] {
        var (client, server) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
        unsafe SSL_get_client_random(ssl, &client, 32)
        unsafe SSL_get_server_random(ssl, &server, 32)
        return client + server
    }
}
