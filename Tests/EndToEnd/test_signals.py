# SPDX-License-Identifier: Apache-2.0
"""Signals: what ends a program, how long that takes, and what SIGHUP reads again."""

import contextlib
import shutil
import signal
import ssl
import threading
import unittest

import authority
from runs import Commands, Run
from strangers import Engine, Stub, ask, client_context, connect, in_both_modes, read_to_end
from support import LIMIT, PIPE, SCRATCH, Client, Server, TestCase, eventually


class Interrupts(TestCase):
    """Ctrl-C ends a program and leaves its terminal as it was."""

    @in_both_modes
    def test_an_interrupt_at_the_prompt_leaves_the_terminal_as_it_was(self, certs):
        server = Server(self, "command", certs=certs)
        client = Client(self, "command", server.port, certs=certs, terminal=True)
        client.stdout.expect("Execute command: ")
        client.type("half a li\x03")
        self.assertStatus(client, 130)
        self.assertEqual(client.attributes(), client.before)

    def test_an_interrupt_while_waiting_ends_with_130(self):
        reached = Stub(self, read_to_end)
        client = Client(self, "hello", reached.port)
        client.stdout.expect("Hello message sent\n")
        client.signal(signal.SIGINT)
        self.assertStatus(client, 130)

    def test_an_interrupt_ends_a_server_without_sessions(self):
        for protocol in ("command", "chat"):
            server = Server(self, protocol, terminal=True)
            server.type("\x03")
            self.assertStatus(server, 0)
            self.assertEqual(server.attributes(), server.before)

    def test_an_interrupt_at_the_operators_prompt_ends_the_chat(self):
        server = Server(self, "chat", "--drain", "0.5", terminal=True)
        client = connect(self, server.port)
        client.sendall(b"hey")
        server.stdout.expect("Server: ")
        server.type("half a li\x03")
        self.assertStatus(server, 0)
        self.assertEqual(server.attributes(), server.before)
        self.assertEqual(read_to_end(client), b"")


