// Keys that are elsewhere, in tests: their certificates, and signers of several manners.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Synchronization
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// A server's certificate of each kind of key, and one of a client, under one CA; made once a run.
struct RemoteKeys: Codable, Sendable {
    static var shared: Self { get throws { try made.get() } }

    enum Kind: String, CaseIterable, Codable, Sendable {
        case p256, p384, p521, rsa2048, rsa3072, pss, pssOfSHA256, ed25519, ed448, client

        static var servers: [Kind] { allCases.filter { $0 != .client } }

        /// As `openssl req -newkey` has it.
        var options: [String] {
            let pss = ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"]
            return switch self {
            case .p256, .client: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            case .p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]
            case .p521: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]
            case .rsa2048: ["rsa:2048"]
            case .rsa3072: ["rsa:3072"]
            case .pss: pss
            case .pssOfSHA256:
                pss
                    + [
                        "rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256",
                        "rsa_pss_keygen_saltlen:32",
                    ].flatMap { ["-pkeyopt", $0] }
            case .ed25519, .ed448: [rawValue]
            }
        }

        /// What a trial signs with; nil where the key hashes by itself.
        var digest: String? { self == .ed25519 || self == .ed448 ? nil : "SHA256" }
    }

    let folder: String

    private static let made = Result {
        let authority = try Authority { authority in
            try authority.certificate("root")
            for kind in Kind.allCases {
                try authority.certificate(
                    kind.rawValue, "localhost",
                    kind == .client ? Authority.client : Authority.server, by: "root",
                    key: .new(kind.options))
            }
        }
        return RemoteKeys(folder: authority.folder)
    }

    func path(_ kind: Kind) -> String { "\(folder)/\(kind).pem" }
    var root: String { "\(folder)/root.pem" }

    func certificate(_ kind: Kind) throws -> Certificate {
        try Certificate.read(path(kind))[0]
    }

    func privateKey(_ kind: Kind) throws -> PrivateKey {
        try PrivateKey("\(folder)/\(kind).key")
    }

    /// What signs with the key of that kind, whatever number it's asked for.
    func signer(_ kind: Kind) throws -> LocalSigner { LocalSigner(try privateKey(kind)) }

    func credentials(
        _ kind: Kind, number: Int = 7, _ signer: any RemoteSigner
    ) throws(CredentialError) -> Credentials {
        try Credentials(
            chain: Certificate.read(path(kind)), from: path(kind),
            key: RemoteKey(number: number, signer: signer),
            purpose: kind == .client ? .client : .server)
    }

    func server(
        _ kind: Kind, number: Int = 7, _ signer: any RemoteSigner, trusting trust: Trust? = nil,
        minimum: TLSVersion = .tls13
    ) throws -> TLSContext {
        var options = TLSOptions()
        options.minimum = minimum
        return try TLSContext(
            serverWith: credentials(kind, number: number, signer), clientTrust: trust,
            options: options)
    }

    /// A client that trusts the CA.
    ///
    /// - Parameters:
    ///   - version: the newest that it speaks.
    ///   - signatures: all that it takes, in OpenSSL's names; nil for its own choice.
    func client(
        upTo version: Int32 = TLS1_3_VERSION, signatures: String? = nil,
        credentials: Credentials? = nil
    ) throws -> TLSContext {
        var options = TLSOptions()
        options.minimum = .tls12
        let context = try TLSContext(
            clientTrusting: Trust(ca: root), credentials: credentials, options: options)
        context.limit(to: version)
        if let signatures {
            let taken = unsafe parley_SSL_CTX_set1_sigalgs_list(context.pointer, signatures)
            try #require(taken == 1)
        }
        return context
    }
}

/// What a signer was asked.
struct Asked: Sendable {
    let key: Int
    let scheme: SignatureScheme
    let content: [UInt8]
    let connection: ObjectIdentifier?

    init(_ request: SigningRequest) {
        key = request.key
        scheme = request.scheme
        content = request.content
        connection = request.connection.map { ObjectIdentifier($0) }
    }
}

/// Signs as the broker will, in this process, and keeps what it was asked.
final class LocalSigner: RemoteSigner {
    private let key: PrivateKey
    private let log = Mutex<[Asked]>([])
    /// All that it was asked since this was read last.
    var asked: [Asked] {
        log.withLock { log in
            defer { log = [] }
            return log
        }
    }

    init(_ key: PrivateKey) { self.key = key }

    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
        log.withLock { $0.append(Asked(request)) }
        guard let signature = key.sign(request.content, request.scheme) else {
            throw SigningRefusal("OpenSSL refuses")
        }
        return signature
    }
}

/// Answers as its test has it.
struct AnyAnswer: RemoteSigner {
    let answer: @Sendable (SigningRequest) throws(SigningRefusal) -> [UInt8]

    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
        try answer(request)
    }
}
