// What a server shows of itself.
// SPDX-License-Identifier: Apache-2.0

/// What a server shows of itself, and how it asks its clients for certificates: none of it is secret, and it is
/// all that a context needs if its key and trust are in another process (`TLSContext.face`).
public struct ServerFace: Sendable {
    /// Its certificates in DER, its own first.
    public var chain: [[UInt8]]
    /// Its certificate's name in sentences.
    public var path: String
    /// Nil if clients are not asked for certificates.
    public var clients: Clients?
    public var options: TLSOptions

    /// The most bytes of a server's Certificate message that clients must accept: OpenSSL's own limit
    /// (SSL_CTX_set_max_cert_list(3)), of which each certificate uses five more than its length. Longer chains
    /// are rejected when they are read (`TLSContext.rehearseFace`).
    public static let longestChain = 102_400

    /// Of its Certificate message, without the message's header.
    var chainLength: Int { 4 + chain.reduce(0) { $0 + $1.count + 5 } }

    /// Which clients it asks for a certificate.
    public struct Clients: Sendable {
        /// The names of their CAs in DER: only a hint for clients that have several certificates;
        /// optional.
        public var authorities: [[UInt8]]
        /// The CAs' name in sentences.
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
