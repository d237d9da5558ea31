// The provider of keys that are elsewhere, by OpenSSL's own calls: what it takes and what it gives.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import CProvider
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ProviderTests {
    typealias Kind = RemoteKeys.Kind
    let keys: RemoteKeys

    init() throws { keys = try .shared }

    // MARK: Keys

    @Test(arguments: Kind.servers)
    func key_hasNothingPrivate_andIsExportedByNobody(_ kind: Kind) throws {
        let key = try key(kind)
        var parameters: UnsafeMutablePointer<OSSL_PARAM>?
        for selection in [parley_EVP_PKEY_KEYPAIR, parley_EVP_PKEY_PUBLIC_KEY] {
            #expect(unsafe EVP_PKEY_todata(key.pointer, selection, &parameters) != 1)
        }
        for name in ["priv", "d", "rsa-factor1"] {
            var number: OpaquePointer?
            #expect(unsafe EVP_PKEY_get_bn_param(key.pointer, name, &number) != 1)
        }
        var count = 0
        #expect(unsafe EVP_PKEY_get_raw_private_key(key.pointer, nil, &count) != 1)
        #expect(unsafe i2d_PrivateKey(key.pointer, nil) <= 0)
        _ = ErrorQueue.drain()
    }

    @Test(arguments: Kind.servers)
    func key_isDescribedAsItsPublicHalf(_ kind: Kind) throws {
        let (key, local) = (try key(kind), try keys.privateKey(kind))
        #expect(unsafe EVP_PKEY_get_bits(key.pointer) == EVP_PKEY_get_bits(local.pointer))
        #expect(unsafe EVP_PKEY_get_size(key.pointer) == EVP_PKEY_get_size(local.pointer))
        #expect(
            unsafe EVP_PKEY_get_security_bits(key.pointer)
                == EVP_PKEY_get_security_bits(local.pointer))
        #expect(key.kind == local.kind)
        #expect(unsafe Curve.name(of: key.pointer) == Curve.name(of: local.pointer))
        expectEmptyErrorQueue()
    }

    /// What OpenSSL offers to compare two keys.
    @Test(arguments: Kind.servers)
    func privateHalfOfAnother_isNotTaken(_ kind: Kind) throws {
        let local = try keys.privateKey(kind)
        var parameters: UnsafeMutablePointer<OSSL_PARAM>?
        try #require(
            unsafe EVP_PKEY_todata(local.pointer, parley_EVP_PKEY_KEYPAIR, &parameters) == 1)
        defer { unsafe OSSL_PARAM_free(parameters) }
        // There it is, and what is made of it can't sign.
        let names: [String] = ["priv", "d"].filter {
            unsafe OSSL_PARAM_locate_const(parameters, $0) != nil
        }
        #expect(!names.isEmpty)
        let kindName = unsafe EVP_PKEY_get0_type_name(local.pointer).map {
            unsafe String(cString: $0)
        }
        let made = unsafe make(kindName ?? "", parameters)
        defer { unsafe EVP_PKEY_free(made) }
        try #require(unsafe made != nil)
        // Nor is anybody asked, who might take its number for another's.
        let signer = try keys.signer(kind)
        let call = SigningCall.make(asking: signer, for: nil) {
            unsafe sign([1], with: made!, digest: kind.digest)
        }
        #expect(call.result == nil)
        #expect(signer.asked.isEmpty)
        _ = ErrorQueue.drain()
    }

    enum Wrong: CaseIterable, Sendable {
        case nothing, negative, text, tooLong, noPoint, noCurve, foreignCurve, noPointOfTheCurve
    }

    @Test(arguments: Wrong.allCases)
    func parameters_areBounded(_ wrong: Wrong) throws {
        let builder = unsafe OSSL_PARAM_BLD_new()
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        // The builder reads them when it makes the parameters.
        let (number, curve) = unsafe (
            strdup("3"), strdup(wrong == .foreignCurve ? "secp256k1" : "P-256")
        )
        defer {
            unsafe free(number)
            unsafe free(curve)
        }
        if wrong == .text {
            unsafe OSSL_PARAM_BLD_push_utf8_string(builder, Self.name(.number), number, 0)
        } else {
            unsafe OSSL_PARAM_BLD_push_int(builder, Self.name(.number), wrong == .negative ? -1 : 3)
        }
        var point = try keys.certificate(.p256).point
        if wrong == .tooLong { point += [UInt8](repeating: 0, count: 2_049 - point.count) }
        if wrong == .noPointOfTheCurve { point[10] ^= 1 }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: point.count, alignment: 1)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.copyBytes(from: point)
        if wrong != .noPoint {
            unsafe OSSL_PARAM_BLD_push_octet_string(
                builder, Self.name(.point), bytes.baseAddress, bytes.count)
        }
        if wrong != .noCurve {
            unsafe OSSL_PARAM_BLD_push_utf8_string(builder, Self.name(.curve), curve, 0)
        }
        let parameters = unsafe OSSL_PARAM_BLD_to_param(builder)
        defer { unsafe OSSL_PARAM_free(parameters) }
        let made = unsafe make("EC", parameters)
        defer { unsafe EVP_PKEY_free(made) }
        #expect(unsafe (made != nil) == (wrong == .nothing))
        // With reasons, which the next call must not find.
        #expect(ErrorQueue.drain().isEmpty == (wrong == .nothing))
    }

    /// RSA's modulus is the longest that there is.
    @Test(arguments: [(2_048, true), (2_049, false)])
    func modulus_isBounded(_ count: Int, _ isTaken: Bool) throws {
        let builder = unsafe OSSL_PARAM_BLD_new()
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        let modulus = unsafe BN_bin2bn([UInt8](repeating: 0xff, count: count), Int32(count), nil)
        let exponent = unsafe BN_bin2bn([1, 0, 1], 3, nil)
        defer {
            unsafe BN_free(modulus)
            unsafe BN_free(exponent)
        }
        unsafe OSSL_PARAM_BLD_push_int(builder, Self.name(.number), 3)
        unsafe OSSL_PARAM_BLD_push_BN(builder, Self.name(.modulus), modulus)
        unsafe OSSL_PARAM_BLD_push_BN(builder, Self.name(.exponent), exponent)
        let parameters = unsafe OSSL_PARAM_BLD_to_param(builder)
        defer { unsafe OSSL_PARAM_free(parameters) }
        let made = unsafe make("RSA", parameters)
        defer { unsafe EVP_PKEY_free(made) }
        #expect(unsafe (made != nil) == isTaken)
        _ = ErrorQueue.drain()
    }

    private enum Name { case number, point, curve, modulus, exponent }

    /// At a place for ever, since a builder keeps it.
    private static func name(_ name: Name) -> UnsafePointer<CChar> {
        let text: StaticString =
            switch name {
            case .number: "parley-number"
            case .point: "pub"
            case .curve: "group"
            case .modulus: "n"
            case .exponent: "e"
            }
        return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func key(_ kind: Kind, _ signer: (any RemoteSigner)? = nil) throws -> PrivateKey {
        let key = RemoteKey(number: 5, signer: try signer ?? keys.signer(kind))
        return try PrivateKey(key, of: keys.certificate(kind), from: "x")
    }

    private func make(
        _ kind: String, _ parameters: UnsafeMutablePointer<OSSL_PARAM>?
    ) -> OpaquePointer? {
        let making = unsafe EVP_PKEY_CTX_new_from_name(RemoteKey.context, kind, "provider=parley")
        defer { unsafe EVP_PKEY_CTX_free(making) }
        var made: OpaquePointer?
        if unsafe EVP_PKEY_fromdata_init(making) == 1 {
            unsafe EVP_PKEY_fromdata(making, &made, parley_EVP_PKEY_KEYPAIR, parameters)
        }
        return unsafe made
    }

    // MARK: Signatures

    @Test(arguments: ["SHA256", "SHA2-256"])
    func hash_isKnownByBothOfItsNames(_ name: String) throws {
        let signer = try keys.signer(.p256)
        #expect(try sign([1], with: key(.p256), digest: name, asking: signer) != nil)
        #expect(signer.asked.map(\.scheme) == [.ecdsaP256SHA256])
    }

    @Test(arguments: ["SHA1", "SHA224", "SHA512-256", "SHA3-256", "MD5", "nonsense", nil])
    func hashThatTLSDoesNotHave_isRefused(_ name: String?) throws {
        for kind: Kind in [.p256, .rsa2048] {
            let signer = try keys.signer(kind)
            // OpenSSL puts the key's own for none.
            let isSigned = try sign([1], with: key(kind), digest: name, asking: signer) != nil
            #expect(isSigned == (name == nil))
            #expect(signer.asked.count == (name == nil ? 1 : 0))
        }
        let signer = try keys.signer(.ed25519)
        #expect(
            try (sign([1], with: key(.ed25519), digest: name, asking: signer) != nil)
                == (name == nil))
    }

    @Test(arguments: ["SHA256", "SHA384", "SHA512"], [Kind.ed25519, .ed448])
    func ed25519AndEd448_hashByThemselves(_ name: String, _ kind: Kind) throws {
        let signer = try keys.signer(kind)
        #expect(try sign([1], with: key(kind), digest: name, asking: signer) == nil)
        #expect(signer.asked.isEmpty)
    }

    @Test(
        arguments: [
            (RSA_PKCS1_PADDING, nil, .rsaPKCS1SHA256),
            (RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, .rsaPSSSHA256),
            (RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_AUTO, nil),
            (RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, nil), (RSA_PKCS1_PSS_PADDING, 20, nil),
            (RSA_NO_PADDING, nil, nil), (RSA_X931_PADDING, nil, nil),
        ] as [(Int32, Int32?, SignatureScheme?)])
    func padding_isTLSs(_ padding: Int32, _ salt: Int32?, _ scheme: SignatureScheme?) throws {
        let signer = try keys.signer(.rsa2048)
        let key = try key(.rsa2048)
        _ = sign([1], with: key, digest: "SHA256", asking: signer) { parameters in
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, padding) == 1 else {
                return false
            }
            guard let salt else { return true }
            return unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1
        }
        #expect(signer.asked.first?.scheme == scheme)
    }

    @Test func content_isBounded() throws {
        let signer = try keys.signer(.p256)
        let key = try key(.p256)
        for (count, isSigned) in [
            (0, false), (1, true), (512, true), (513, false), (100_000, false),
        ] {
            let content = [UInt8](repeating: 7, count: count)
            #expect(
                (sign(content, with: key, digest: "SHA256", asking: signer) != nil) == isSigned)
            #expect(signer.asked.map(\.content) == (isSigned ? [content] : []))
        }
    }

    @Test(arguments: Kind.servers)
    func nobodyIsAsked_outsideOfACall(_ kind: Kind) throws {
        let signer = try keys.signer(kind)
        let (key, digest) = (try key(kind, signer), kind.digest)
        #expect(sign([1], with: key, digest: digest, asking: nil) == nil)
        #expect(sign([1], with: key, digest: digest, asking: signer) != nil)
        #expect(sign([1], with: key, digest: digest, asking: nil) == nil)
        #expect(signer.asked.count == 1)
    }

    /// Whoever is asked may say that it has written more than there was room for.
    @Test func length_isTheRoomsAtMost() throws {
        let key = try key(.ed25519)
        for (extra, isTaken) in [(0, true), (1, false), (1_000_000, false)] {
            var extra = extra
            let signature = unsafe withUnsafeMutablePointer(to: &extra) { extra in
                var asked = unsafe parley_asked(
                    sign: { extra, _, _, _, _, signature, room in
                        unsafe signature!.initialize(repeating: 7, count: room)
                        return unsafe room + extra!.load(as: Int.self)
                    }, self: extra)
                return unsafe withUnsafePointer(to: &asked) { asked in
                    let before = unsafe parley_ask(asked)
                    defer { unsafe parley_ask(before) }
                    return unsafe sign([1], with: key.pointer, digest: nil)
                }
            }
            #expect(signature == (isTaken ? [UInt8](repeating: 7, count: 64) : nil))
        }
    }

    @Test func signature_isTheSigners() throws {
        let signature = try sign(
            [1], with: key(.ed25519), digest: nil,
            asking: AnyAnswer { _ throws(SigningRefusal) in Array(0..<64) })
        #expect(signature == Array(0..<64))
    }

    /// The signature; nil where there is none. Leaves the queue empty.
    @safe private func sign(
        _ content: [UInt8], with key: PrivateKey, digest: String?,
        asking signer: (any RemoteSigner)?,
        _ set: (OpaquePointer?) -> Bool = { _ in true }
    ) -> [UInt8]? {
        SigningCall.make(asking: signer, for: nil) {
            unsafe sign(content, with: key.pointer, digest: digest, set)
        }.result
    }

    private func sign(
        _ content: [UInt8], with key: OpaquePointer, digest: String?,
        _ set: (OpaquePointer?) -> Bool = { _ in true }
    ) -> [UInt8]? {
        defer { _ = ErrorQueue.drain() }
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        var count = 0
        guard
            unsafe EVP_DigestSignInit_ex(context, &parameters, digest, nil, nil, key, nil) == 1,
            unsafe set(parameters),
            unsafe EVP_DigestSign(context, nil, &count, content, content.count) == 1
        else { return nil }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(context, &signature, &count, content, content.count) == 1 else {
            return nil
        }
        return Array(signature.prefix(count))
    }
}

extension Certificate {
    /// An EC key's, as its certificate has it.
    fileprivate var point: [UInt8] {
        var (point, count) = ([UInt8](repeating: 0, count: 200), 0)
        unsafe EVP_PKEY_get_octet_string_param(
            X509_get0_pubkey(pointer), OSSL_PKEY_PARAM_PUB_KEY, &point, point.count, &count)
        return Array(point.prefix(count))
    }
}
