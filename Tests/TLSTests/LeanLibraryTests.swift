// The part of OpenSSL that a server's handshakes get by with.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import CProvider
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.serialized, .timeLimit(.minutes(1)))
struct LeanLibraryTests {
    let keys: RemoteKeys

    init() throws {
        keys = try .shared
        // Made before a test loads another provider.
        unsafe _ = LeanLibrary.context
    }

    private var isOld: Bool { OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2 }

    @Test func onlyAnOldOpenSSL_needsIt() throws {
        #expect(unsafe (LeanLibrary.context != nil) == isOld)
        expectEmptyErrorQueue()
    }

    /// An administrator may have configured it for a reason.
    @Test func anotherProvider_isNotPassedOver() throws {
        let other = unsafe OSSL_PROVIDER_load(nil, "null")
        try #require(unsafe other != nil)
        let context = unsafe parley_lean_context()
        unsafe OSSL_PROVIDER_unload(other)
        #expect(unsafe context == nil)
        _ = ErrorQueue.drain()
    }

    /// A client's certificate is read as by the whole library, and what its key has signed is verified.
    @Test(arguments: RemoteKeys.Kind.allCases)
    func certificates_areReadAndVerifiedWith(_ kind: RemoteKeys.Kind) throws {
        guard let library = unsafe LeanLibrary.context else { return }
        let whole = try keys.certificate(kind)
        var read = unsafe X509_new_ex(library, nil)
        let der = whole.der
        _ = unsafe der.withUnsafeBufferPointer { bytes in
            var place = bytes.baseAddress
            return unsafe d2i_X509(&read, &place, bytes.count)
        }
        try #require(unsafe read != nil)
        let certificate = unsafe Certificate(owning: read!)
        let key = unsafe X509_get0_pubkey(certificate.pointer)
        try #require(unsafe key != nil)
        let provider = unsafe OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key!)!)
        #expect(unsafe String(cString: provider!) == "lean")
        #expect(unsafe EVP_PKEY_eq(key!, X509_get0_pubkey(whole.pointer)) == 1)
        #expect(PeerIdentity(certificate) == PeerIdentity(whole))
        let credentials = try Credentials(
            certificate: keys.path(kind), key: "\(keys.folder)/\(kind).key",
            purpose: kind == .client ? .client : .server)
        let content = [UInt8](repeating: 0x20, count: 130)
        let fitting = SignatureScheme.allCases.filter { certificate.fits($0) }
        #expect(!fitting.isEmpty)
        for scheme in fitting {
            #expect(whole.fits(scheme))
            guard let signature = try? credentials.signature(of: content, scheme: scheme) else {
                continue
            }
            #expect(certificate.verifies(signature[...], of: content, by: scheme))
            #expect(!certificate.verifies(signature[...], of: content + [0], by: scheme))
        }
        expectEmptyErrorQueue()
    }
}
