# SPDX-License-Identifier: Apache-2.0
"""What a client sends ahead of a running command, and what it may not gain by that."""

import time
import unittest

from parley1 import (
    AHEAD, BY_ITSELF, CANCEL, CANCELLED, INPUT, INPUT_END, OUTPUT, PING, TOO_LARGE, frame, run)
from remote_server import REPLIES, RemoteTestCase, program
from strangers import reset
from support import eventually, measures_memory


class Ahead(RemoteTestCase):
    COMMANDS = {
        **REPLIES,
        "gate": program("/bin/sh", "-c", "echo on; read line", input=True),
        "true": program("/bin/true", concurrency=2),
    }

    def start(self):
        """A session whose command runs until its input has a line."""
        session = self.session()
        session.run("gate")
        while session.receive()[0] != OUTPUT:
            pass
        return session

    def test_frames_keep_their_order_wherever_they_are_cut(self):
        ahead = run("Hello") * 3 + run("Are you there?")
        for cut in range(1, len(ahead)):
            with self.subTest(cut):
                session = self.start()
                session.stream.sendall(frame(INPUT, b"\n") + frame(INPUT_END) + ahead[:cut])
                self.assertEnded(session.outcome(), BY_ITSELF, 0)
                session.stream.sendall(ahead[cut:])
                for reply in ["Greetings!"] * 3 + ["Yes, I am here!"]:
                    self.assertEqual(session.outcome().lines, [reply])
                session.close()

    def test_cancel_ends_what_was_sent_before_it_only(self):
        session = self.start()
        large = run("Hello", *["x" * 5_000] * 7)
        session.stream.sendall(large + run("Hello") + frame(CANCEL) + run("Hello"))
        self.assertIsNotNone(session.outcome().ended)
        self.assertIn(session.outcome().code, (TOO_LARGE, CANCELLED))
        self.assertEqual(session.outcome().code, CANCELLED)
        self.assertEqual(session.outcome().lines, ["Greetings!"])

    def test_a_client_that_resets_behind_its_runs_keeps_no_place(self):
        for _ in range(20):
            session = self.session()
            session.stream.sendall(run("Hello") * 1_400 + run("true"))
            reset(session.stream)
        eventually(
            lambda: self.session().ask("true").ended == (BY_ITSELF, 0), "a place that is free")
        starts = self.server.records("command-start")
        eventually(
            lambda: len(self.server.records("command-end")) == len(
                self.server.records("command-start")) >= len(starts), "an end for each start")

    def test_more_than_may_be_ahead_waits_and_is_answered(self):
        session = self.start()
        count = 2 * AHEAD // len(run("Hello"))
        session.stream.sendall(frame(INPUT, b"\n") + frame(INPUT_END))
        session.stream.sendall(run("Hello") * count)
        self.assertEnded(session.outcome(), BY_ITSELF, 0)
        for _ in range(count):
            self.assertEqual(session.outcome().lines, ["Greetings!"])


class Deaf(RemoteTestCase):
    COMMANDS = {"writes": program("/usr/bin/yes", output=1 << 40)}
    OPTIONS = ("--grace", "0.2", "--idle-timeout", "1", "--close-timeout", "0.3")

    @measures_memory
    def test_who_does_not_read_is_held_while_it_pings_and_given_up_when_it_is_silent(self):
        session = self.session()
        session.run("writes")
        before = self.server.memory
        session.stream.settimeout(30)
        end = time.monotonic() + 3.5
        while time.monotonic() < end:
            session.stream.sendall(frame(PING) * 400)
        self.assertLess(self.server.memory - before, 8 * 1024)
        self.assertEqual(self.server.records("command-end"), [])
        eventually(lambda: self.server.records("command-end"), "the program's end")


if __name__ == "__main__":
    unittest.main()
