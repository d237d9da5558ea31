# SPDX-License-Identifier: Apache-2.0
"""The TLS session itself: versions, ends, strangers without TLS, key log and new keys."""

import os
import re
import ssl
import stat
import unittest

import authority
from strangers import (
    Stub, answer, ask, client_context, connect, in_both_modes, listening, read_to_end, server_context)
from support import PIPE, SCRATCH, Client, Program, Server, TestCase


class Versions(TestCase):
    """TLS 1.3 alone unless the user allows 1.2, and then forward-secret AEAD suites alone."""

    OLD = ssl.TLSVersion.TLSv1_2
    AEAD = "ECDHE-ECDSA-AES128-GCM-SHA256"
    CBC = "ECDHE-ECDSA-AES128-SHA256"

    def test_a_server_refuses_an_older_client_with_an_alert(self):
        server = Server(self, "command", certs=authority.good())
        self.assertIn("TLS 1.3", server.mode)
        with self.assertRaises(ssl.SSLError) as caught:
            connect(self, server.port, client_context(maximum=self.OLD))
        self.assertEqual(caught.exception.reason, "TLSV1_ALERT_PROTOCOL_VERSION")
        server.stderr.expect(r"127\.0\.0\.1:\d+.*(version|TLS 1)")

    def test_a_client_refuses_an_older_server(self):
        server = Stub(self, context=server_context(maximum=self.OLD))
        client = Client(self, "hello", server.port, certs=authority.good())
        self.assertFails(client, 255, r"version|TLS 1\.[23]")

    def test_a_server_that_allows_it_speaks_the_older_version_with_aead_only(self):
        server = Server(self, "command", "--tls-min", "1.2", certs=authority.good())
        context = client_context(maximum=self.OLD, ciphers=self.AEAD)
        connection = connect(self, server.port, context)
        self.assertEqual(ask(connection, "Hello"), "Greetings!")
        self.assertEqual(connection.version(), "TLSv1.2")
        connection = connect(self, server.port, client_context())
        self.assertEqual(connection.version(), "TLSv1.3")
        with self.assertRaises(ssl.SSLError) as caught:
            connect(self, server.port, client_context(maximum=self.OLD, ciphers=self.CBC))
        self.assertAlert(caught.exception)
        server.stderr.expect(r"127\.0\.0\.1:\d+.*cipher")

    def test_a_client_that_allows_it_speaks_the_older_version_with_aead_only(self):
        for ciphers, status in ((self.AEAD, 0), (self.CBC, 255)):
            with self.subTest(ciphers):
                context = server_context(maximum=self.OLD, ciphers=ciphers)
                server = Stub(self, answer(b"Hello from server"), context)
                client = Client(self, "hello", server.port, "--tls-min", "1.2",
                                certs=authority.good())
                if status:
                    self.assertFails(client, status, "cipher")
                else:
                    self.assertStatus(client, status)

    def test_sessions_get_no_tickets(self):
        server = Server(self, "command", certs=authority.good())
        connection = connect(self, server.port, client_context())
        self.assertEqual(ask(connection, "Hello"), "Greetings!")
        self.assertFalse(connection.session and connection.session.has_ticket)


class Ends(TestCase):
    """An end without close_notify is distinguished from a clean end, and a stranger's silence ends."""

    def test_an_end_before_the_reply_is_no_success(self):
        def cut(connection):
            connection.recv(1024)

        def close(connection):
            connection.recv(1024)
            connection.unwrap()
        for handle, context in ((cut, None), (cut, server_context()),
                                (close, server_context())):
            for protocol, messages in (("command", ["Hello"]), ("hello", None)):
                with self.subTest(protocol, how=handle.__name__, tls=context is not None):
                    server = Stub(self, handle, context)
                    client = Client(self, protocol, server.port,
                                    certs=context and authority.good(), messages=messages)
                    self.assertFails(client, 252)
                    self.assertNotIn("from server", client.stdout.text)

    def test_a_greeting_without_close_notify_is_printed_and_reported(self):
        for polite, status in ((True, 0), (False, 252)):
            with self.subTest(polite=polite):
                def greet(connection, polite=polite):
                    connection.sendall(b"Thank you for connecting")
                    if polite:
                        connection.unwrap()
                server = Stub(self, greet, server_context())
                client = Client(self, "greeting", server.port, certs=authority.good())
                self.assertStatus(client, status)
                self.assertEqual(client.stdout.text, "Thank you for connecting\n")
                self.assertEqual(bool(client.complaints), not polite)

    def test_both_programs_close_politely(self):
        server = Server(self, "hello", certs=authority.good())
        context = client_context()
        connection = connect(self, server.port, context)
        self.assertEqual(ask(connection, "hi"), "Hello from server")
        self.assertEqual(connection.read(1024), b"")
        ends = []

        def reply(connection):
            answer(b"Hello from server")(connection)
            ends.append(connection.read(1024))
        stub = Stub(self, reply, server_context())
        client = Client(self, "hello", stub.port, certs=authority.good())
        self.assertStatus(client, 0)
        stub.wait()
        self.assertEqual((ends, stub.errors), ([b""], []))

    def test_a_server_that_never_answers_the_handshake_is_given_up(self):
        _, port = listening(self)
        client = Client(self, "hello", port, "--handshake-timeout", "0.5",
                        certs=authority.good())
        self.assertFails(client, 255, "handshake")

    @in_both_modes
    def test_a_client_at_its_prompt_notices_the_end_at_once(self, certs):
        server = Stub(self, answer(b"Welcome"), certs and server_context())
        client = Client(self, "command", server.port, certs=certs, stdin=PIPE)
        client.type("Hello\n")
        client.stdout.expect("Server response: Welcome\nExecute command: ")
        self.assertNotEqual(client.wait(), 0)
        self.assertEqual(len(client.complaints), 1, client.story)


