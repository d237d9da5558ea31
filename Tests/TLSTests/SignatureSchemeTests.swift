// Which keys make which signatures, and which of them TLS 1.3 takes.
// SPDX-License-Identifier: Apache-2.0
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SignatureSchemeTests {
    private static let ecdsa: [SignatureScheme] = [
        .ecdsaP256SHA256, .ecdsaP384SHA384, .ecdsaP521SHA512, .ecdsaBrainpoolP256SHA256,
        .ecdsaBrainpoolP384SHA384, .ecdsaBrainpoolP512SHA512,
    ]
    private static let pkcs1: [SignatureScheme] = [
        .rsaPKCS1SHA256, .rsaPKCS1SHA384, .rsaPKCS1SHA512,
    ]
    private static let rsa: [SignatureScheme] = [.rsaPSSSHA256, .rsaPSSSHA384, .rsaPSSSHA512]
    private static let pss: [SignatureScheme] = [.pssSHA256, .pssSHA384, .pssSHA512]

    /// A key, what it may sign with in TLS 1.3, and what else it can make.
    private static let table: [(RemoteKeys.Kind, [SignatureScheme], [SignatureScheme])] = [
        (.p256, [.ecdsaP256SHA256], ecdsa), (.p384, [.ecdsaP384SHA384], ecdsa),
        (.p521, [.ecdsaP521SHA512], ecdsa), (.rsa2048, rsa, pkcs1), (.pss, pss, []),
        (.ed25519, [.ed25519], []),
    ]

    @Test(arguments: table)
    func key_signsByTheSchemesOfItsType(
        _ kind: RemoteKeys.Kind, _ fitting: [SignatureScheme], _ others: [SignatureScheme]
    ) throws {
        let keys = try RemoteKeys.shared
        let certificate = try keys.certificate(kind)
        let credentials = try Credentials(
            certificate: keys.path(kind), key: "\(keys.folder)/\(kind).key", purpose: .server)
        let content = [UInt8](repeating: 0x20, count: 130)
        for scheme in SignatureScheme.allCases {
            for _ in 1...2 {
                #expect(certificate.fits(scheme) == fitting.contains(scheme), "\(scheme)")
            }
            guard fitting.contains(scheme) || others.contains(scheme) else {
                #expect(throws: SigningRefusal.self) {
                    try credentials.signature(of: content, scheme: scheme)
                }
                continue
            }
            let signature = try credentials.signature(of: content, scheme: scheme)
            #expect(certificate.verifies(signature[...], of: content, by: scheme))
            #expect(!certificate.verifies(signature[...], of: content + [0], by: scheme))
            // Nor by any other scheme: what hashes alike is padded otherwise, or of another type.
            for other in SignatureScheme.allCases where certificate.fits(other) && other != scheme {
                let isAlike = Self.ecdsa.contains(scheme) && other.hash == scheme.hash
                #expect(
                    certificate.verifies(signature[...], of: content, by: other) == isAlike,
                    "\(scheme), \(other)")
            }
        }
        expectEmptyErrorQueue()
    }

    /// What is prepared for one signature serves the next ones, of other contents, schemes and threads.
    @Test(arguments: table)
    func key_signsAgain(
        _ kind: RemoteKeys.Kind, _ fitting: [SignatureScheme], _ others: [SignatureScheme]
    ) async throws {
        let key = try RemoteKeys.shared.privateKey(kind)
        let certificate = try RemoteKeys.shared.certificate(kind)
        try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
            for task in 0..<4 as Range<UInt8> {
                group.addTask {
                    try (0..<8 as Range<UInt8>).map { round in
                        let scheme = fitting[Int(round) % fitting.count]
                        let content = [task, round]
                        let signature = try #require(key.sign(content, scheme))
                        #expect(certificate.verifies(signature[...], of: content, by: scheme))
                        return signature
                    }
                }
            }
            let all = try await group.reduce(into: []) { $0 += $1 }
            #expect(Set(all).count == 32)
        }
    }

    /// ECDSA's secret number of a signature must be none that was used before.
    @Test func signatures_ofTheSameContent_differ() throws {
        let key = try RemoteKeys.shared.privateKey(.p256)
        let signatures = (0..<50).map { _ in key.sign([1, 2, 3], .ecdsaP256SHA256) }
        // r comes first: two equal ones would tell the key.
        let halves = Set(signatures.map { $0.map { Array($0.dropFirst(4).prefix(32)) } })
        #expect(halves.count == 50 && !halves.contains(nil))
    }

    /// A key that may do one hash only.
    @Test func restrictedKey_signsByItsHashOnly() throws {
        let key = try RemoteKeys.shared.privateKey(.pssOfSHA256)
        #expect(key.sign([1], .pssSHA256) != nil)
        #expect(key.sign([1], .pssSHA384) == nil)
        expectEmptyErrorQueue()
    }

    /// RFC 8446, section 4.2.3. OpenSSL would take any length that it finds.
    @Test(arguments: [(20, false), (32, true), (64, false)])
    func salt_isAsLongAsTheHash(_ length: Int, _ isTaken: Bool) throws {
        let keys = try RemoteKeys.shared
        for (kind, scheme) in [
            (RemoteKeys.Kind.rsa2048, SignatureScheme.rsaPSSSHA256), (.pss, .pssSHA256),
        ] {
            let made = try run([
                "sh", "-c",
                """
                printf content | openssl dgst -sha256 -sigopt rsa_padding_mode:pss \
                    -sigopt rsa_pss_saltlen:\(length) -sign "$0" | base64 -w 0
                """, "\(keys.folder)/\(kind).key",
            ])
            let signature = try #require(Base64.bytes(Array(made.utf8)))
            let isSignature = try keys.certificate(kind).verifies(
                signature[...], of: Array("content".utf8), by: scheme)
            #expect(isSignature == isTaken, "\(kind)")
        }
        expectEmptyErrorQueue()
    }

    /// Such a key has nobody to ask outside of a handshake.
    @Test func keyElsewhere_signsNothingItself() throws {
        let keys = try RemoteKeys.shared
        let signer = try keys.signer(.p256)
        let credentials = try keys.credentials(.p256, signer)
        _ = signer.asked
        #expect(throws: SigningRefusal.self) {
            try credentials.signature(of: [1], scheme: .ecdsaP256SHA256)
        }
        #expect(signer.asked.isEmpty)
    }
}

extension SignatureScheme {
    /// By its name.
    fileprivate var hash: Substring { "\(self)".suffix(6) }
}
