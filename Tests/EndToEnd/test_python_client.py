# SPDX-License-Identifier: Apache-2.0
"""The Python client against the server: every fate of a command, blocking and with asyncio."""

import asyncio
import io
import os
import signal
import socket
import sys
import time
import unittest.mock

import authority
from parley1 import (
    BUSY, LEFT_RUNNING, OUTPUT, PING, SHUTTING_DOWN, exited, frame, header, refused, wanted)
from python_client import CLIENT, Either, blocking, parley, with_asyncio
from runs import COMMANDS, ENDS, Commands, FalseServer, RunTestCase, silence
from support import LIMIT, Program, eventually, is_alive, new_folder

DATA = bytes(range(256)) * 8192


def full_server(owner):
    """A listening socket that takes no connection any more, so that the kernel answers none."""
    server = socket.create_server(("127.0.0.1", 0), backlog=0)
    for _ in range(4):
        waiting = socket.socket()
        owner.addCleanup(waiting.close)
        waiting.setblocking(False)
        waiting.connect_ex(server.getsockname())
    return server


class Fates(Either):
    """What both APIs do alike, which `ask` chooses."""

    def fate(self, *words, **how):
        return self.ask(self.server.port, *words, **how).outcome

    def test_each_fate_is_an_outcome(self):
        fates = {
            ("Hello",): parley.Exited(0), ("status", "3"): parley.Exited(3), ("status", "255"): parley.Exited(255),
            ("signal", "9"): parley.Signaled(9), ("late",): parley.TimedOut(), ("much",): parley.OutputLimit()}
        for words, outcome in fates.items():
            with self.subTest(words):
                self.assertEqual(self.fate(*words), outcome)
        refusals = {("nobody",): "notAllowed", ("path", "x"): "badArgument", ("none",): "unknownCommand"}
        for words, code in refusals.items():
            with self.subTest(words):
                outcome = self.fate(*words)
                self.assertEqual(outcome.code, code)
                self.assertIn(words[0], outcome.sentence)
                self.assertEqual(isinstance(outcome, parley.UnknownCommand), code == "unknownCommand")

    def test_fates_that_a_false_server_tells(self):
        for frames, outcome in ((exited(0, LEFT_RUNNING), parley.LeftRunning()),
                                (refused(BUSY, b"later"), parley.Refused("busy", "later")),
                                (refused(SHUTTING_DOWN, b"\x1b[2J\xff"), parley.Refused(
                                    "shuttingDown", "\\x1b[2J\ufffd"))):
            with self.subTest(outcome):
                self.assertEqual(self.ask(FalseServer(self, frames).port, "x").outcome, outcome)

    def test_output_of_both_kinds_arrives_whole(self):
        result = self.ask(self.server.port, "complain", "wörter", "2")
        self.assertEqual(result, parley.Result(parley.Exited(2), b"", "wörter".encode()))
        output = io.BytesIO()
        result = self.ask(self.server.port, "cat", input=DATA, stdout=output, max_output=0)
        self.assertEqual((output.getvalue() == DATA, result.stdout), (True, b""))

    def test_input_of_every_form_arrives_whole(self):
        pieces = (DATA[at:at + 100_000] for at in range(0, len(DATA), 100_000))
        for given, expected in ((DATA, DATA), (pieces, DATA), ([b"a", b"", b"b"], b"ab"), (None, b""), (b"", b"")):
            result = self.ask(self.server.port, "cat", input=given)
            self.assertTrue(result.ok and result.stdout == expected)
        # Neither one that stops reading nor one that never reads keeps the rest.
        self.assertEqual(self.ask(self.server.port, "head", input=DATA).stdout, DATA[:5])
        self.assertEqual(self.fate("Hello", input=DATA), parley.Exited(0))

    def test_large_input_takes_little_time(self):
        begun = time.process_time()
        with open(os.devnull, "wb") as nowhere:
            self.assertTrue(self.ask(self.server.port, "cat", input=bytes(64 << 20), stdout=nowhere).ok)
        # Half a second, and fifteen if what is left is copied for each piece.
        self.assertLess(time.process_time() - begun, 5)

    def test_an_error_of_the_input_ends_the_command(self):
        def pieces():
            yield b"x"
            raise LookupError("mine")
        with self.assertRaisesRegex(LookupError, "mine"):
            self.fate("stall", input=pieces())
        eventually(lambda: not self.server.children, "the end of the command")

    def test_check_raises_with_the_result(self):
        error = self.failure(parley.CommandFailed, self.server.port, "complain", "no", "4", check=True)
        self.assertEqual((error.result.stderr, error.result.outcome, error.name), (b"no", parley.Exited(4), "exit"))

    def test_the_clients_timeout_cancels(self):
        error = self.failure(parley.CommandTimeout, self.server.port, "wait", timeout=0.3)
        self.assertEqual(error.result.outcome, parley.Signaled(signal.SIGTERM))
        self.assertFalse(is_alive(int(error.result.stdout)))

    def test_too_much_to_collect_ends_the_command(self):
        self.failure(parley.TooMuchOutput, self.server.port, "noisy", max_output=100_000)
        eventually(lambda: not self.server.children, "the end of the command")

    def test_a_lost_connection_is_no_outcome(self):
        for name, end in ENDS.items():
            for frames in (b"", frame(OUTPUT, b"half"), frame(OUTPUT, b"half")[:-1]):
                with self.subTest(name, frames=frames):
                    error = self.failure(parley.CutShort, FalseServer(self, frames, end).port, "x")
                    self.assertEqual(error.name, "cut-short")

    def test_what_breaks_the_protocol_is_an_error(self):
        for frames in (header(OUTPUT, 0xffffff), header(99, 1), exited(1, 9), wanted(0), refused(77, b"?")):
            with self.subTest(frames):
                # It does not wait for what the header announces.
                self.failure(parley.ProtocolError, FalseServer(self, frames, silence).port, "x")

    def test_a_silent_server_is_given_up(self):
        error = self.failure(parley.CutShort, FalseServer(self, b"", silence).port, "x", idle_timeout=0.5)
        self.assertIn("silent", str(error))

    def test_pings_are_answered_and_sent(self):
        server = Commands(self, "--keepalive", "0.1", "--idle-timeout", "1")
        self.assertTrue(self.ask(server.port, "quiet", "2", keepalive=0).ok)
        got = []

        def pings(connection):
            got.append(connection.recv(100))
            connection.sendall(exited(0))
        false = FalseServer(self, b"", pings)
        self.assertTrue(self.ask(false.port, "x", keepalive=0.1).ok)
        self.assertEqual(got, [frame(PING)])

    def test_the_servers_name_always_counts(self):
        port, certs = self.server.port, authority.good()
        self.assertTrue(self.ask(port, "Hello", host="127.0.0.1").ok)
        self.assertTrue(self.ask(port, "Hello", host="127.0.0.1", names={"server_name": "localhost"}).ok)
        for name in ("other.example", "127.0.0.2", "client"):
            error = self.failure(parley.NotTrusted, port, names={"server_name": name})
            self.assertIn("mismatch", str(error))
        self.failure(parley.NotTrusted, port, names={"ca": authority.good("other") / "ca.pem"})
        for fault in ("other-ca", "expired", "wrong-purpose"):
            with self.subTest(fault):
                pair = {kind: f"{authority.bad() / fault}.{end}" for kind, end in (("cert", "pem"), ("key", "key"))}
                error = self.failure(parley.NotTrusted, port, certs=certs, names=pair)
                self.assertIn("this client's certificate", str(error))

    def test_files_that_cannot_be_used_are_told(self):
        for fault in ("missing-key", "encrypted-key", "readable-key", "key-mismatch", "garbled", "empty", "none"):
            with self.subTest(fault):
                pair = {kind: f"{authority.bad() / fault}.{end}" for kind, end in (("cert", "pem"), ("key", "key"))}
                self.failure(parley.CredentialError, self.server.port, names=pair)
        empty = self.failure(parley.CredentialError, self.server.port, certs=new_folder())
        self.assertIn("ca.pem", str(empty))

    def test_files_that_others_can_write_are_refused(self):
        for name in ("ca.pem", "client.pem", "client.key", "."):
            folder = new_folder() / "certs"
            folder.mkdir()
            for file in ("ca.pem", "client.pem", "client.key"):
                authority.copy(authority.good() / file, folder / file)
            self.assertTrue(self.ask(self.server.port, "Hello", certs=folder).ok)
            (folder / name).chmod(0o777)
            error = self.failure(parley.CredentialError, self.server.port, certs=folder)
            self.assertIn(f"chmod go-w {folder / name}", str(error))

    def test_no_connection_and_no_protocol_are_told(self):
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            self.failure(parley.ConnectError, dead.getsockname()[1])
        error = self.failure(parley.ConnectError, FalseServer(self, b"", protocols=()).port)
        self.assertIn("parley/1", str(error))

    def test_a_silent_port_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.failure(parley.ConnectError, silent.getsockname()[1], names={"connect_timeout": 0.3})

    def test_one_good_address_of_a_host_is_enough(self):
        def addresses(*ports):
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
            return unittest.mock.patch("socket.getaddrinfo", lambda *_, **__: found)

        port = self.server.port
        with socket.socket() as dead, full_server(self) as silent:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            refusing, full = dead.getsockname()[1], silent.getsockname()[1]
            with addresses(refusing, full, port):
                begun = time.monotonic()
                self.assertTrue(self.ask(port, "Hello", names={"connect_timeout": LIMIT}).ok)
                self.assertLess(time.monotonic() - begun, LIMIT / 2)
            with addresses(refusing, refusing):
                self.assertIn("refused", str(self.failure(parley.ConnectError, port)))
            with addresses(refusing, full):
                error = self.failure(parley.ConnectError, port, names={"connect_timeout": 0.3})
                self.assertIn("does not answer", str(error))

    def test_words_that_no_request_can_have_are_refused_here(self):
        for words in ((), ("",), ("x", *["a"] * 65), ("x", "a" * 40_000)):
            with self.assertRaises(ValueError):
                self.ask(self.server.port, *words)
        self.assertEqual(self.fate("say", "a" * 32_000).status, 0)


