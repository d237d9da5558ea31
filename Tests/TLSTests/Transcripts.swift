// Handshakes that other programs' clients have made, as they were recorded.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// A handshake in `Tests/Transcripts`, and what it must give. The server is Parley's.
struct Transcript: CustomTestStringConvertible, Sendable {
    let name: String
    let server: KeyKind
    let client: KeyKind
    /// The cipher suite's: 32 or 48 bytes.
    let hash: Int
    var retries = false
    var hasALPN = true
    /// Whether an intermediate issued the client's certificate.
    var isChained = false
    /// How many certificates the client has shown: OpenSSL's adds the CA that it trusts.
    var chain = 2
    /// The client, as a shell command with the placeholders `@PORT`, `@CA`, `@CERT` and `@KEY`.
    let command: String

    var testDescription: String { name }

    static let all: [Transcript] =
        openSSL("30")
        + [
            Transcript(
                name: "openssl30-chacha", server: .p256, client: .p256, hash: 32,
                command: sClient("-ciphersuites TLS_CHACHA20_POLY1305_SHA256")),
            Transcript(
                name: "openssl30-p521", server: .p384, client: .p521, hash: 48, command: sClient()),
            Transcript(
                name: "openssl30-ed448", server: .p256, client: .ed448, hash: 48,
                command: sClient()),
            Transcript(
                name: "openssl35-brainpool", server: .p256, client: .brainpool, hash: 48,
                command: sClient()),
            Transcript(
                name: "openssl35-mldsa", server: .p256, client: .mldsa44, hash: 48,
                command: sClient()),
        ] + openSSL("35")
        + [
            Transcript(
                name: "gnutls-p256", server: .p256, client: .p256, hash: 48, chain: 1,
                command: gnutls()),
            Transcript(
                name: "gnutls-rsa", server: .rsa, client: .rsa, hash: 48, chain: 1,
                command: gnutls()),
            Transcript(
                name: "gnutls-ed25519", server: .ed25519, client: .ed25519, hash: 48, chain: 1,
                command: gnutls()),
            Transcript(
                name: "gnutls-retry", server: .p256, client: .p256, hash: 48, retries: true,
                chain: 1,
                command: gnutls("--priority NORMAL:-GROUP-ALL:+GROUP-SECP521R1:+GROUP-SECP256R1")),
            Transcript(
                name: "python-rsa", server: .p256, client: .rsa, hash: 48, command: python),
            Transcript(name: "node-p256", server: .rsa, client: .p256, hash: 48, command: node),
            Transcript(
                name: "nss-p256", server: .p256, client: .p256, hash: 48, hasALPN: false, chain: 1,
                command: nss),
            Transcript(
                name: "go-p256", server: .p256, client: .p256, hash: 48, chain: 1, command: "go"),
            Transcript(
                name: "go-ed25519", server: .ed25519, client: .ed25519, hash: 48, chain: 1,
                command: "go"),
            Transcript(
                name: "java-p256", server: .p256, client: .p256, hash: 48, chain: 1, command: "java"
            ),
        ]

    /// The same of each version of OpenSSL.
    private static func openSSL(_ version: String) -> [Transcript] {
        let kinds: [(KeyKind, KeyKind)] = [
            (.p256, .p256), (.p384, .p384), (.rsa, .rsa), (.pss, .pss), (.ed25519, .ed25519),
        ]
        return kinds.map { server, client in
            Transcript(
                name: "openssl\(version)-\(server.rawValue)", server: server, client: client,
                hash: 48, command: sClient())
        } + [
            Transcript(
                name: "openssl\(version)-chain", server: .p256, client: .p256, hash: 48,
                isChained: true, chain: 3,
                command: sClient("-cert_chain @CERT")),
            Transcript(
                name: "openssl\(version)-retry", server: .p256, client: .p256, hash: 48,
                retries: true, command: sClient("-groups P-521:X25519")),
            Transcript(
                name: "openssl\(version)-retry256", server: .rsa, client: .p256, hash: 32,
                retries: true,
                command: sClient("-groups P-521:P-256 -ciphersuites TLS_AES_128_GCM_SHA256")),
            Transcript(
                name: "openssl\(version)-no-alpn", server: .ed25519, client: .p256, hash: 48,
                hasALPN: false, command: sClient().replacing(" -alpn parley/1", with: "")),
        ]
    }

    static func sClient(_ more: String = "") -> String {
        "openssl s_client -connect 127.0.0.1:@PORT -servername localhost -verify_hostname localhost"
            + " -verify_return_error -CAfile @CA -cert @CERT -key @KEY -alpn parley/1 \(more)"
    }

    static func gnutls(_ more: String = "") -> String {
        "gnutls-cli --x509cafile @CA --x509certfile @CERT --x509keyfile @KEY --alpn parley/1"
            + " --sni-hostname localhost --verify-hostname localhost -p @PORT 127.0.0.1 \(more)"
    }

    static let python = """
        python3 -c 'import socket, ssl
        context = ssl.create_default_context(cafile="@CA")
        context.load_cert_chain("@CERT", "@KEY")
        context.set_alpn_protocols(["parley/1"])
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", @PORT)),
                                     server_hostname="localhost")
        assert stream.version() == "TLSv1.3"
        stream.recv(1)'
        """

    static let node = """
        node -e 'const fs = require("fs")
        require("tls").connect({ host: "127.0.0.1", port: @PORT, servername: "localhost",
            ca: fs.readFileSync("@CA"), cert: fs.readFileSync("@CERT"), key: fs.readFileSync("@KEY"),
            ALPNProtocols: ["parley/1"] }).on("data", () => {})'
        """

    /// It has no files but its own.
    static let nss = """
        set -e; folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT
        openssl pkcs12 -export -in @CERT -inkey @KEY -name me -passout pass: -out "$folder/p12"
        certutil -N -d "$folder" --empty-password
        certutil -A -d "$folder" -n ca -t C,, -i @CA
        pk12util -i "$folder/p12" -d "$folder" -W ''
        tstclnt -h 127.0.0.1 -p @PORT -a localhost -d "$folder" -n me -V tls1.3:
        """
}
