// TLS ends of an authority's certificates, and what they say of each other.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

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
    /// What the server says of the client; nil where it lets it in. Outside of a handshake its verdict is
    /// the same, word for word.
    func serversVerdict() -> StreamError.Code? {
        handshake()
        expectSameVerdict()
        expectSameHandshake()
        return if case .failed(let code) = server.progress { code } else { nil }
    }

    /// Has the chain that the client has shown verified as a broker does.
    func expectSameVerdict(_ location: SourceLocation = #_sourceLocation) {
        let certificates = client.stream.shownChain
        guard !certificates.isEmpty else { return }
        defer { expectEmptyErrorQueue() }
        do {
            let chain = try ClientChain(certificateMessage(certificates.map(\.entry)))
            let verified = try VerifiedChain(chain, under: server.stream.context)
            #expect(server.progress == .done, sourceLocation: location)
            #expect(verified.identity == server.stream.peerIdentity, sourceLocation: location)
            #expect(verified.end <= verified.identity.expiry, sourceLocation: location)
        } catch let refusal as ChainRefusal {
            #expect(refusal.failure == server.failure, sourceLocation: location)
            #expect(refusal.failure.cause == server.failure?.cause, sourceLocation: location)
            let code = unsafe SSL_get_verify_result(server.stream.ssl)
            #expect(refusal.code == code, sourceLocation: location)
        } catch {
            #expect(error as? ProofRefusal == .tooManyCertificates, sourceLocation: location)
            #expect(certificates.count > HandshakeKind.maxCertificates, sourceLocation: location)
        }
    }

    /// Has a server without key and trust do the same, whose broker has both: the alert is the same, and so is
    /// what is said.
    func expectSameHandshake(_ location: SourceLocation = #_sourceLocation) {
        // Others show chains that their credentials don't have.
        guard server.stream.context.asksForClients else { return }
        do {
            let network = try OwnedNetwork(server.stream.context)
            let pair = try network.pair(client.stream.context)
            pair.handshake()
            if case .objection? = network.lastVerdict,
                client.stream.shownChain.count > HandshakeKind.maxCertificates
            {
                return
            }
            #expect(pair.server.progress == server.progress, sourceLocation: location)
            #expect(pair.server.failure == server.failure, sourceLocation: location)
            #expect(pair.client.alert == client.alert, sourceLocation: location)
            guard pair.server.progress == .done else { return }
            let proof = try #require(pair.server.stream.takeProof())
            let answer = try network.ask(ProofCall(handle: 1, messages: proof))
            #expect(answer == .proven, sourceLocation: location)
            #expect(
                network.clients[1]?.proven?.identity == server.stream.peerIdentity,
                sourceLocation: location)
        } catch {
            Issue.record(error, sourceLocation: location)
        }
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

extension MemoryEnd {
    /// What the other end's alert has this one say; nil where none came.
    fileprivate var alert: String? {
        if case .failed = progress { return failure?.sentence }
        do throws(StreamError) {
            _ = try read()
            return nil
        } catch {
            return error.sentence
        }
    }
}

extension TLSStream {
    /// This end's certificate, and what it shows with it.
    var shownChain: [Certificate] {
        var others: OpaquePointer?
        _ = unsafe withUnsafeMutablePointer(to: &others) {
            unsafe SSL_ctrl(ssl, SSL_CTRL_GET_CHAIN_CERTS, 0, $0)
        }
        let own = unsafe SSL_get_certificate(ssl).map { unsafe Certificate(sharing: $0) }
        let more = unsafe (0..<max(0, OPENSSL_sk_num(others))).map {
            unsafe Certificate(sharing: OpaquePointer(OPENSSL_sk_value(others, $0)!))
        }
        return (own.map { [$0] } ?? []) + more
    }
}

extension Certificate {
    /// As an entry of a Certificate message, without extensions.
    var entry: [UInt8] { entry([]) }

    /// With extensions, whatever they are.
    func entry(_ extensions: [UInt8]) -> [UInt8] {
        func size(_ count: Int) -> [UInt8] { [UInt8(count >> 8 & 0xff), UInt8(count & 0xff)] }
        let encoded = der
        return [UInt8(encoded.count >> 16)] + size(encoded.count) + encoded
            + size(extensions.count) + extensions
    }
}