class Blocking(Fates, RunTestCase):
    ask = staticmethod(blocking)

    def session(self, server=None):
        session = parley.connect("localhost", (server or self.server).port, certs=authority.good())
        self.addCleanup(session.close)
        return session

    def test_a_session_goes_on_after_each_fate(self):
        session = self.session()
        for words in (("Hello",), ("status", "3"), ("late",), ("none",), ("much",), ("head",), ("cat",), ("Hello",)):
            result = session.run(*words, input=DATA)
        self.assertEqual(result.stdout, b"Greetings!\n")
        with self.assertRaises(parley.CommandTimeout):
            session.run("wait", timeout=0.2)
        self.assertTrue(session.run("Hello").ok)
        self.assertTrue(session.run("quit").ok)
        with self.assertRaises(parley.CutShort):
            session.run("Hello")

    def test_output_comes_while_the_command_runs(self):
        session = self.session()
        events = session.stream("wait")
        group = int(next(events).data)
        self.assertTrue(is_alive(group))
        with self.assertRaises(RuntimeError):
            session.run("Hello")
        self.assertTrue(is_alive(group))  # The mistake has not ended it.
        session.cancel()
        self.assertEqual(next(events), parley.Ended(parley.Signaled(signal.SIGTERM)))
        self.assertTrue(session.run("Hello").ok)

    def test_leaving_the_loop_ends_the_command(self):
        for event in self.session().stream("wait"):
            group = int(event.data)
            break
        eventually(lambda: not is_alive(group), "the end of the command")

    def test_an_interrupt_ends_the_command(self):
        lines = (f"import parley_client as p; "
                 f"p.run('localhost', 'wait', port={self.server.port}, certs={str(authority.good())!r})")
        program = Program(self, [sys.executable, "-c", lines], environment={"PYTHONPATH": str(CLIENT)})
        eventually(lambda: self.server.children, "the start of the command")
        program.signal(signal.SIGINT)
        self.assertIn("KeyboardInterrupt", program.stderr.finish() or program.stderr.text)
        eventually(lambda: not self.server.children, "the end of the command")


