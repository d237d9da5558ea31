// What both roles may set.
// SPDX-License-Identifier: Apache-2.0

/// The oldest version that is accepted.
public enum TLSVersion: Sendable, CaseIterable {
    /// Only with forward-secret key exchange and authenticated encryption.
    case tls12
    case tls13

    /// As in `--tls-min`: `1.2`, `1.3`.
    public init?(_ text: String) {
        switch text {
        case "1.2": self = .tls12
        case "1.3": self = .tls13
        default: return nil
        }
    }

    /// What an end with this minimum supports, for people.
    public var description: String { self == .tls13 ? "TLS 1.3" : "TLS 1.2 or 1.3" }
}

/// What both roles may set.
public struct TLSOptions: Sendable {
    public var minimum = TLSVersion.tls13
    /// ALPN protocol names (RFC 7301), the preferred one first; 1 to 255 bytes each. A server
    /// selects one only if the client offers it in TLS 1.3; a client without a common one continues
    /// without.
    public var applicationProtocols: [String] = []
    public var keyLog: KeyLog?
    /// Whether `--plaintext` is a remedy for a plaintext peer, for advice.
    public var mayBePlaintext = true
    /// Whether a server's streams collect what a broker needs to know about their handshakes, if
    /// they have a `transcript`.
    public var provesHandshakes = false
    public init() {}
}
