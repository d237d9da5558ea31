# SPDX-License-Identifier: Apache-2.0
"""Clients that vanish, are silent or don't read: their programs end, and no other client waits."""

import pathlib
import signal
import socket
import ssl
import unittest

from parley1 import BY_ITSELF, BY_SIGNAL, CANCEL, OUTPUT, PING, frame, run
from remote_server import REPLIES, RemoteServer, RemoteTestCase, fixture, program
from runs import Run
from strangers import reset
from support import PIPE, eventually, gone, measures_memory, members

HOLDERS = 4
GROWTH = 6 * 1024
"""KiB that a server may grow by when `HOLDERS` clients don't read: buffers, not output."""


def parley(test, command):
    """Our own client, in a process that can be killed and stopped."""
    return Run(test, test.server.port, command, stdin=PIPE)


class Gone(RemoteTestCase):
    """A client that vanishes, in whatever way, ends its program."""

    COMMANDS = {
        **REPLIES,
        "ignore end": fixture("ignore-end.sh"),
        "tidy": program("/bin/sh", "-c", "echo $$; exec sleep 30"),
        "reads": program("/bin/sh", "-c", "echo $$; cat", input=True),
        "writes": program("/bin/sh", "-c", "echo $$; exec yes", output=1 << 40),
    }
    OPTIONS = ("--grace", "0.3")

    def close(self, session):
        try:
            session.stream.unwrap()
        except ssl.SSLError as error:
            # What the server had sent before it met our end.
            self.assertEqual(error.reason, "APPLICATION_DATA_AFTER_CLOSE_NOTIFY")
        session.stream.close()

    def half_close(self, session):
        session.stream.unwrap()

    def cut(self, session):
        # Python keeps the close_notify back: a FIN alone.
        socket.socket(fileno=session.stream.detach()).close()

    def half_cut(self, session):
        self.raw = socket.socket(fileno=session.stream.detach())
        self.addCleanup(self.raw.close)
        self.raw.shutdown(socket.SHUT_WR)

    def reset(self, session):
        reset(socket.socket(fileno=session.stream.detach()))

    def test_every_end_of_a_client_ends_its_program(self):
        for command in self.COMMANDS:
            if command in REPLIES:
                continue
            for end in (self.close, self.half_close, self.cut, self.half_cut, self.reset):
                if command == "writes" and end in (self.close, self.half_close):
                    continue  # Python's unwrap fails on data that follows.
                with self.subTest(command, end=end.__name__):
                    session = self.session()
                    session.run(command)
                    line = b""
                    while b"\n" not in line:
                        kind, payload = session.receive()
                        line += payload if kind == OUTPUT else b""
                    group = int(line.split()[0])
                    self.assertTrue(members(group))
                    end(session)
                    gone(group)
                    eventually(lambda: group in [
                        record["pid"] for record in self.server.records("command-end")
                        if "pid" in record], "its record")

    def test_nothing_more_of_its_runs_is_started(self):
        session = self.session()
        session.stream.sendall(run("tidy") * 5)
        session.expect(OUTPUT)
        session.stream.unwrap()
        before = len(self.server.records("command-start"))
        eventually(lambda: not self.server.children, "the end of the program")
        self.assertEqual(self.session().ask("Hello").lines, ["Greetings!"])
        self.assertEqual(len(self.server.records("command-start")), before)

    def test_a_killed_client_is_gone(self):
        there = parley(self, "ignore end")
        group = int(there.stdout.expect(r"(\d+)\n")[1])
        there.signal(signal.SIGKILL)
        gone(group)


class Silent(RemoteTestCase):
    """Who is not heard of for the idle deadline is given up, and who answers pings is not."""

    COMMANDS = {
        "silent": fixture("silent.sh", "2.5"),
        "ignore end": fixture("ignore-end.sh"),
        "reads": program("/bin/sh", "-c", "echo $$; cat", input=True),
        "writes": program("/bin/sh", "-c", "echo $$; exec yes", output=1 << 40),
    }
    OPTIONS = ("--grace", "0.2", "--idle-timeout", "0.9", "--close-timeout", "0.3")

    def test_a_silent_program_of_a_client_that_answers_pings_goes_on(self):
        session = self.session()
        outcome = session.ask("silent")
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertEqual(outcome.lines, ["at last"])
        self.assertGreaterEqual(session.pings, 4)

    def test_a_client_that_answers_no_ping_loses_its_program(self):
        sessions = {name: self.session() for name in ("ignore end", "reads", "writes")}
        groups = []
        for name, session in sessions.items():
            session.run(name)
            while True:
                kind, payload = session.receive()
                if kind == OUTPUT:
                    break
            groups.append(int(payload.split()[0]))
        for group in groups:
            gone(group)

    def test_a_client_that_stopped_loses_its_program(self):
        there = parley(self, "ignore end")
        group = int(there.stdout.expect(r"(\d+)\n")[1])
        there.signal(signal.SIGSTOP)
        gone(group)
        there.signal(signal.SIGCONT)
        self.assertEqual(there.wait(), 252, there.story)

    def test_between_commands_the_idle_deadline_ends_the_session_politely(self):
        session = self.session()
        self.assertEqual(session.end(), [])


