# SPDX-License-Identifier: Apache-2.0
"""How long `parley run` may take, what input it gives, and the progress that it shows."""

import socket
import threading
import unittest

from parley1 import exited
from runs import Commands, FalseServer, Run
from support import LIMIT, TestCase, gone


class Limits(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)

    def test_a_command_is_ended_when_its_time_is_over(self):
        run = Run(self, self.server.port, "wait", options=["--timeout", "0.5"])
        group = run.started()
        self.assertStatus(run, 252)
        self.assertRegex(run.stderr.text, rf"^parley: {run.place}: ended after 0\.5 seconds, since --timeout")
        gone(group)

    def test_what_ends_in_time_is_not_touched(self):
        run = Run(self, self.server.port, "status", "3", options=["--timeout", "60"])
        self.assertStatus(run, 3)
        self.assertEqual(run.stderr.text, "")

    def test_a_server_that_does_not_close_changes_no_outcome(self):
        held = threading.Event()
        server = FalseServer(self, exited(7), lambda connection: held.wait(LIMIT))
        run = Run(self, server.port, "x", options=["--timeout", "0.5", "--close-timeout", "1.5"])
        self.assertStatus(run, 7)
        held.set()
        self.assertNotIn("--timeout", run.stderr.text)

    def test_the_rest_of_a_batch_is_not_run(self):
        run = Run(self, self.server.port, options=["--batch", "--timeout", "1"],
                  stdin="say one\nquiet 600\nsay two\n")
        self.assertStatus(run, 252)
        self.assertEqual(run.stdout.text, "one")
        self.assertRegex(run.stderr.text, "--timeout allows no more")

    def test_a_server_that_says_nothing_is_left(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            run = Run(self, silent.getsockname()[1], "wait", options=["--timeout", "0.5"])
            self.assertStatus(run, 255)
            self.assertRegex(run.stderr.text, rf"^parley: {run.place}: no session within 0\.5 seconds")

    def test_it_is_told_in_json_too(self):
        run = Run(self, self.server.port, "wait", options=["--timeout", "0.5", "--json"])
        self.assertStatus(run, 252)
        self.assertEqual((run.outcome["outcome"], run.outcome["exit"]), ("signal", 252))

    def test_a_session_of_a_person_has_no_time_limit(self):
        run = Run(self, self.server.port, options=["--timeout", "5"], stdin="")
        self.assertStatus(run, 255)
        self.assertRegex(run.stderr.text, "--timeout is for a command")


class Input(TestCase):

    def test_a_command_gets_none_if_none_is_wanted(self):
        server = Commands(self)
        for option in ("-n", "--no-input"):
            with self.subTest(option):
                run = Run(self, server.port, "cat", options=[option], stdin="not this")
                self.assertStatus(run, 0)
                self.assertEqual(run.stdout.text, "")


class Progress(TestCase):

    def test_it_is_shown_at_a_terminal_and_erased(self):
        server = Commands(self)
        run = Run(self, server.port, "quiet", "2.5", options=["--progress"], terminal=True,
                  shell="2>&1", environment={"TERM": "xterm"})
        run.stdout.expect(r"\r0 B out, 0 B in, [1-9] s\x1b\[K")
        run.stdout.expect(r"\r\x1b\[Kdone\r\n")
        self.assertStatus(run, 0)

    def test_it_is_not_shown_anywhere_else(self):
        server = Commands(self)
        run = Run(self, server.port, "quiet", "1.5", options=["--progress"])
        self.assertStatus(run, 0)
        self.assertEqual(run.stderr.text, "")


if __name__ == "__main__":
    unittest.main()
