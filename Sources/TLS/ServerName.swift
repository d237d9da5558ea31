// The name or address that a server must prove.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// What a client verifies the server's certificate against.
public enum ServerName: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name, sent as SNI (RFC 6066, section 3) and matched against `dns:` names.
    case dns(String)
    /// An IP address, never sent as SNI and matched against `ip:` names only.
    case address(String)
    /// A URI, such as a SPIFFE ID, never sent and matched byte for byte against `uri:` names.
    case uri(String)

    /// - Parameter text: a host name, an address, or `uri:` and a URI. A SPIFFE ID needs no `uri:`.
    /// - Throws: `invalidServerName`; a client without a name to check must not connect.
    public init(_ text: String) throws(CredentialError) {
        if text.hasPrefix("uri:") || text.hasPrefix("spiffe://") {
            self = .uri(try Self.uri(text))
            return
        }
        let bare = String(text.prefix { $0 != "%" })
        if NumericAddress.isOne(bare) {
            self = .address(bare)
            return
        }
        let name = text.hasSuffix(".") ? String(text.dropLast()) : text
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // An address with a trailing dot would be sent as SNI.
        guard !NumericAddress.isOne(name), name.utf8.count <= 253,
            labels.allSatisfy({ (1...63).contains($0.count) }),
            name.utf8.allSatisfy({
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else {
            throw CredentialError(
                .invalidServerName,
                "use letters, digits, dots and hyphens (the xn-- form of an international name), or a URI such as uri:spiffe://example.org/server",
                remedy: .nameServer)
        }
        self = .dns(name)
    }

    public var description: String {
        switch self {
        case .dns(let name), .address(let name): name
        case .uri(let uri): "uri:\(uri)"
        }
    }

    /// In the form of certificates' names: `dns:…`, `ip:…`, `uri:…`.
    var identity: String {
        switch self {
        case .dns(let name): "dns:\(name)"
        case .address(let address): "ip:\(address)"
        case .uri(let uri): "uri:\(uri)"
        }
    }

    /// The URI itself: a scheme and more, in characters that a certificate's name may have.
    private static func uri(_ text: String) throws(CredentialError) -> String {
        let uri = text.hasPrefix("uri:") ? String(text.dropFirst("uri:".count)) : text
        let scheme = uri.utf8.prefix { $0 != UInt8(ascii: ":") }
        guard !scheme.isEmpty, scheme.count + 1 < uri.utf8.count,
            uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw CredentialError(
                .invalidServerName,
                "a URI needs a scheme and printable ASCII characters, such as uri:spiffe://example.org/server"
            )
        }
        return uri
    }
}