class Held(RemoteTestCase):
    """A client that doesn't read holds its own program back, and nothing else."""

    COMMANDS = {
        **REPLIES,
        "writes": program("/bin/sh", "-c", "echo $$; exec yes", output=1 << 40),
        "cat": program("/bin/cat", input=True),
        "tidy": program("/bin/sh", "-c", "echo $$; exec sleep 30"),
    }
    OPTIONS = ("--grace", "0.3")

    def written(self, pid):
        """Bytes that a process has written so far."""
        return int(pathlib.Path(f"/proc/{pid}/io").read_text().split()[3])

    def wait_until_held(self, pids):
        before = []

        def is_held():
            now = [self.written(pid) for pid in pids]
            still = now == before and min(now) > 0
            before[:] = now
            return still
        eventually(is_held, "programs held by full pipes")

    @measures_memory
    def test_its_program_waits_and_the_servers_memory_is_flat(self):
        other = self.session("dora")
        self.assertEqual(other.ask("Hello").lines, ["Greetings!"])
        before = self.server.memory
        holders = [self.session() for _ in range(HOLDERS)]
        groups = []
        for session in holders:
            session.run("writes")
            groups.append(int(session.expect(OUTPUT).split()[0]))
        self.wait_until_held(groups)
        self.assertEqual(other.ask("Hello").lines, ["Greetings!"])
        self.assertTrue(other.ask("cat", data=b"x" * (1 << 20)).output == b"x" * (1 << 20))
        self.assertLess(self.server.memory - before, GROWTH)
        # Reading sets it free again, and cancel is read though the output is full.
        for session, group in zip(holders, groups):
            held = self.written(group)
            for _ in range(400):
                session.expect(OUTPUT)
            self.assertGreater(self.written(group), held)
            session.send(CANCEL)
        for session in holders:
            self.assertEnded(session.outcome(), BY_SIGNAL, 15)
            self.assertEqual(session.ask("Hello").lines, ["Greetings!"])
        self.assertLess(self.server.memory - before, GROWTH)

    def test_a_program_that_always_writes_holds_no_other_session_back(self):
        server = RemoteServer(self, self.COMMANDS, "--threads", "1")
        busy, other = server.session(self), server.session(self, "dora")
        busy.run("writes")
        for _ in range(20):
            for _ in range(50):
                busy.expect(OUTPUT)
            self.assertEqual(other.ask("Hello").lines, ["Greetings!"])
        busy.send(CANCEL)
        self.assertEnded(busy.outcome(), BY_SIGNAL, 15)

    def test_runs_sent_ahead_of_a_running_command_do_not_grow_the_server(self):
        session = self.session()
        session.run("tidy")
        group = int(session.expect(OUTPUT))
        before = self.server.memory
        # A server reads so much ahead and no more: sending must come to a stop.
        session.stream.settimeout(0.3)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                sent += session.stream.send(run("Hello", "x" * 16_000))
        self.assertLess(self.server.memory - before, GROWTH)
        self.assertEqual(self.session("dora").ask("Hello").lines, ["Greetings!"])
        reset(socket.socket(fileno=session.stream.detach()))
        gone(group)

    @measures_memory
    def test_pings_without_end_do_not_grow_the_server(self):
        session = self.session()
        before = self.server.memory
        session.stream.settimeout(0.3)
        try:
            for _ in range(4_000):
                session.stream.sendall(frame(PING) * 4_000)
        except TimeoutError:
            pass  # It stops reading, since nobody takes its pongs.
        self.assertLess(self.server.memory - before, GROWTH)
        self.assertEqual(self.session("dora").ask("Hello").lines, ["Greetings!"])


if __name__ == "__main__":
    unittest.main()
