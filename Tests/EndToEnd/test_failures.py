# SPDX-License-Identifier: Apache-2.0
"""scripts/test says at the end of the Swift tests which of them failed."""

import shlex
import sys

from support import REPOSITORY, Program, TestCase

FAILURE = "✘ Test a() recorded an issue at ATests.swift:1:1: Expectation failed: 1 == 2"


class Failures(TestCase):
    def run_below(self, shell):
        return Program(self, [sys.executable, "-B", str(REPOSITORY / "Tests" / "failures.py"),
                              "sh", "-c", shell])

    def test_the_status_is_the_commands(self):
        for shell, status in (("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)):
            with self.subTest(shell):
                self.assertStatus(self.run_below(shell), status)

    def test_what_failed_comes_again_at_the_end(self):
        say = shlex.join(["printf", "%s\n", FAILURE, "✔ Test b() passed", "◇ Test c() started"])
        failed = self.run_below(f"{say}; echo 'error: no' >&2; exit 1")
        self.assertStatus(failed, 1)
        before, found, after = failed.stdout.text.partition("what failed in sh -c:\n")
        self.assertTrue(found, before)
        self.assertIn("◇ Test c() started\nerror: no\n", before)
        self.assertEqual(after, f"{FAILURE}\nerror: no\n")

    def test_a_run_that_passed_has_nothing_at_its_end(self):
        passed = self.run_below("echo 'error: expected'")
        self.assertStatus(passed, 0)
        self.assertEqual(passed.stdout.text, "error: expected\n")
