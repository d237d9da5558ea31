# SPDX-License-Identifier: Apache-2.0
"""What ends a remote command early: Ctrl-C, signals, and an end of the client itself."""

import signal
import unittest

from runs import Commands, Run
from support import PIPE, TestCase, eventually, gone


class Interrupts(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls, "--grace", "60")

    def run_it(self, *command, **how):
        return Run(self, self.server.port, *command, **how)

    def test_ctrl_c_ends_the_program_and_the_client_with_130(self):
        for options in ([], ["--json"]):
            with self.subTest(options):
                run = self.run_it("wait", terminal=True, options=options)
                group = run.started()
                run.type("\x03")
                self.assertStatus(run, 130)
                self.assertEqual(run.attributes(), run.before)
                gone(group)
                if not options:
                    self.assertEqual(run.stderr.text, "")

    def test_a_program_may_tidy_up_and_say_so(self):
        run = self.run_it("tidy", terminal=True)
        group = run.started()
        run.type("\x03")
        run.stdout.expect("tidied")
        self.assertStatus(run, 130)
        gone(group)

    def test_an_object_tells_how_the_cancelled_program_ended(self):
        for name, fields in (("wait", {"outcome": "signal", "signal": 15}),
                             ("tidy", {"outcome": "exit", "status": 3})):
            with self.subTest(name):
                run = self.run_it(name, options=["--json"])
                group = run.started()
                run.signal(signal.SIGINT)
                self.assertEqual(run.outcome, {**run.outcome, **fields, "exit": 130})
                self.assertStatus(run, 130)
                gone(group)

    def test_a_second_ctrl_c_does_not_wait_for_a_program_that_stays(self):
        server = Commands(self, "--grace", "2")
        run = Run(self, server.port, "stay", terminal=True)
        group = run.started()
        run.interrupt()
        run.stdout.expect("no")
        run.type("\x03")
        self.assertStatus(run, 130)
        self.assertEqual(run.attributes(), run.before)
        gone(group)

    def test_a_program_that_stays_is_killed_after_the_grace_time(self):
        server = Commands(self, "--grace", "0.3")
        run = Run(self, server.port, "stay")
        group = run.started()
        run.signal(signal.SIGINT)
        self.assertStatus(run, 130)
        gone(group)

    def test_ctrl_c_while_input_is_typed_ends_the_program(self):
        run = self.run_it("cat", terminal=True)
        run.type("one\n")
        run.stdout.expect("one\r\none\r\n")
        run.type("half a li\x03")
        self.assertStatus(run, 130)
        self.assertEqual(run.attributes(), run.before)

    def test_ctrl_c_before_the_program_reads_its_input_ends_it(self):
        run = self.run_it("wait", stdin=PIPE)
        group = run.started()
        run.signal(signal.SIGINT)
        self.assertStatus(run, 130)
        gone(group)

    def test_an_end_by_a_signal_ends_the_program(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                run = self.run_it("wait", terminal=True)
                group = run.started()
                run.signal(number)
                self.assertStatus(run, 128 + number)
                self.assertEqual(run.attributes(), run.before)
                gone(group)

    def test_a_client_that_is_killed_ends_the_program(self):
        run = self.run_it("wait")
        group = run.started()
        run.signal(signal.SIGKILL)
        self.assertStatus(run, -signal.SIGKILL)
        gone(group)

    def test_a_client_that_stops_to_answer_ends_the_program(self):
        server = Commands(self, "--idle-timeout", "1")
        run = Run(self, server.port, "wait")
        group = run.started()
        run.signal(signal.SIGSTOP)
        gone(group)

    def test_a_server_that_shuts_down_ends_the_program_after_the_drain_time(self):
        server = Commands(self, "--drain", "0.3", "--grace", "0.3")
        run = Run(self, server.port, "wait")
        group = run.started()
        server.signal(signal.SIGTERM)
        self.assertStatus(run, 143, 252)
        gone(group)
        self.assertGreaterEqual(server.wait(), 0)

    def test_a_server_that_shuts_down_waits_for_the_program(self):
        server = Commands(self, "--drain", "600")
        run = Run(self, server.port, "cat", stdin=PIPE)
        run.type("x\n")
        run.stdout.expect("x\n")
        server.signal(signal.SIGTERM)
        eventually(lambda: Run(self, server.port, "Hello").wait() == 255, "the end of accepting")
        run.type("y\n")
        run.end_input()
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "x\ny\n")
        self.assertStatus(server, 0)


if __name__ == "__main__":
    unittest.main()
