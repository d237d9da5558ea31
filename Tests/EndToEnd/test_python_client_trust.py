# SPDX-License-Identifier: Apache-2.0
"""Whom the Python client trusts: names of several kinds, pins and CRLs; and the passphrase of its own key."""

import re
import ssl
import unittest

import authority
from python_client import Either, blocking, parley, with_asyncio
from runs import Commands
from strangers import Stub, server_context
from support import TestCase, new_folder

URI = "spiffe://example.org/server"
parley_server = parley._server


def pair(path):
    return ["--cert", f"{path}.pem", "--key", f"{path}.key"]


def chain():
    """A folder with a root (`ca`), an intermediate CA below it, and `server` below that, with its chain."""
    root, middle = new_folder(), new_folder()
    authority.issue_ca(root, "ca")
    authority.issue_ca(root, "middle", issuer="ca")
    for end in ("pem", "key"):
        authority.copy(root / f"middle.{end}", middle / f"ca.{end}")
    authority.issue(root, "server", authority=middle)
    authority.write(root / "server.pem", (root / "server.pem").read_text() + (root / "middle.pem").read_text())
    return root, middle


class Trust(Either):
    def asks(self, port, **names):
        return self.ask(port, "Hello", names=names).ok

    def refused(self, port, pattern, **names):
        self.assertRegex(str(self.failure(parley.NotTrusted, port, names=names)), pattern)

    def unusable(self, pattern, **names):
        self.assertRegex(str(self.failure(parley.CredentialError, 1, names=names)), pattern)

    def test_a_uri_is_a_name(self):
        folder = new_folder()
        authority.issue(folder, "uri", names=f"URI:{URI},URI:spiffe://example.org/more,DNS:localhost")
        server = Commands(self, certs=pair(folder / "uri"))
        for name in (f"uri:{URI}", URI, "uri:spiffe://example.org/more", "localhost", None):
            self.assertTrue(self.asks(server.port, server_name=name))
        for name in (URI[:-1], f"{URI}/", URI.upper().replace("SPIFFE", "spiffe"), "uri:localhost:x",
                     "spiffe://example.org/*"):
            self.refused(server.port, "it is not for uri:", server_name=name)
        self.refused(self.server.port, f"it is not for uri:{URI}", server_name=URI)
        # The name is right, and the CA is not.
        self.refused(server.port, "certificate", server_name=URI, ca=authority.good("other") / "ca.pem")

    def test_names_are_as_certificates_have_them(self):
        for name in ("localhost.", "LOCALHOST", "::1", "::1%lo"):
            self.assertTrue(self.asks(self.server.port, server_name=name))
        for name in ("uri:", "uri:x", "uri:x:", "spiffe://a b", "uri:x:\xe4", ".", ".localhost", "127.0.0.1.", "a\0b"):
            with self.subTest(name), self.assertRaises(ValueError):
                self.asks(self.server.port, server_name=name)

    def test_a_pin_counts_beside_the_name_and_the_ca(self):
        port, right = self.server.port, authority.pin(authority.good() / "server.pem")
        other = authority.pin(authority.good() / "client.pem")
        for pin in (right, [other, right], right.replace("sha256//", "key:sha256:")):
            self.assertTrue(self.asks(port, pin=pin))
        self.refused(port, f"its key is {re.escape(right)}, which is not the pinned one", pin=other)
        self.refused(port, "mismatch", pin=right, server_name="other.example")
        self.refused(port, "certificate", pin=right, ca=authority.good("other") / "ca.pem")
        for pin in ("", [], "sha256//", right[:-1], right + "=", right.replace("//", "/"), right.replace("//", "// ")):
            with self.subTest(pin), self.assertRaises(ValueError):
                self.asks(port, pin=pin)

    def test_a_server_that_is_not_accepted_does_not_see_the_certificate(self):
        seen = []
        stub = Stub(self, lambda connection: seen.append(connection.getpeercert()),
                    server_context(client_ca=authority.good() / "ca.pem"))
        self.refused(stub.port, "pinned", pin=authority.pin(authority.good() / "client.pem"))
        self.refused(stub.port, "uri", server_name=URI)
        self.refused(stub.port, "mismatch", server_name="other.example")
        for _ in range(3):
            stub.wait()
        self.assertEqual((seen, len(stub.errors)), ([], 3))
        # The test can see one.
        self.failure(parley.ConnectError, stub.port)
        stub.wait()
        self.assertEqual(len(seen), 1)

    def test_a_revoked_certificate_is_refused(self):
        bad = authority.bad()
        revoked = Commands(self, certs=pair(bad / "revoked")).port
        self.assertTrue(self.asks(revoked))
        self.assertTrue(self.asks(revoked, crl=bad / "crl-before.pem"))
        self.refused(revoked, "revoked", crl=bad / "crl.pem")
        self.assertTrue(self.asks(self.server.port, crl=bad / "crl.pem"))

    def test_a_list_that_says_nothing_of_the_server_is_not_enough(self):
        folder = new_folder()
        old = authority.new_list(folder, "old.pem", start="20200101000000Z", end="20200201000000Z")
        self.refused(self.server.port, "CRL has expired", crl=old)
        other = authority.new_list(folder, "other.pem", authority=authority.good("other"))
        self.refused(self.server.port, "unable to get certificate CRL", crl=other)
        both = authority.write(folder / "both.pem", other.read_text() + (authority.bad() / "crl.pem").read_text())
        self.assertTrue(self.asks(self.server.port, crl=both))

    def test_several_lists_cover_the_whole_chain(self):
        root, middle = chain()
        server = Commands(self, certs=pair(root / "server"))
        books = new_folder()
        leaves = authority.new_list(books, "leaves.pem", authority=middle)
        authority.revoke(books, "middle", authority=root, certificate=root / "middle.pem")
        all_of_it = {name: authority.write(books / f"both-{name}", leaves.read_text() + (books / name).read_text())
                     for name in ("crl-before.pem", "crl.pem")}
        trusted = {"ca": root / "ca.pem"}
        self.assertTrue(self.asks(server.port, **trusted))
        self.assertTrue(self.asks(server.port, crl=leaves, **trusted))
        self.assertTrue(self.asks(server.port, crl=all_of_it["crl-before.pem"], **trusted))
        self.refused(server.port, "revoked", crl=all_of_it["crl.pem"], **trusted)
        self.refused(server.port, "unable to get certificate CRL", crl=books / "crl-before.pem", **trusted)

    def test_a_file_of_lists_has_nothing_else(self):
        folder, lists = new_folder(), (authority.bad() / "crl.pem").read_text()
        mixed = authority.write(folder / "mixed.pem", lists + (authority.good("other") / "ca.pem").read_text())
        self.unusable("more than CRLs", crl=mixed)
        for text in ("", "garbled", lists.replace("\n", "\nx", 2)):
            self.unusable("cannot use the CRL", crl=authority.write(folder / "crl.pem", text))
        self.unusable("No such file", crl=folder / "none.pem")
        (authority.write(folder / "open.pem", lists)).chmod(0o666)
        self.unusable("others can write", crl=folder / "open.pem")

    def test_a_passphrase_opens_the_key(self):
        own = {kind: f"{authority.bad()}/encrypted-key.{end}" for kind, end in (("cert", "pem"), ("key", "key"))}
        for passphrase in ("secret", b"secret", lambda: "secret"):
            self.assertTrue(self.asks(self.server.port, passphrase=passphrase, **own))
        self.unusable("has a passphrase; give it", **own)
        for passphrase in ("wrong", "", lambda: "wrong", "x" * 2000):
            self.unusable("another passphrase|longer than", passphrase=passphrase, **own)
        self.assertTrue(self.asks(self.server.port, passphrase="for no key"))


class Blocking(Trust, TestCase):
    ask = staticmethod(blocking)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)


class Asyncio(Blocking):
    ask = staticmethod(with_asyncio)


class KeyHash(unittest.TestCase):
    def test_it_is_found_in_any_certificate_and_in_nothing_else(self):
        for path in (authority.good() / "ca.pem", authority.good() / "server.pem", authority.bad() / "no-san.pem"):
            der = ssl.PEM_cert_to_DER_cert(path.read_text())
            self.assertEqual(parley_server.pins(authority.pin(path)), {parley_server.key_hash(der)})
            for at in range(len(der)):
                parley_server.key_hash(der[:at])  # Raises nothing.
        for der in (b"", b"\x30", b"\x30\xff", b"\x30\x84\xff\xff\xff\xff\x30\x00", b"\xff" * 300):
            parley_server.key_hash(der)


if __name__ == "__main__":
    unittest.main()
