# SPDX-License-Identifier: Apache-2.0
"""The faults that sank others: each of these once stopped, killed or starved a program."""

import socket
import ssl
import unittest

import authority
from strangers import (
    Stub, ask, client_context, connect, in_both_modes, listening, read_to_end, reset, server_context)
from server import AS_NETWORK
from support import PARLEYD, PIPE, Client, Program, Server, TestCase, eventually


class Imposters(TestCase):
    """A server that is not the one asked for gets nothing, whatever it runs."""

    def refuse(self, name, host):
        pair = ["--cert", f"{authority.bad() / name}.pem", "--key", f"{authority.bad() / name}.key"]
        server = Server(self, "hello", *pair, certs=authority.good())
        client = Client(self, "hello", server.port, certs=authority.good(), host=host)
        self.assertFails(client, 254)
        server.stderr.expect(r"127\.0\.0\.1:\d+")
        self.assertNotIn("from client", server.stdout.text)

    def test_a_self_signed_imposter_is_refused(self):
        self.refuse("self-signed", "localhost")

    def test_a_good_certificate_for_another_host_is_refused(self):
        self.refuse("wrong-name", "localhost")


class Survival(TestCase):
    """Nothing that one client does or leaves undone is felt by another."""

    def start(self, certs):
        return Server(self, "command", "--threads", "1", certs=certs)

    def served(self, server, certs):
        """Whether a well-behaved client is; the server lives, then."""
        connection = connect(self, server.port, certs and client_context())
        self.assertEqual(ask(connection, "Hello"), "Greetings!")
        self.assertTrue(server.running)

    @in_both_modes
    def test_silent_clients_do_not_stop_others(self, certs):
        server = self.start(certs)
        for _ in range(20):
            connect(self, server.port)
        self.served(server, certs)

    @in_both_modes
    def test_a_reset_does_not_end_the_server(self, certs):
        server, context = self.start(certs), certs and client_context()
        reset(connect(self, server.port))
        reset(connect(self, server.port, context))
        talked = connect(self, server.port, context)
        self.assertEqual(ask(talked, "Hello"), "Greetings!")
        reset(talked)
        self.served(server, certs)

    @in_both_modes
    def test_replies_to_a_client_that_is_gone_do_not_end_the_server(self, certs):
        server = self.start(certs)
        for _ in range(10):
            gone = connect(self, server.port, certs and client_context())
            for _ in range(20):
                gone.sendall(b"Hello")
            reset(gone)
        self.served(server, certs)

    def test_a_reader_that_waits_does_not_stop_the_writer(self):
        server = Server(self, "command", certs=authority.good())
        client = Client(self, "command", server.port, certs=authority.good(), stdin=PIPE)
        for _ in range(3):
            # At its prompt the client reads, to notice the server's end; and then it writes.
            client.stdout.expect("Execute command: ")
            client.type("Hello\n")
            client.stdout.expect("Server response: Greetings!\n")
        client.end_input()
        self.assertStatus(client, 0)

    @in_both_modes
    def test_a_client_survives_a_servers_reset(self, certs):
        def cut(connection):
            connection.recv(1024)
            reset(connection)
        server = Stub(self, cut, certs and server_context())
        client = Client(self, "command", server.port, certs=certs, messages=["Hello", "Hello"])
        self.assertFails(client, 252)

    def test_a_slow_handshake_holds_up_nobody(self):
        server = self.start(authority.good())
        begun = connect(self, server.port)
        begun.sendall(bytes.fromhex("160301020001"))
        self.served(server, authority.good())


