# SPDX-License-Identifier: Apache-2.0
"""The server as a service: what it tells its service manager, and what it takes from it."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

from remote_server import REPLIES, TableServer, program
from server import Server, parleyd
from support import LIMIT, PARLEYD, eventually, new_folder

COMMANDS = {**REPLIES, "true": program("/bin/true"), "wait": program("/bin/sh", "-c", "exec sleep 30")}

ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """The end of a service manager to which a server sends its messages."""

    def __init__(self, owner):
        self.folder = new_folder()
        self.path = str(self.folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        owner.addCleanup(self._socket.close)
        self._socket.bind(self.path)
        self._socket.settimeout(LIMIT)

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.path, "RUNTIME_DIRECTORY": str(self.folder), **more}

    def message(self):
        """The next message, as a dictionary."""
        text = self._socket.recv(4096).decode("ascii")
        return dict(line.split("=", 1) for line in text.split("\n"))

    def until(self, name):
        """The next message with this variable."""
        while True:
            message = self.message()
            if name in message:
                return message


class Service(unittest.TestCase):

    def start(self, manager, **variables):
        return TableServer(self, COMMANDS, "--drain", "3", environment=manager.environment(**variables))

    def test_it_says_when_it_is_ready_reloads_and_stops(self):
        manager = Manager(self)
        server = self.start(manager)
        message = manager.until("READY")
        self.assertEqual(message["STATUS"], f"Listening on 127.0.0.1:{server.port}")
        server.signal(signal.SIGHUP)
        self.assertGreater(int(manager.until("RELOADING")["MONOTONIC_USEC"]), 0)
        manager.until("READY")
        server.signal(signal.SIGTERM)
        # The drain, the longest grace time, and what is left to do.
        self.assertEqual(manager.until("STOPPING")["EXTEND_TIMEOUT_USEC"], str((3 + 5 + 15) * 1_000_000))
        self.assertEqual(server.wait(), 0)

    def test_the_status_says_who_is_there(self):
        manager = Manager(self)
        server = self.start(manager)
        session = server.session(self)
        session.run("wait")
        eventually(lambda: "1 session, 1 program running" in manager.until("STATUS")["STATUS"], "both")
        session.close()
        eventually(lambda: "0 sessions, 0 programs running" in manager.until("STATUS")["STATUS"], "neither")

    def test_the_watchdog_hears_of_a_server_whose_loops_turn(self):
        manager = Manager(self)
        server = self.start(manager, WATCHDOG_USEC="200000")
        for _ in range(3):
            manager.until("WATCHDOG")
        os.kill(server.network, signal.SIGSTOP)
        self.addCleanup(os.kill, server.network, signal.SIGCONT)
        # What was on its way; after that there is silence.
        manager._socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            for _ in range(5):
                manager.until("WATCHDOG")
        os.kill(server.network, signal.SIGCONT)
        manager._socket.settimeout(LIMIT)
        manager.until("WATCHDOG")

    def test_nobody_is_told_where_nobody_asks(self):
        server = TableServer(self, COMMANDS, environment={"NOTIFY_SOCKET": "/nowhere/notify"})
        self.assertEqual(server.session(self).ask("Hello").lines, ["Greetings!"])


class Activation(unittest.TestCase):

    def listening(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(listener.close)
        return listener

    def start(self, listener, **how):
        wrapper = [sys.executable, "-c", ACTIVATE, str(listener.fileno())]
        return Server(self, "command", wrapper=wrapper, pass_fds=[listener.fileno()], **how)

    def ask(self, address):
        with socket.create_connection(address, timeout=LIMIT) as client:
            client.sendall(b"Hello")
            return client.recv(100)

    def test_clients_wait_while_the_server_starts_again(self):
        listener = self.listening()
        address = listener.getsockname()
        server = self.start(listener)
        self.assertEqual(server.port, address[1])
        self.assertEqual(self.ask(address), b"Greetings!")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        # Nobody serves, and nobody is refused.
        waiting = [socket.create_connection(address, timeout=LIMIT) for _ in range(40)]
        for client in waiting:
            self.addCleanup(client.close)
            client.sendall(b"Hello")
        self.start(listener)
        self.assertEqual([client.recv(100) for client in waiting], [b"Greetings!"] * 40)

    def test_a_socket_that_does_not_listen_is_refused(self):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        ended = subprocess.run(
            [sys.executable, "-c", ACTIVATE, str(datagrams.fileno()), *map(str, parleyd("command"))],
            pass_fds=[datagrams.fileno()], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(ended.returncode, 69)
        self.assertIn("descriptor 3 from socket activation is not a listening TCP socket", ended.stderr)


class Reload(unittest.TestCase):
    """`parleyd reload`, which a unit's ExecReload runs."""

    def setUp(self):
        self.manager = Manager(self)
        self.server = TableServer(self, COMMANDS, environment=self.manager.environment())

    def reload(self, *words, **variables):
        return subprocess.run(
            [str(PARLEYD), "reload", *words], env={**os.environ, **self.manager.environment(**variables)}, capture_output=True,
            text=True, timeout=LIMIT)

    def test_it_ends_when_the_new_files_are_in_force(self):
        self.server.table.write_text('{"commands": {"new": {"reply": "new"}}}')
        ended = self.reload(str(self.server.pid))
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(self.server.session(self).ask("new").lines, ["new"])
        self.assertEqual(sorted(entry.name for entry in self.manager.folder.iterdir()), ["notify"])

    def test_it_fails_where_the_old_stays_in_force(self):
        self.server.table.write_text('{"commands": {')
        ended = self.reload(MAINPID=str(self.server.pid))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("kept the old command table", ended.stderr)
        self.assertEqual(self.server.session(self).ask("Hello").lines, ["Greetings!"])

    def test_it_fails_where_the_network_process_does_not_take_it_over(self):
        network = self.server.network
        os.kill(network, signal.SIGSTOP)
        self.addCleanup(os.kill, network, signal.SIGCONT)
        ended = self.reload(str(self.server.pid))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("did not switch to the new files within 10 s", ended.stderr)

    def test_each_of_many_is_told(self):
        words = [str(PARLEYD), "reload", str(self.server.pid)]
        environment = {**os.environ, **self.manager.environment()}
        asking = [subprocess.Popen(words, env=environment) for _ in range(12)]
        self.assertEqual([one.wait(LIMIT) for one in asking], [0] * 12)

    def test_what_is_not_the_server_gets_no_signal(self):
        other = subprocess.Popen(["/bin/sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        name = pathlib.Path(f"/proc/{other.pid}/comm")
        eventually(lambda: name.read_text() == "sleep\n", "the exec")
        ended = self.reload(str(other.pid))
        self.assertEqual(ended.returncode, 78)
        self.assertIn(f"process {other.pid} is not parleyd", ended.stderr)
        self.assertIsNone(other.poll())

    def test_what_cannot_be_waited_for_is_not_asked_for(self):
        ended = self.reload(str(self.server.pid), RUNTIME_DIRECTORY="/nowhere")
        self.assertEqual(ended.returncode, 69)
        self.assertIn("no signal was sent", ended.stderr)
        self.assertNotIn("SIGHUP", self.server.stderr.text)

    def test_usage(self):
        for words, sentence in (((), "needs the server's process ID"), (("x",), "not a process ID"),
                                (("1",), "not a process ID"), (("5", "6"), "unexpected argument")):
            with self.subTest(words):
                ended = self.reload(*words)
                self.assertEqual(ended.returncode, 64)
                self.assertIn(sentence, ended.stderr)


if __name__ == "__main__":
    unittest.main()
