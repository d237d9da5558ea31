# SPDX-License-Identifier: Apache-2.0
"""Who is trusted and who is not, at both ends, and what the sentence about it says."""

import re
import ssl
import unittest

import authority
from authority import ca, own
from strangers import Stub, answer, ask, client_context, connect, server_context
from support import Client, Server, TestCase

# A fault of a certificate, and words of the sentence that names it.
FAULTS = [
    ("expired", ["expired"]),
    ("not-yet-valid", ["not (yet )?valid"]),
    ("wrong-purpose", ["purpose"]),
    ("other-ca", []),
    ("self-signed", ["self-signed"]),
    ("revoked", ["revoked"]),
]

# Pairs that no program accepts as its own, and words of the sentence.
UNUSABLE = [
    ("expired", ["expired"]),
    ("no-san", ["subject alternative name|SAN"]),
    ("key-mismatch", ["match"]),
    ("encrypted-key", ["encrypted|passphrase|password"]),
    ("readable-key", ["chmod"]),
    ("missing", ["missing.pem", "no such file|not found|does not exist"]),
    ("missing-key", ["missing-key.key", "no such file|not found|does not exist"]),
    ("empty", ["empty.pem", "empty|no certificate"]),
    ("empty-key", ["empty-key.key", "empty|no private key|no key"]),
    ("garbled", ["garbled.pem", "PEM"]),
    ("garbled-key", ["garbled-key.key", "PEM|cannot be read"]),
]


def crl():
    return str(authority.bad() / "crl.pem")


def trusting(certificate=None):
    """The options of a client that trusts the good authority, and its own certificate if any."""
    return ["--ca", ca(), *(own(certificate) if certificate else [])]


class Trust(TestCase):
    """What a client makes of a server's certificate."""

    def imposter(self, certificate):
        self.heard = []

        def listen(connection):
            self.heard.append(connection.recv(1024))
        return Stub(self, listen, server_context(certificate))

    def refuse(self, certificate, *words, options=(), host="localhost"):
        """`parley` turns the server away, tells it why, and says nothing else to it."""
        server = self.imposter(certificate)
        client = Client(self, "hello", server.port, *options, certs=trusting(), host=host)
        self.assertFails(client, 254, *words)
        self.assertEqual(client.stdout.text, "")
        server.wait()
        self.assertEqual(self.heard, [])
        self.assertAlert(server.errors[0])

    def test_a_bad_server_certificate_is_refused_and_its_fault_named(self):
        for fault, words in FAULTS:
            with self.subTest(fault):
                self.refuse(authority.bad() / fault, *words, options=["--crl", crl()])

    def test_the_same_server_certificate_without_a_fault_is_accepted(self):
        for certificate in ("nothing-wrong", "revoked"):  # Nobody knows of it without --crl.
            options = ["--crl", crl()] if certificate == "nothing-wrong" else []
            for host in ("localhost", "127.0.0.1"):
                with self.subTest(certificate, host=host):
                    server = Stub(self, answer(b"Hello from server"),
                                  server_context(authority.bad() / certificate))
                    client = Client(self, "hello", server.port, *options, certs=trusting(),
                                    host=host)
                    self.assertStatus(client, 0)

    def test_a_certificate_for_other_hosts_is_refused_and_its_names_listed(self):
        for host in ("localhost", "127.0.0.1"):
            with self.subTest(host):
                self.refuse(authority.bad() / "wrong-name", host, r"other\.example",
                            r"another\.example", r"192\.0\.2\.7", host=host)

    def test_a_name_that_only_the_subject_has_is_refused(self):
        self.refuse(authority.bad() / "no-san", "localhost")

    def test_an_unknown_authority_is_refused_and_the_trusted_file_named(self):
        self.refuse(authority.bad() / "other-ca", re.escape(ca()))

    def test_a_client_certificate_does_not_make_a_server(self):
        self.refuse(authority.good() / "client", "purpose")

    def test_the_systems_store_does_not_know_a_private_authority(self):
        server = self.imposter(authority.good() / "server")
        client = Client(self, "hello", server.port, certs=[])
        self.assertFails(client, 254, "system")

    def test_the_server_name_option_is_what_is_verified_and_sent(self):
        names = []
        context = server_context(authority.bad() / "wrong-name")
        context.sni_callback = lambda connection, name, context: names.append(name)
        server = Stub(self, answer(b"Hello from server"), context)
        client = Client(self, "hello", server.port, "--server-name", "other.example",
                        certs=trusting())
        self.assertStatus(client, 0)
        self.assertEqual(names, ["other.example"])

    def test_the_servers_name_is_sent_but_an_address_is_not(self):
        for host, expected in (("localhost", "localhost"), ("127.0.0.1", None)):
            with self.subTest(host):
                names = []
                context = server_context()
                context.sni_callback = lambda connection, name, context: names.append(name)
                server = Stub(self, answer(b"Hello from server"), context)
                client = Client(self, "hello", server.port, certs=trusting(), host=host)
                self.assertStatus(client, 0)
                self.assertEqual(names, [expected])

    def test_a_pin_says_which_public_key_to_trust(self):
        right = authority.pin(authority.good() / "server.pem")
        wrong = authority.pin(authority.good() / "client.pem")
        server = Server(self, "hello", certs=authority.good())
        for options, status in (
            (["--pin", right], 0),
            (["--pin", wrong, "--pin", right], 0),
            (["--pin", right, "--ca", ca()], 0),
            (["--pin", wrong], 254),
            (["--pin", wrong, "--ca", ca()], 254),
        ):
            with self.subTest(options):
                client = Client(self, "hello", server.port, certs=options)
                if status:
                    self.assertFails(client, status, "pin|public key")
                else:
                    self.assertStatus(client, status)

    def test_a_pin_that_is_none_is_refused_before_anything_is_sent(self):
        for pin in ("", "sha256//", "sha1//abc", "sha256//" + "A" * 44):
            with self.subTest(pin):
                self.assertFails(Client(self, "hello", 1, "--pin", pin, certs=[]), 255, "pin")


