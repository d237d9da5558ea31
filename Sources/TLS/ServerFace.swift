// What a server shows of itself.
// SPDX-License-Identifier: Apache-2.0

/// What a server shows of itself, and how it asks its clients for certificates: nothing of it is secret, and it
/// is all that a context needs whose key and trust are elsewhere (`TLSContext.face`).
public struct ServerFace: Sendable {
    /// Its certificates in DER, its own first.
    public var chain: [[UInt8]]
    /// What sentences call its certificate.
    public var path: String
    /// Nil where no client is asked for a certificate.
    public var clients: Clients?
    public var options: TLSOptions

    /// The most bytes of a server's Certificate message that any client has to take: OpenSSL's own limit
    /// (SSL_CTX_set_max_cert_list(3)), of which each certificate costs five more than it has. What has more is
    /// refused where it is read (`TLSContext.rehearseFace`).
    public static let longestChain = 102_400

    /// Of its Certificate message, without the message's header.
    var chainLength: Int { 4 + chain.reduce(0) { $0 + $1.count + 5 } }

    /// Whom it asks for a certificate.
    public struct Clients: Sendable {
        /// The names of their CAs in DER, which are no more than a hint for clients that have several
        /// certificates; they may be left out.
        public var authorities: [[UInt8]]
        /// What sentences call the CAs.
        public var origin: String

        public init(authorities: [[UInt8]], origin: String) {
            self.authorities = authorities
            self.origin = origin
        }
    }

    public init(chain: [[UInt8]], path: String, clients: Clients?, options: TLSOptions) {
        self.chain = chain
        self.path = path
        self.clients = clients
        self.options = options
    }
}
