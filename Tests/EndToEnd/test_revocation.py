# SPDX-License-Identifier: Apache-2.0
"""Lists of revoked certificates: when they are taken, how they are read, and how far they reach."""

import shutil
import signal
import ssl
import unittest

from authority import good, issue, moment, new_list
from long_list import long_list
from parley1 import ALPN, NOT_ALLOWED, UNAVAILABLE, run
from people import client as certificate_of
from people import people
from remote_server import RemoteServer, RemoteTestCase
from strangers import Engine, Stub, answer, client_context, connect
from support import SCRATCH, Client, Server, TestCase, eventually
from test_remote_reload import COMMANDS, revocation


def folder_of(test):
    folder = SCRATCH / test.id()
    folder.mkdir(exist_ok=True)
    return folder


class Lists(TestCase):
    """An unusable list is rejected at the start, at both ends; at a reload the old one is kept."""

    def unusable(self):
        folder = folder_of(self)
        return {
            new_list(folder, "old.crl", start=moment(days=-2), end=moment(days=-1)): "expired on",
            new_list(folder, "next.crl", start=moment(days=1)): "not valid before",
            new_list(folder, "foreign.crl", authority=good("other")): "no CRL of a CA in",
        }

    def test_a_list_that_cannot_serve_is_refused_at_both_ends(self):
        for path, words in self.unusable().items():
            with self.subTest(path.name):
                self.assertRefusesToStart(
                    "hello", str(path), words, certs=good(),
                    options=["--client-ca", good() / "ca.pem", "--crl", path])
                client = Client(self, "hello", 1, "--crl", str(path), certs=good())
                self.assertFails(client, 255, str(path), words)

    def test_at_a_reload_the_old_list_stays(self):
        folder = folder_of(self)
        crl = folder / "in-force.crl"
        shutil.copy(new_list(folder, "good.crl"), crl)
        server = Server(self, "command", "--client-ca", str(good() / "ca.pem"), "--crl", str(crl),
                        certs=good())
        for path, words in self.unusable().items():
            with self.subTest(path.name):
                shutil.copy(path, crl)
                server.signal(signal.SIGHUP)
                server.stderr.expect(rf"SIGHUP: kept the old certificates: .*{words}")
                client = Client(self, "command", server.port, certs=good(), messages=["Hello"])
                self.assertStatus(client, 0)

    def test_a_missing_list_is_not_said_to_come_from_the_script(self):
        server = self.assertRefusesToStart(
            "hello", "nowhere.crl", "from your CA", certs=good(),
            options=["--client-ca", good() / "ca.pem", "--crl", folder_of(self) / "nowhere.crl"])
        self.assertNotIn("generate-certs", server.stderr.text)


class RunningOut(RemoteTestCase):
    """A list that ends while the server runs blames no certificate."""

    def test_nobody_is_told_to_get_another_certificate(self):
        crl = new_list(folder_of(self), "brief.crl", end=moment(seconds=4))
        server = RemoteServer(self, COMMANDS, "--crl", str(crl))
        session = server.session(self)
        self.assertEqual(session.ask("echo", "in time").lines, ["in time"])
        outcomes = []

        def refused():
            outcomes.append(session.ask("echo", "too late"))
            return outcomes[-1].code is not None
        eventually(refused, "a refusal")
        self.assertRefused(outcomes[-1], UNAVAILABLE, "CRL", "administrator")
        reasons = [record["reason"] for record in server.records("refusal")]
        client = Client(self, "hello", server.port, certs=good())
        self.assertEqual(client.wait(), 254, client.story)
        for text in (outcomes[-1].sentence, *reasons, *client.complaints):
            self.assertIn("CRL", text)
            self.assertNotRegex(text, "expired|unknown|for a new one|could not be verified")
        server.stderr.expect(rf"{crl} expired on")


class LongLists(RemoteTestCase):
    """A list that takes seconds to read holds nothing up."""

    COUNT = 200_000

    def start(self):
        folder = folder_of(self)
        before, after = revocation()
        crl = folder / "in-force.crl"
        shutil.copy(before, crl)
        long = long_list(folder, "long.crl", [people() / "leaver.pem"], self.COUNT)
        return RemoteServer(self, COMMANDS, "--crl", str(crl), "--threads", "1"), crl, long, after

    def test_sessions_go_on_while_it_is_read(self):
        server, crl, long, _ = self.start()
        leaver, other = server.session(self, "leaver"), server.session(self)
        self.assertEqual(leaver.ask("Hello").lines, ["Greetings!"])
        shutil.copy(long, crl)
        server.signal(signal.SIGHUP)
        replies = 0
        while "SIGHUP" not in server.stderr.text:
            self.assertEqual(other.ask("Hello").lines, ["Greetings!"])
            replies += 1
        # The one loop would give one or two if it read the list itself.
        self.assertGreater(replies, 5)
        self.assertRefused(leaver.ask("Hello"), NOT_ALLOWED, "revoked")
        self.assertEqual(other.ask("echo", "on").lines, ["on"])

    def test_the_last_of_several_signals_counts(self):
        server, crl, long, after = self.start()
        leaver = server.session(self, "leaver")
        before = crl.read_bytes()
        shutil.copy(long, crl)
        server.signal(signal.SIGHUP)
        # While that one is read, or after.
        for content in (before, after.read_bytes(), before):
            new = crl.with_suffix(".new")
            new.write_bytes(content)
            new.replace(crl)
            server.signal(signal.SIGHUP)
        eventually(lambda: leaver.ask("Hello").lines == ["Greetings!"] and
                   server.stderr.text.count("certificates reloaded") >= 2, "the last list")

    def test_the_audit_trail_is_opened_again_meanwhile(self):
        server, crl, long, _ = self.start()
        shutil.copy(long, crl)
        for old in ("audit.1", "audit.2"):
            server.audit.rename(server.folder / old)
            server.signal(signal.SIGHUP)
            eventually(server.audit.is_file, "a new file")
        server.stderr.expect("SIGHUP: [^\n]* still reading")

    def test_the_end_does_not_wait_for_it(self):
        server, crl, long, _ = self.start()
        shutil.copy(long, crl)
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0, server.story)


