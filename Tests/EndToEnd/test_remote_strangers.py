# SPDX-License-Identifier: Apache-2.0
"""Strangers who take every descriptor, and what must still be read."""

import shutil
import socket
import threading
import unittest

from parley1 import NOT_ALLOWED, UNAVAILABLE
from people import people
from remote_server import RemoteServer, RemoteTestCase, TableServer, shell
from strangers import reset
from support import eventually, new_folder
from test_remote_reload import COMMANDS, revocation


class Exhaustion(RemoteTestCase):
    def test_strangers_who_hold_all_descriptors_hold_no_revocation_up(self):
        before, after = revocation()
        crl = people() / f"{self.id()}.pem"
        shutil.copy(before, crl)
        server = RemoteServer(
            self, COMMANDS, "--crl", str(crl), "--threads", "4", descriptors=64)
        leaver = server.session(self, "leaver")
        self.assertEqual(leaver.ask("echo", "on").lines, ["on"])
        runners = [server.session(self) for _ in range(4)]
        strangers = Strangers(server.port)
        self.addCleanup(strangers.leave)
        server.stderr.expect("no descriptor is free")
        # Nor do programs, whose pipes could be made of what is held back.
        self.addCleanup(runs(runners))
        for _ in range(40):
            self.assertNotRegex(server.reload(), "kept the old")
        shutil.copy(after, crl)
        self.assertNotRegex(server.reload(), "kept the old")
        self.assertRefused(leaver.ask("Hello"), NOT_ALLOWED, "revoked")
        # Nor does what is held back keep others out for good.
        strangers.leave()
        self.assertEqual(server.session(self).ask("Hello").lines, ["Greetings!"])

    def test_no_program_begins_whose_output_could_not_be_passed_on(self):
        """It would have to be ended halfway."""
        mark = new_folder() / "mark"
        server = TableServer(self, {"mark": shell(f"echo >{mark}; sleep 1")}, descriptors=64)
        session = server.session(self)
        strangers = Strangers(server.port)
        self.addCleanup(strangers.leave)
        server.stderr.expect("no descriptor is free")
        self.assertRefused(session.ask("mark"), UNAVAILABLE, "no free descriptor")
        self.assertFalse(mark.exists())
        strangers.leave()
        eventually(lambda: session.ask("mark").ended == (0, 0), "a program that begins again")
        self.assertTrue(mark.exists())


def runs(sessions):
    """Has each session run programs, or be refused, until what this returns is called."""
    leaving = threading.Event()

    def run(session):
        while not leaving.is_set():
            session.ask("echo", "on")
    threads = [threading.Thread(target=run, args=[session], daemon=True) for session in sessions]
    for thread in threads:
        thread.start()

    def stop():
        leaving.set()
        for thread in threads:
            thread.join()
    return stop


class Strangers:
    """More connections than there are descriptors, some of which always come and go."""

    def __init__(self, port):
        self._port, self._leaving = port, threading.Event()
        self._staying = [self._connect() for _ in range(100)]
        self._thread = threading.Thread(target=self._come_and_go, daemon=True)
        self._thread.start()

    def leave(self):
        self._leaving.set()
        self._thread.join()
        for stranger in self._staying:
            stranger.close()

    def _connect(self):
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.connect_ex(("127.0.0.1", self._port))
        return stranger

    def _come_and_go(self):
        while not self._leaving.wait(0.002):
            for _ in range(5):
                stranger = self._staying.pop(0)
                reset(stranger)
                self._staying.append(self._connect())


if __name__ == "__main__":
    unittest.main()
