# SPDX-License-Identifier: Apache-2.0
"""The certificates of scripts/generate-certs in real handshakes of strangers."""

import contextlib
import re
import socket
import ssl
import unittest

from certificates import BASIC, SHARED, Case, openssl, run
from conditions import needs
from strangers import Stub
from support import LIMIT, PIPE, Program


class RealTLS(Case):
    def server_context(self, directory):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(directory / "server.pem", directory / "server.key")
        context.load_verify_locations(directory / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def client_context(self, directory, name="client"):
        context = ssl.create_default_context(cafile=directory / "ca.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if name is not None:
            context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
        return context

    @contextlib.contextmanager
    def python_server(self, directory, context=None):
        """Answers one client with the identity it showed; yields the port and a list for what went wrong."""
        def identify(stream):
            identity = (stream.getpeercert() or {}).get("subjectAltName", ())
            stream.sendall(repr(identity).encode() + b"\n")
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                stream.unwrap()

        server = Stub(self, identify, context or self.server_context(directory))
        yield server.port, server.errors
        server.wait()

    def ask(self, port, context, host):
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            with context.wrap_socket(connection, server_hostname=host) as stream:
                answer = stream.recv(1_024)
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    stream.unwrap()
                return answer.decode().strip()

    def openssl_server(self, directory, *arguments):
        """The port of a server that runs until the test's end."""
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", directory / "server.pem", "-key",
                   directory / "server.key", "-CAfile", directory / "ca.pem", "-no-CApath", *arguments]
        server = Program(self, command, stdin=PIPE)
        return int(server.stdout.expect(r"ACCEPT 127\.0\.0\.1:(\d+)")[1])

    def test_pythonAtBothEnds_seesTheIdentitiesOfBoth(self):
        for host in ("localhost", "127.0.0.1", "::1", "example.org", "a.apps.example.org", "2001:db8::7"):
            with self.python_server(SHARED) as (port, _):
                self.assertEqual(self.ask(port, self.client_context(SHARED), host), "(('DNS', 'client'),)")
        for name, identity in (("alice", ("email", "alice@example.org")),
                               ("deploy", ("URI", "spiffe://example.org/deploy"))):
            with self.python_server(SHARED) as (port, _):
                self.assertEqual(self.ask(port, self.client_context(SHARED, name), "localhost"), repr((identity,)))

    def test_pythonClient_refusesAnotherHost_andAnotherCA(self):
        for directory, host, word in ((SHARED, "example.com", "mismatch"), (BASIC, "localhost", "verify failed")):
            with self.python_server(SHARED) as (port, errors):
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, word):
                    self.ask(port, self.client_context(directory), host)
            self.assertEqual(len(errors), 1)

    def test_pythonServer_refusesTheServersOwnCertificateAsAClient_andNone(self):
        for name in ("server", None):
            with self.python_server(SHARED) as (port, errors):
                with contextlib.suppress(OSError):
                    self.ask(port, self.client_context(SHARED, name), "localhost")
            self.assertIsInstance(errors[0], ssl.SSLError)

    def test_selfSignedSet_servesPythonsClient(self):
        self.make("--self-signed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.out / "server.pem", self.out / "server.key")
        with self.python_server(self.out, context) as (port, errors):
            self.assertEqual(self.ask(port, self.client_context(self.out, None), "127.0.0.1"), "()")
        self.assertEqual(errors, [])

    def test_opensslAtBothEnds_verifiesBoth(self):
        arguments = ["-tls1_3", "-Verify", "1", "-verify_return_error", "-x509_strict", "-www"]
        client = ["s_client", "-verify_return_error", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile",
                  SHARED / "ca.pem", "-verify_hostname", "example.org"]
        port = self.openssl_server(SHARED, *arguments)
        for name, succeeds in (("client", True), ("alice", True), ("server", False), (None, False)):
            mine = [] if name is None else ["-cert", SHARED / f"{name}.pem", "-key", SHARED / f"{name}.key"]
            result = openssl(*client, *mine, "-connect", f"127.0.0.1:{port}", "-ign_eof", stdin=None,
                             input="GET / HTTP/1.0\r\n\r\n")
            self.assertIn("Verify return code: 0 (ok)", result.stdout)
            self.assertEqual("HTTP/1.0 200 ok" in result.stdout, succeeds, (name, result.stderr))
        result = openssl(*client[:-1], "example.com", "-connect", f"127.0.0.1:{port}")
        self.assertNotEqual(result.returncode, 0)

    def test_opensslClient_andPythonServer_agree(self):
        with self.python_server(SHARED) as (port, _):
            result = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-verify_return_error", "-quiet",
                             "-CAfile", SHARED / "ca.pem", "-verify_ip", "127.0.0.1", "-cert", SHARED / "deploy.pem",
                             "-key", SHARED / "deploy.key")
        self.assertIn("spiffe://example.org/deploy", result.stdout)

    def test_pythonClient_andOpensslServer_agree(self):
        port = self.openssl_server(SHARED, "-Verify", "1", "-verify_return_error", "-rev")
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            with self.client_context(SHARED).wrap_socket(connection, server_hostname="localhost") as stream:
                stream.sendall(b"olleh\n")
                self.assertEqual(stream.recv(100), b"hello\n")

    @needs("curl")
    def test_curl_acceptsThePinThatTheScriptPrints_andNoOther(self):
        server, other = (re.search(rf"/{name}\.pem,.*\n(?:    .*\n)*?.*(sha256//\S+)", self.report)[1]
                         for name in ("server", "client"))
        port = self.openssl_server(SHARED, "-Verify", "1", "-verify_return_error", "-www")
        for expected, wanted, arguments in (
            (0, "https://localhost", ["--pinnedpubkey", server]),
            (0, "https://127.0.0.1", ["--pinnedpubkey", server]),
            (0, "https://a.apps.example.org", []),
            (90, "https://localhost", ["--pinnedpubkey", other]),
            (60, "https://example.com", []),
        ):
            host = wanted.rpartition("/")[2]
            result = run("curl", "--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", LIMIT,
                         "--cacert", SHARED / "ca.pem", "--cert", SHARED / "client.pem", "--key",
                         SHARED / "client.key", "--resolve", f"{host}:{port}:127.0.0.1", *arguments,
                         f"{wanted}:{port}/")
            self.assertEqual(result.returncode, expected, (wanted, arguments, result.stderr))


if __name__ == "__main__":
    unittest.main()