@contextlib.contextmanager
def ignoring(*numbers):
    """What is started meanwhile ignores these signals, as nohup(1) and a script's `&` have it."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


class Ignored(TestCase):
    """A signal that was ignored at the start ends nothing and is nothing."""

    def test_a_client_that_ignores_them_goes_on(self):
        server = Commands(self)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            with self.subTest(number):
                with ignoring(number):
                    run = Run(self, server.port, "cat", stdin=PIPE)
                run.type("before\n")
                run.stdout.expect("before\n")
                run.signal(number)
                run.type("after\n")
                run.end_input()
                self.assertStatus(run, 0)
                self.assertEqual(run.stdout.text, "before\nafter\n")

    def test_a_server_that_ignores_them_goes_on_and_its_programs_do_not_ignore_them(self):
        with ignoring(signal.SIGINT, signal.SIGHUP):
            server = Commands(self)
        self.assertRegex(server.stderr.text, "parleyd: SIGHUP is ignored")
        server.signal(signal.SIGINT)
        server.signal(signal.SIGHUP)
        for number in (signal.SIGINT, signal.SIGHUP):
            self.assertStatus(Run(self, server.port, "signal", str(number)), 128 + number)
        server.signal(signal.SIGTERM)
        # It is the first signal that the server takes: the second one would be its end at once.
        self.assertStatus(server, 0)
        self.assertNotIn("SIGHUP: ", server.stderr.text)


class Burst(threading.Thread):
    """A session of messages, hundreds of which arrive in one piece, until the server ends it.

    OpenSSL takes them all from the kernel at once, and hands them to the server one by one.
    """

    SIZE = 400

    def __init__(self, owner, port):
        super().__init__(daemon=True)
        self.replies = 0
        self.has_begun = threading.Event()
        self._engine = Engine(connect(owner, port), name="127.0.0.1")
        self._engine.shake_hands()

    def run(self):
        try:
            while True:
                for _ in range(self.SIZE):
                    self._engine.tls.write(b"Hello")
                self._engine.flush()
                for _ in range(self.SIZE):
                    if not self._engine.read():
                        return
                    self.replies += 1
                self.has_begun.set()
        except (ConnectionError, ssl.SSLError):
            pass


class Termination(TestCase):
    """SIGTERM lets a server's sessions finish, but not for ever."""

    def hold(self, *options):
        """A server whose operator is asked for a reply, and the session that waits for it."""
        server = Server(self, "chat", *options, certs=authority.good(), stdin=PIPE)
        session = connect(self, server.port, client_context())
        session.sendall(b"hey")
        server.stdout.expect("Server: ")
        return server, session

    def refuses(self, server):
        """Whether the server has stopped to accept."""
        try:
            connection = connect(self, server.port)
        except OSError:
            return True
        connection.close()
        return False

    def test_a_server_without_sessions_ends_at_once(self):
        for protocol in ("hello", "greeting", "command", "chat"):
            with self.subTest(protocol):
                server = Server(self, protocol, "--drain", "600")
                server.signal(signal.SIGTERM)
                self.assertStatus(server, 0)

    def test_a_server_lets_its_sessions_finish(self):
        server, session = self.hold("--drain", "600")
        server.signal(signal.SIGTERM)
        eventually(lambda: self.refuses(server), "the end of accepting")
        self.assertTrue(server.running)
        server.type("the answer\n")
        # The reply comes, and then the end, since nothing more is due.
        self.assertEqual(read_to_end(session), b"the answer")
        self.assertStatus(server, 0)

    @in_both_modes
    def test_sessions_in_which_nothing_is_due_end_at_once(self, certs):
        for protocol in ("hello", "command", "chat"):
            with self.subTest(protocol):
                server = Server(self, protocol, "--drain", "600", certs=certs, stdin=PIPE)
                # The second one of chat is in the queue.
                sessions = [connect(self, server.port, certs and client_context())
                            for _ in range(2)]
                if protocol == "command":
                    for session in sessions:
                        self.assertEqual(ask(session, "Hello"), "Greetings!")
                if protocol == "chat":
                    server.stdout.expect("Client connected from")
                server.signal(signal.SIGTERM)
                for session in sessions:
                    self.assertEqual(session.recv(1), b"")
                self.assertStatus(server, 0)

    @in_both_modes
    def test_who_has_asked_in_the_queue_is_answered(self, certs):
        server = Server(self, "chat", "--drain", "600", certs=certs, stdin=PIPE)
        context = certs and client_context()
        first = connect(self, server.port, context)
        first.sendall(b"one?")
        server.stdout.expect("Server: ")
        before = server.descriptors
        asking, silent = (connect(self, server.port, context) for _ in range(2))
        asking.sendall(b"two?")
        eventually(lambda: server.descriptors >= before + 2, "both in the queue")
        server.signal(signal.SIGTERM)
        self.assertEqual(silent.recv(1), b"")
        server.type("one\n")
        self.assertEqual(read_to_end(first), b"one")
        server.stdout.expect("Client says: two\\?")
        server.type("two\n")
        self.assertEqual(read_to_end(asking), b"two")
        self.assertStatus(server, 0)

    def test_what_came_in_one_piece_is_answered_whole(self):
        server = Server(self, "command", "--drain", "600", "--threads", "1",
                        certs=authority.good())
        bursts = [Burst(self, server.port) for _ in range(4)]
        for burst in bursts:
            burst.start()
        for burst in bursts:
            self.assertTrue(burst.has_begun.wait(LIMIT))
        server.signal(signal.SIGTERM)
        for burst in bursts:
            burst.join(LIMIT)
            self.assertFalse(burst.is_alive())
            self.assertEqual(burst.replies % Burst.SIZE, 0)
        self.assertStatus(server, 0)

    def test_a_client_that_never_shakes_hands_holds_no_server(self):
        server = Server(self, "command", "--drain", "600", certs=authority.good())
        stranger = connect(self, server.port)
        session = connect(self, server.port, client_context())
        self.assertEqual(ask(session, "Hello"), "Greetings!")
        server.signal(signal.SIGTERM)
        self.assertStatus(server, 0)
        self.assertEqual(read_to_end(stranger), b"")

    def test_a_reply_that_is_not_taken_yet_is_waited_for(self):
        server = Server(self, "command", "--drain", "600", certs=authority.good())
        session = connect(self, server.port, client_context())
        session.settimeout(0.5)
        sent = 0
        # Until the server can't get rid of its replies and reads no more.
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                session.sendall(b"Hello")
                sent += 5
        server.signal(signal.SIGTERM)
        eventually(lambda: self.refuses(server), "the end of accepting")
        session.settimeout(10)
        self.assertIn(b"Greetings!Greetings!", read_to_end(session))
        self.assertStatus(server, 0)

    def test_a_server_waits_no_longer_than_it_was_told(self):
        server, session = self.hold("--drain", "0.5")
        server.signal(signal.SIGTERM)
        read_to_end(session)
        self.assertGreaterEqual(server.wait(), 0)

    def test_a_second_signal_ends_the_server_at_once(self):
        server, _ = self.hold("--drain", "600")
        server.signal(signal.SIGTERM)
        eventually(lambda: self.refuses(server), "the end of accepting")
        self.assertTrue(server.running)
        server.signal(signal.SIGTERM)
        self.assertGreaterEqual(server.wait(), 0)


class Hangup(TestCase):
    """SIGHUP reads files again; what is broken leaves the old in force."""

    def test_certificates_are_read_again_and_sessions_go_on(self):
        folder = SCRATCH / self.id()
        shutil.copytree(authority.good(), folder)
        server = Server(self, "command", certs=folder)
        context = client_context()
        context.load_verify_locations(authority.good("other") / "ca.pem")

        def certificate():
            with connect(self, server.port, context) as connection:
                return connection.getpeercert(True)

        session = connect(self, server.port, context)
        old = certificate()
        for name in ("server.pem", "server.key"):
            (folder / name).unlink()
            shutil.copy(authority.good("other") / name, folder / name)
        self.assertEqual(certificate(), old)
        server.signal(signal.SIGHUP)
        eventually(lambda: certificate() != old, "the new certificate")
        self.assertEqual(ask(session, "Hello"), "Greetings!")

        new = certificate()
        (folder / "server.pem").write_text("this is no PEM\n")
        server.signal(signal.SIGHUP)
        server.stderr.expect(r"server\.pem.*")
        self.assertEqual(certificate(), new)
        self.assertEqual(ask(session, "Hello"), "Greetings!")

    def test_a_revocation_list_is_read_again(self):
        crl = SCRATCH / self.id()
        shutil.copy(authority.bad() / "crl-before.pem", crl)
        server = Server(self, "command", "--client-ca", str(authority.good() / "ca.pem"),
                        "--crl", str(crl), certs=authority.good())
        context = client_context(authority.bad() / "revoked")

        def accepted():
            try:
                return ask(connect(self, server.port, context), "Hello") == "Greetings!"
            except OSError:
                return False

        self.assertTrue(accepted())
        shutil.copy(authority.bad() / "crl.pem", crl)
        server.signal(signal.SIGHUP)
        eventually(lambda: not accepted(), "the revocation")


if __name__ == "__main__":
    unittest.main()