class Identity(TestCase):
    """What a server makes of a client's certificate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls, "command", "--client-ca", ca(), "--crl", crl(),
                            certs=authority.good())

    def check(self, certificate, *words):
        """`parley` says that the server turned it away."""
        client = Client(self, "command", self.server.port, certs=trusting(certificate),
                        messages=["Hello"])
        self.assertFails(client, 254, "certificate", *words)
        self.assertEqual(client.stdout.text, "")

    def test_a_bad_client_certificate_is_refused_logged_and_answered_by_an_alert(self):
        for fault, words in FAULTS:
            with self.subTest(fault):
                context = client_context(authority.bad() / fault)
                with self.assertRaises(ssl.SSLError) as caught:
                    ask(connect(self, self.server.port, context), "Hello")
                self.assertAlert(caught.exception)
                self.server.stderr.expect(
                    r"(?i)127\.0\.0\.1:\d+.*" + (words or ["issuer|unknown|authority"])[0])

    def test_the_same_client_certificate_without_a_fault_is_accepted(self):
        context = client_context(authority.bad() / "nothing-wrong")
        self.assertEqual(ask(connect(self, self.server.port, context), "Hello"), "Greetings!")

    def test_a_client_without_a_certificate_is_told_that_one_is_required(self):
        self.check(None, "requir")
        self.server.stderr.expect(r"(?i)127\.0\.0\.1:\d+.*certificate")

    def test_a_client_is_told_why_its_certificate_was_rejected(self):
        self.check(authority.bad() / "revoked", "revoked")
        self.check(authority.bad() / "other-ca", "unknown|authority|CA")

    def test_a_server_certificate_does_not_make_a_client(self):
        context = client_context(authority.good() / "server")
        with self.assertRaises(ssl.SSLError):
            ask(connect(self, self.server.port, context), "Hello")
        self.server.stderr.expect("purpose")

    def test_a_certificate_of_the_same_authority_is_known_by_its_name(self):
        for name, identity in (("client", "dns:client"), ("alice", "email:alice@example.org")):
            with self.subTest(name):
                client = Client(self, "command", self.server.port, messages=["quit"],
                                certs=trusting(authority.good() / name))
                self.assertStatus(client, 0)
                self.server.stderr.expect(rf"127\.0\.0\.1:\d+.*{re.escape(identity)}")


class OwnCertificate(TestCase):
    """What a program says about its own files that cannot be used."""

    def test_a_server_with_an_unusable_pair_does_not_start(self):
        for fault, words in UNUSABLE:
            with self.subTest(fault):
                self.assertRefusesToStart("hello", *words, certs=authority.good(),
                                          options=own(authority.bad() / fault))

    def test_a_client_with_an_unusable_pair_does_not_connect(self):
        server = Server(self, "hello", "--client-ca", ca(), certs=authority.good())
        for fault, words in UNUSABLE:
            if fault == "no-san":  # Then a client is known by its key.
                continue
            with self.subTest(fault):
                client = Client(self, "hello", server.port,
                                certs=trusting(authority.bad() / fault))
                self.assertFails(client, 255, *words)
        self.assertEqual(server.stdout.text.count("Connection"), 0)

    def test_a_trust_file_that_cannot_be_used_is_named(self):
        for fault in ("missing.pem", "empty.pem", "garbled.pem"):
            path = str(authority.bad() / fault)
            for option in ("--client-ca", "--crl"):
                with self.subTest(fault, server=option):
                    self.assertRefusesToStart(
                        "hello", re.escape(path), certs=authority.good(),
                        options=["--client-ca", ca(), option, path])
            for option in ("--ca", "--crl"):
                with self.subTest(fault, client=option):
                    client = Client(self, "hello", 1, option, path, certs=authority.good())
                    self.assertFails(client, 255, re.escape(path))


if __name__ == "__main__":
    unittest.main()
