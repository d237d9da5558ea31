# SPDX-License-Identifier: Apache-2.0
"""The server in C that the benchmark compares with does what is measured: one that verified nothing would be no limit."""

import signal
import socket
import ssl

import authority
from support import LIMIT, PROGRAMS, Program, TestCase, descendants, eventually, is_alive


class Reference(TestCase):
    def start(self, *options):
        certs = authority.good()
        server = Program(self, [PROGRAMS / "parley-reference", *options, certs / "server.pem", certs / "server.key"])
        server.port = int(server.stderr.expect(r"listening on 127\.0\.0\.1:(\d+) \(TLS 1\.3\)\n")[1])
        return server

    def ask(self, server, certificate=None):
        """What it answers to Hello."""
        trust = ssl.create_default_context(cafile=authority.good() / "ca.pem")
        if certificate:
            trust.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as sock, \
                trust.wrap_socket(sock, server_hostname="localhost") as stream:
            stream.sendall(b"Hello")
            return stream.recv(1024)

    def test_it_answers_with_its_key_here_or_in_another_process(self):
        for options in ([], ["--split"]):
            with self.subTest(options=options):
                server = self.start(*options)
                for _ in range(3):
                    self.assertEqual(self.ask(server), b"Greetings!")

    def test_it_answers_clients_of_its_authority_only(self):
        client = ["--client-ca", authority.good() / "ca.pem"]
        for options in (client, ["--split", *client]):
            with self.subTest(options=options):
                server = self.start(*options)
                # Who is known already, and who comes after a refusal.
                for _ in range(3):
                    for name in ("client", "alice"):
                        self.assertEqual(self.ask(server, authority.good() / name), b"Greetings!")
                    for certificate in (None, authority.bad() / "other-ca", authority.bad() / "expired"):
                        with self.assertRaises(OSError) as refused:
                            self.ask(server, certificate)
                        # The alert may be overtaken by the reset that follows it.
                        if not isinstance(refused.exception, ConnectionResetError):
                            self.assertAlert(refused.exception)

    def test_the_process_with_the_key_ends_with_the_other_one(self):
        server = self.start("--split")
        (signer,) = descendants(server.pid) - {server.pid}
        server.signal(signal.SIGKILL)
        eventually(lambda: not is_alive(signer), "the signer's end")

    def test_a_key_that_it_cannot_sign_with_is_refused(self):
        folder = authority.good()
        server = Program(self, [PROGRAMS / "parley-reference", "--split", folder / "server.pem", folder / "ca.pem"])
        self.assertNotEqual(server.wait(), 0)
