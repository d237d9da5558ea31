// Which files a client proves itself with, and which it trusts.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import System
internal import TLS

/// The files that a client proves itself with and verifies servers by. They are read at each connect, so that renewed
/// ones count.
///
/// Files that are not named are `ca.pem`, `client.pem` and `client.key` of ``certs``, else of
/// `$XDG_CONFIG_HOME/parley` (`~/.config/parley`), else of `/etc/parley`. Without a `ca.pem` in the latter two, the
/// system's CAs count. Files that other users can replace are refused, and so are keys that they can read. Nothing
/// turns verification off.
public struct Credentials: Sendable {
    /// The only directory to look for files that are not named.
    public var certs: String?
    /// A PEM file of the CAs to trust.
    public var ca: String?
    /// A PEM file of the client's certificate and its chain.
    public var cert: String?
    /// A PEM file of the private key, without a passphrase.
    public var key: String?
    /// A PEM file of revocation lists; a server certificate on one is not accepted.
    public var crl: String?
    /// Public keys, as `sha256//` and 44 characters of base64; the server's must be one of them. Without a ``ca``,
    /// they alone decide.
    public var pins: [String]

    /// Names files; those that are left out are looked for.
    public init(
        certs: String? = nil, ca: String? = nil, cert: String? = nil, key: String? = nil,
        crl: String? = nil, pins: [String] = []
    ) {
        self.certs = certs
        self.ca = ca
        self.cert = cert
        self.key = key
        self.crl = crl
        self.pins = pins
    }

    /// Reads the files, which takes some milliseconds.
    func context() throws(CredentialError) -> TLSContext {
        var pins: [Pin] = []
        for text in self.pins {
            do throws(CredentialError) { pins.append(try Pin(text)) } catch {
                throw error.saying("'\(escaped(text))' is not a valid pin: \(error.sentence)")
            }
        }
        var options = TLSOptions()
        options.applicationProtocols = [remoteProtocol]
        options.mayBePlaintext = false
        return try ClientFiles(
            in: Places(named: certs, forUser: true), ca: ca, certificate: cert, key: key, crl: crl,
            pins: pins
        ).context(options)
    }
}
