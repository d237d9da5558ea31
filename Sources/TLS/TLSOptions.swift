// What both roles may set.
// SPDX-License-Identifier: Apache-2.0

/// The oldest version that is spoken.
public enum TLSVersion: Sendable, CaseIterable {
    /// Only with forward-secret key exchange and authenticated encryption.
    case tls12
    case tls13

    /// As `--tls-min` has it: `1.2`, `1.3`.
    public init?(_ text: String) {
        switch text {
        case "1.2": self = .tls12
        case "1.3": self = .tls13
        default: return nil
        }
    }

    /// What an end with this minimum speaks, for people.
    public var description: String { self == .tls13 ? "TLS 1.3" : "TLS 1.2 or 1.3" }
}

/// What both roles may set.
public struct TLSOptions: Sendable {
    public var minimum = TLSVersion.tls13
    /// ALPN protocol names (RFC 7301), the preferred one first; 1 to 255 bytes each. A server
    /// takes part only if the client offers one of them in TLS 1.3; a client without a common one
    /// goes on without.
    public var applicationProtocols: [String] = []
    public var keyLog: KeyLog?
    /// Whether a peer in plaintext may be met with `--plaintext`, for advice.
    public var mayBePlaintext = true
    /// Whether a server's streams gather what a broker needs of their handshakes, for those that
    /// have a `transcript`.
    public var provesHandshakes = false
    public init() {}
}