class Asyncio(Fates, RunTestCase):
    ask = staticmethod(with_asyncio)

    def within(self, use):
        async def main():
            session = await parley.connect_async("localhost", self.server.port, certs=authority.good())
            async with session:
                return await use(session)
        return asyncio.run(asyncio.wait_for(main(), LIMIT))

    def test_a_session_goes_on_after_each_fate(self):
        async def use(session):
            for words in (("status", "3"), ("late",), ("none",), ("much",), ("head",), ("cat",), ("Hello",)):
                result = await session.run(*words, input=DATA)
            self.assertEqual(result.stdout, b"Greetings!\n")
            with self.assertRaises(parley.CommandTimeout):
                await session.run("wait", timeout=0.2)
            self.assertTrue((await session.run("Hello")).ok)
        self.within(use)

    def test_input_and_output_alternate(self):
        async def use(session):
            queue = asyncio.Queue()

            async def lines():
                while (line := await queue.get()):
                    yield line
            queue.put_nowait(b"1\n")
            got = []
            async for event in session.stream("cat", input=lines()):
                if isinstance(event, parley.Output):
                    got.append(event.data)
                    queue.put_nowait(b"%d\n" % (len(got) + 1) if len(got) < 5 else b"")
            self.assertEqual(got, [b"1\n", b"2\n", b"3\n", b"4\n", b"5\n"])
            self.assertEqual(event, parley.Ended(parley.Exited(0)))
        self.within(use)

    def test_cancellation_ends_the_command(self):
        async def use(session):
            started, output = asyncio.Event(), io.BytesIO()
            output.write = lambda data: (io.BytesIO.write(output, data), started.set())
            task = asyncio.ensure_future(session.run("wait", stdout=output))
            await started.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            # While the session's own end, which would do it too, is still to come.
            group = int(output.getvalue())
            await asyncio.to_thread(eventually, lambda: not is_alive(group), "the end of the command")
        self.within(use)

    def test_cancel_leaves_the_session(self):
        async def use(session):
            async for event in session.stream("wait"):
                if isinstance(event, parley.Output):
                    session.cancel()
            self.assertEqual(event, parley.Ended(parley.Signaled(signal.SIGTERM)))
            self.assertTrue((await session.run("Hello")).ok)
        self.within(use)

    def test_many_sessions_side_by_side(self):
        cat = {**COMMANDS["cat"], "concurrency": 40}  # A quarter of it is one client's.
        server = Commands(self, commands={"cat": cat})

        async def ask(_):
            result = await parley.run_async("localhost", "cat", input=DATA, port=server.port,
                                            certs=authority.good())
            return result.stdout == DATA

        async def main():
            return await asyncio.gather(*map(ask, range(10)))
        self.assertEqual(asyncio.run(asyncio.wait_for(main(), LIMIT)), [True] * 10)