class Deadlines(TestCase):
    """Nobody holds a slot for ever."""

    def test_a_peer_without_a_handshake_is_closed_and_its_slot_free_again(self):
        server = Server(self, "hello", "--handshake-timeout", "0.5", "--max-sessions", "1",
                        certs=authority.good())
        for beginning in (b"", bytes.fromhex("160301020001")):
            with self.subTest(beginning):
                idle = connect(self, server.port)
                idle.sendall(beginning)
                read_to_end(idle)
                server.stderr.expect(r"127\.0\.0\.1:\d+.*handshake")

                def served():
                    return Client(self, "hello", server.port, certs=authority.good()).wait() == 0
                eventually(served, "a free slot")

    @in_both_modes
    def test_an_idle_session_is_closed(self, certs):
        server = Server(self, "command", "--idle-timeout", "1", certs=certs)
        idle = connect(self, server.port, certs and client_context())
        self.assertEqual(ask(idle, "Hello"), "Greetings!")
        self.assertEqual(idle.recv(1024), b"")
        server.stderr.expect(r"127\.0\.0\.1:\d+.*idle")

    def test_a_server_that_never_replies_is_given_up(self):
        _, port = listening(self)
        client = Client(self, "command", port, "--idle-timeout", "0.5",
                        messages=["Hello"])
        self.assertFails(client, 255)

    def test_a_server_that_never_accepts_is_given_up(self):
        _, port = listening(self, backlog=0)
        waiting = []
        for _ in range(4):  # More than the backlog holds: the kernel drops the next SYN.
            one = socket.socket()
            self.addCleanup(one.close)
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        client = Client(self, "hello", port, "--connect-timeout", "0.5")
        self.assertFails(client, 255)

    def test_a_peer_that_never_closes_is_left_behind(self):
        server = Server(self, "hello", "--once", "--close-timeout", "0.5", certs=authority.good())
        connection = connect(self, server.port, client_context())
        self.assertEqual(ask(connection, "hi"), "Hello from server")
        self.assertStatus(server, 0)

    def test_a_session_beyond_the_limit_is_closed_and_the_next_is_served(self):
        server = Server(self, "command", "--max-sessions", "1")
        first = connect(self, server.port)
        self.assertEqual(ask(first, "Hello"), "Greetings!")
        read_to_end(connect(self, server.port))
        server.stderr.expect(r"127\.0\.0\.1:\d+.*--max-sessions")
        client = Client(self, "command", server.port, messages=["Hello"])
        self.assertNotEqual(client.wait(), 0)
        self.assertEqual(ask(first, "quit"), "Closing down")
        first.close()
        eventually(
            lambda: Client(self, "command", server.port,
                           messages=["Hello"]).wait() == 0, "a free slot")


class Descriptors(TestCase):

    def test_none_is_lost_in_many_sessions_good_and_bad(self):
        server = Server(self, "command", certs=authority.good())
        context = client_context()
        with_alert = client_context(maximum=ssl.TLSVersion.TLSv1_2)

        def good():
            with connect(self, server.port, context) as connection:
                self.assertEqual(ask(connection, "quit"), "Closing down")
                read_to_end(connection)

        def refused():
            with self.assertRaises(ssl.SSLError):
                connect(self, server.port, with_alert)

        def plaintext():
            with connect(self, server.port) as connection:
                connection.sendall(b"Hello")
                read_to_end(connection)

        def aborted():
            reset(connect(self, server.port, context))

        def left():
            connect(self, server.port).close()

        kinds = [good, refused, plaintext, aborted, left]
        for kind in kinds:
            kind()
        good()
        before = min(server.descriptors for _ in range(20))
        for _ in range(40):
            for kind in kinds:
                kind()
        eventually(lambda: server.descriptors <= before, f"{before} open descriptors again")

    @in_both_modes
    def test_their_exhaustion_pauses_the_server_and_no_more(self, certs):
        context = certs and client_context()
        server = Server(self, "command", "--threads", "2", certs=certs, descriptors=64)
        early = connect(self, server.port, context)
        self.assertEqual(ask(early, "Hello"), "Greetings!")
        crowd = [connect(self, server.port) for _ in range(100)]
        eventually(lambda: server.descriptors >= 60, "exhaustion")
        self.assertEqual(ask(early, "Hello"), "Greetings!")
        for one in crowd:
            one.close()
        late = connect(self, server.port, context)
        self.assertEqual(ask(late, "Hello"), "Greetings!")
        self.assertEqual(ask(early, "quit"), "Closing down")

    def test_a_second_server_on_the_same_port_does_not_start(self):
        first = Server(self, "hello")
        second = Program(self, [PARLEYD, "hello", *AS_NETWORK, "--host", "127.0.0.1", "--plaintext",
                                "--port", str(first.port)])
        self.assertFails(second, 69, str(first.port), "in use")

    def test_an_address_that_is_not_this_machines_is_refused(self):
        server = Program(self, [PARLEYD, "hello", *AS_NETWORK, "--plaintext", "--port", "0",
                                "--host", "192.0.2.1"])
        self.assertFails(server, 69, r"192\.0\.2\.1")


if __name__ == "__main__":
    unittest.main()