class HeldBack(RemoteTestCase):
    """A handshake that takes its time is verified under what is in force when it ends."""

    def begin(self, server, name, *, alpn):
        """A client that has the server's flight, and its own answer as records."""
        context = client_context(certificate_of(name))
        if alpn:
            context.set_alpn_protocols([ALPN])
        engine = Engine(connect(self, server.port), context)
        engine.shake_hands()
        flight, records = engine.taken(), []
        while flight:
            size = 5 + int.from_bytes(flight[3:5], "big")
            records.append(flight[:size])
            flight = flight[size:]
        self.assertGreater(len(records), 2, "Certificate, CertificateVerify and Finished")
        return engine, records

    def test_who_was_revoked_meanwhile_is_not_let_in(self):
        before, after = revocation()
        for alpn in (True, False):
            # All of the client's flight is held back, or its Finished alone.
            for held in (None, -1):
                with self.subTest(alpn=alpn, held=held):
                    crl = folder_of(self) / "in-force.crl"
                    shutil.copy(before, crl)
                    server = RemoteServer(self, COMMANDS, "--crl", str(crl), "--threads", "1")
                    slow = [self.begin(server, name, alpn=alpn) for name in ("leaver", "client")]
                    for engine, records in slow:
                        if held:
                            engine.connection.sendall(b"".join(records[:held]))
                    # The one loop has read what came before this when it answers.
                    self.assertEqual(server.session(self).ask("Hello").lines, ["Greetings!"])
                    shutil.copy(after, crl)
                    server.reload()
                    leaver, client = [self.finish(*it, held, alpn) for it in slow]
                    self.assertNotIn(b"Greetings!", leaver)
                    self.assertIn(b"Greetings!", client)
                    server.stderr.expect("was revoked")

    def finish(self, engine, records, held, alpn):
        """What the server says to a Hello, up to its end."""
        engine.connection.sendall(b"".join(records[held:] if held else records))
        engine.tls.write(run("Hello") if alpn else b"Hello")
        reply = b""
        try:
            engine.flush()
            while b"Greetings!" not in reply and (piece := engine.read()):
                reply += piece
        except (ssl.SSLError, ConnectionError):
            pass  # An alert, or the end.
        return reply


class Levels(TestCase):
    """openssl.cnf can ask for more security, and not for less."""

    def setUp(self):
        folder = folder_of(self)
        self.weak = folder / "weak"
        issue(folder, "weak", key="RSA -pkeyopt rsa_keygen_bits:1024")
        configuration = folder / "openssl.cnf"
        configuration.write_text(
            "openssl_conf = all\n[all]\nssl_conf = modules\n[modules]\nsystem_default = tls\n"
            "[tls]\nCipherString = DEFAULT@SECLEVEL=0\n")
        self.lowered = {"OPENSSL_CONF": str(configuration)}

    def test_a_server_refuses_a_weak_key_of_its_own(self):
        self.assertRefusesToStart(
            "hello", "too small", certs=["--cert", f"{self.weak}.pem", "--key", f"{self.weak}.key"],
            environment=self.lowered)

    def test_a_client_refuses_a_weak_key_of_its_servers(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(f"{self.weak}.pem", f"{self.weak}.key")
        server = Stub(self, answer(b"Hello from server"), context)
        client = Client(self, "hello", server.port, certs=["--ca", str(good() / "ca.pem")],
                        environment=self.lowered)
        self.assertFails(client, 254)


class Endings(TestCase):
    """What expires soon is reported while it can be renewed."""

    def setUp(self):
        self.folder = folder_of(self)
        issue(self.folder, "brief", dates=("20200101000000Z", moment(days=5)))
        self.own = ["--cert", str(self.folder / "brief.pem"), "--key",
                    str(self.folder / "brief.key")]

    def test_a_server_warns_at_its_start_and_at_a_reload(self):
        crl = new_list(self.folder, "brief.crl", end=moment(days=3))
        server = Server(
            self, "hello", "--client-ca", str(good() / "ca.pem"), "--crl", str(crl),
            certs=self.own)
        first = server.stderr.text
        server.signal(signal.SIGHUP)
        server.stderr.expect("certificates reloaded")
        for path in (self.folder / "brief.pem", crl):
            with self.subTest(path.name):
                self.assertRegex(first, rf"parleyd: the [^\n]*{path} expires on [^\n]*, in \d days")
                server.stderr.expect(rf"{path} expires on")

    def test_a_server_says_nothing_of_what_lasts(self):
        server = Server(self, "hello", certs=good())
        self.assertNotIn("expires on", server.stderr.text)

    def test_a_client_warns_once_and_not_where_it_shall_be_quiet(self):
        server = Server(self, "hello", "--client-ca", str(good() / "ca.pem"), certs=good())
        for options, count in (((), 1), (("--quiet",), 0)):
            with self.subTest(options):
                client = Client(self, "hello", server.port, *options,
                                certs=["--ca", str(good() / "ca.pem"), *self.own])
                self.assertStatus(client, 0)
                self.assertEqual(len(client.complaints), count, client.story)
                if count:
                    self.assertRegex(client.complaints[0], r"brief\.pem expires on .*; renew it")


if __name__ == "__main__":
    unittest.main()
