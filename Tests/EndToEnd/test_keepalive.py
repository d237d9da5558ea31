# SPDX-License-Identifier: Apache-2.0
"""Silent sessions on a way that forgets silent connections, and readers that pause."""

import os
import signal
import time
import unittest

from proxy import Proxy
from runs import Commands, Run, shell
from support import PIPE, SCRATCH, Client, TestCase, gone

COMMANDS = {
    "Hello": {"reply": "Greetings!"},
    "quiet": shell("sleep 4; echo done"),
    "count": shell("seq 1000000; echo END", timeout=2),
    "held": shell("echo $$ >&2; exec yes", timeout=600, output=1 << 50),
}
OFTEN = ["--keepalive", "0.4"]
NEVER = ["--keepalive", "0"]


class Balanced(TestCase):
    """Behind a balancer that cuts what is silent for 2 s."""

    def behind(self, *options):
        self.server = Commands(self, *options, commands=COMMANDS)
        self.proxy = Proxy(self, self.server.port, 2)
        return self.proxy.port

    def test_a_silent_command_is_kept_by_either_end(self):
        for server, client in ((OFTEN, NEVER), (NEVER, OFTEN)):
            with self.subTest(server=server, client=client):
                run = Run(self, self.behind(*server), "quiet", options=client)
                self.assertStatus(run, 0)
                self.assertEqual(run.stdout.text, "done\n")

    def test_without_pings_a_silent_command_is_cut(self):
        run = Run(self, self.behind(*NEVER), "quiet", options=NEVER)
        self.assertStatus(run, 252)
        self.assertEqual(self.proxy.cuts, 1)

    def test_a_silent_command_is_not_given_up_without_pings(self):
        server = Commands(self, "--idle-timeout", "1", *NEVER, commands=COMMANDS)
        run = Run(self, server.port, "quiet", options=["--idle-timeout", "1", *NEVER])
        self.assertStatus(run, 0)

    def test_an_open_batch_is_kept_by_either_end(self):
        for server, client in ((OFTEN, NEVER), (NEVER, OFTEN)):
            with self.subTest(server=server, client=client):
                port = self.behind(*server)
                run = Run(self, port, options=["--batch", *client], stdin=PIPE)
                run.type("Hello\n")
                run.stdout.expect("Greetings!\n")
                # Another one is silent for as long; its end is what is waited for.
                self.assertStatus(Run(self, self.server.port, "quiet"), 0)
                run.type("Hello\n")
                run.stdout.expect("Greetings!\n")
                run.end_input()
                self.assertStatus(run, 0)
                self.assertEqual(self.proxy.cuts, 0)

    def test_an_open_prompt_is_kept(self):
        run = Run(self, self.behind(*NEVER), options=OFTEN, terminal=True)
        run.stdout.expect(r"127\.0\.0\.1:\d+> ")
        self.assertStatus(Run(self, self.server.port, "quiet"), 0)
        run.type("Hello\n")
        run.stdout.expect("Greetings!")
        run.end_input()
        self.assertStatus(run, 0)
        self.assertEqual(self.proxy.cuts, 0)

    def test_pings_alone_do_not_keep_a_session_without_a_command(self):
        server = Commands(self, "--idle-timeout", "1.5", commands=COMMANDS)
        run = Run(self, server.port, options=OFTEN, terminal=True)
        run.stdout.expect(r"127\.0\.0\.1:\d+> ")
        self.assertStatus(run, 0)
        self.assertRegex(run.story, "the server ended the session")
        server.stderr.expect("the session was idle for 1.5 s")


IDLE, PAUSE = "6", 9
"""In seconds. A machine with many others to serve may not give both ends their turn within 3."""


class Pauses(TestCase):
    """A reader that pauses holds its program, however long the ends would wait for a silent peer."""

    def paused(self, server, *command, **how):
        """A run whose output is not read, and the reading end."""
        read, write = os.pipe()
        run = Run(self, server.port, *command, stdout=write, **how)
        os.close(write)
        self.addCleanup(os.close, read)
        return run, read

    def rest(self, read):
        text = b""
        while chunk := os.read(read, 1 << 20):
            text += chunk
        return text

    def test_nothing_is_lost_in_a_pause_longer_than_the_deadlines_and_the_time_limit(self):
        server = Commands(self, "--idle-timeout", IDLE, commands=COMMANDS)
        for options in (["--idle-timeout", IDLE], ["--idle-timeout", IDLE, *NEVER]):
            with self.subTest(options):
                run, read = self.paused(server, "count", options=options)
                time.sleep(PAUSE)  # the pause that is measured
                text = self.rest(read)
                self.assertStatus(run, 0)
                self.assertTrue(text.endswith(b"\n1000000\nEND\n"), text[-40:])

    def test_a_batch_of_replies_waits_for_its_reader(self):
        server = Commands(self, "--idle-timeout", IDLE, commands={"long": {"reply": "x" * 1000}})
        lines = 20_000
        path = SCRATCH / self.id()
        path.write_text("long\n" * lines)
        options = ["--batch", "--idle-timeout", IDLE]
        run, read = self.paused(server, options=options, shell=f"<{path} 2>{path}.said")
        time.sleep(PAUSE)  # the pause that is measured
        count = len(self.rest(read))
        self.assertStatus(run, 0)
        self.assertEqual(count, lines * 1001)

    def test_a_client_that_is_stopped_in_a_pause_is_given_up(self):
        server = Commands(self, "--idle-timeout", "3", commands=COMMANDS)
        run, _ = self.paused(server, "held")
        group = int(run.stderr.expect(r"(\d+)\n")[1])
        run.signal(signal.SIGSTOP)
        gone(group)
        run.signal(signal.SIGCONT)

    def test_a_bad_keepalive_is_refused(self):
        for time_ in ("-1", "soon", "nan", "1e9"):
            with self.subTest(time_):
                run = Run(self, 1, "x", options=["--keepalive", time_])
                self.assertFails(run, 255, "--keepalive")
        run = Client(self, "hello", 1, "--keepalive", "15")
        self.assertFails(run, 255, "--keepalive is only for parley run")


if __name__ == "__main__":
    unittest.main()
