// TLS ends of an authority's certificates, and what they say of each other.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

extension Authority {
    func trust(_ ca: String, crl: String? = nil) throws(CredentialError) -> Trust {
        try Trust(ca: path(ca.contains(".") ? ca : "\(ca).pem"), crl: crl.map(path))
    }

    /// A server that trusts clients as said, and a client that shows a certificate, whatever is
    /// wrong with it.
    ///
    /// - Parameter level: the security level of both; nil for the contexts' own.
    func pair(
        client name: String, key: String? = nil, trusting trust: Trust, level: Int32? = nil
    ) throws -> MemoryPair {
        let certificates = try CertificateFixture.shared
        let client = try certificates.client(nil)
        let server = try certificates.server(trusting: trust)
        if let level {
            for context in [client, server] {
                unsafe SSL_CTX_set_security_level(context.pointer, level)
            }
        }
        try show(name, key, in: client)
        return try MemoryPair(client: client, server: server)
    }

    /// A client that trusts servers as said, and a server that shows a certificate.
    func pair(server name: String, key: String? = nil, trusting trust: Trust) throws -> MemoryPair {
        let certificates = try CertificateFixture.shared
        let server = try certificates.server(trusting: nil)
        try show(name, key, in: server)
        return try MemoryPair(
            client: certificates.client(nil, trusting: trust), server: server)
    }

    /// Has a context show a certificate with its chain, whatever is wrong with them.
    func show(_ name: String, _ key: String? = nil, in context: TLSContext) throws {
        // OpenSSL minds what it can't read of a certificate, and takes it all the same.
        defer { _ = ErrorQueue.drain() }
        let chain = try Certificate.read(path("\(name).pem"))
        try #require(unsafe SSL_CTX_use_certificate(context.pointer, chain[0].pointer) == 1)
        for certificate in chain.dropFirst() {
            unsafe X509_up_ref(certificate.pointer)
            try #require(
                unsafe parley_SSL_CTX_add0_chain_cert(context.pointer, certificate.pointer) == 1)
        }
        try #require(
            unsafe SSL_CTX_use_PrivateKey_file(
                context.pointer, path("\(key ?? name).key"), SSL_FILETYPE_PEM) == 1)
    }
}

extension MemoryPair {
    /// What the server says of the client; nil where it lets it in.
    func serversVerdict() -> StreamError.Code? {
        handshake()
        return if case .failed(let code) = server.progress { code } else { nil }
    }

    /// What the client says of the server.
    func clientsVerdict() -> StreamError.Code? {
        handshake()
        return if case .failed(let code) = client.progress { code } else { nil }
    }

    /// What the server's alert has the client say, with its remedy.
    func clientsSentence() throws -> String {
        let error = #expect(throws: StreamError.self) { try client.read() }
        return "\(try #require(error))"
    }
}