class Plaintext(TestCase):
    """A peer that speaks no TLS, or does where none is spoken, is recognized."""

    def test_a_client_says_that_the_server_speaks_no_tls(self):
        for protocol, messages in (("hello", None), ("greeting", None), ("command", ["Hello"])):
            with self.subTest(protocol):
                server = Server(self, protocol)
                client = Client(self, protocol, server.port, certs=authority.good(),
                                messages=messages)
                self.assertFails(client, 255, "TLS", "--plaintext")
                self.assertEqual(client.stdout.text, "")

    def test_a_server_logs_that_the_client_speaks_no_tls(self):
        server = Server(self, "command", certs=authority.good())
        for message in (b"Hello", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 40, b"quit"):
            with self.subTest(message):
                connection = connect(self, server.port)
                connection.sendall(message)
                read_to_end(connection)
                server.stderr.expect(r"127\.0\.0\.1:\d+.*(plaintext|no TLS|not TLS)")

    def test_a_plaintext_client_of_a_tls_server_fails_without_printing_noise(self):
        server = Server(self, "command", certs=authority.good())
        client = Client(self, "command", server.port, messages=["Hello"])
        self.assertNotEqual(client.wait(), 0)
        self.assertEqual(client.stdout.text, "")
        self.assertEqual(len(client.complaints), 1, client.story)

    def test_a_plaintext_server_logs_that_the_client_speaks_tls(self):
        server = Server(self, "hello")
        with self.assertRaises(OSError):
            connect(self, server.port, client_context())
        server.stderr.expect(r"127\.0\.0\.1:\d+.*TLS")


class KeyLog(TestCase):

    LINE = re.compile(r"(#.*|[A-Z0-9_]+ [0-9a-fA-F]{64} [0-9a-fA-F]{64,96})")

    def test_both_ends_log_the_same_secrets_in_a_private_file(self):
        names = [str(SCRATCH / f"{self.id()}.{end}") for end in ("server", "client")]
        server = Server(self, "hello", "--keylog", names[0], "--once", certs=authority.good())
        client = Client(self, "hello", server.port, "--keylog", names[1], certs=authority.good())
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        logs = []
        for name in names:
            with open(name, encoding="ascii") as file:
                lines = file.read().splitlines()
            for line in lines:
                self.assertRegex(line, self.LINE)
            self.assertEqual(stat.S_IMODE(os.stat(name).st_mode), 0o600)
            logs.append({line for line in lines if "TRAFFIC_SECRET" in line})
        self.assertGreaterEqual(len(logs[0]), 4)
        self.assertEqual(*logs)


class KeyUpdates(TestCase):
    """`openssl` as the stranger, since Python cannot ask for new keys."""

    def test_a_server_goes_on_after_its_clients_new_keys(self):
        server = Server(self, "command", certs=authority.good())
        for letter in "Kk":
            with self.subTest(letter):
                client = Program(self, [
                    "openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-msg",
                    "-verify_return_error", "-CAfile", str(authority.good() / "ca.pem")],
                    stdin=PIPE)
                client.type("Hello")
                client.stdout.expect("Greetings!")
                client.type(letter + "\n")
                client.stderr.expect("KEYUPDATE")
                client.type("Are you there?")
                client.stdout.expect("Yes, I am here!")
                self.assertEqual("<<< TLS 1.3, Handshake [length 0005], KeyUpdate"
                                 in client.stdout.text, letter == "K")

    def test_a_client_goes_on_after_its_servers_new_keys(self):
        for letter in "Kk":
            with self.subTest(letter):
                certs = authority.good()
                server = Program(self, ["openssl", "s_server", "-accept", "127.0.0.1:0", "-msg",
                                        "-cert", str(certs / "server.pem"),
                                        "-key", str(certs / "server.key")], stdin=PIPE)
                port = server.stdout.expect(r"ACCEPT 127\.0\.0\.1:(\d+)")[1]
                client = Client(self, "command", port, certs=certs, stdin=PIPE)
                for word in ("one", "two"):
                    client.type(word + "\n")
                    server.stdout.expect(f"(?m){word}$")
                    server.type(letter + "\n")
                    server.stdout.expect(">>> TLS 1.3, Handshake .*KeyUpdate")
                    server.type("answer " + word)
                    client.stdout.expect(f"Server response: answer {word}\n")
                self.assertEqual("<<< TLS 1.3, Handshake [length 0005], KeyUpdate"
                                 in server.stdout.text, letter == "K")

    def test_lines_that_are_commands_to_other_tools_are_sent_as_they_are(self):
        server = Server(self, "command", certs=authority.good())
        lines = ["Q", "R", "K", "k", "Quit", "Really", "Kill", "B"]
        client = Client(self, "command", server.port, certs=authority.good(),
                        stdin="\n".join(lines) + "\n")
        self.assertStatus(client, 0)
        for line in lines:
            server.stdout.expect(f"Received: {line}\n")


if __name__ == "__main__":
    unittest.main()
