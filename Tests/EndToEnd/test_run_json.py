# SPDX-License-Identifier: Apache-2.0
"""`parley run --json`: what a script reads of an outcome."""

import json
import unittest

from runs import ERROR_OUTPUT, Commands, FalseServer, Run, fin, frame, shell
from support import PARLEY, Program, TestCase


class Objects(TestCase):
    """--json: one object on one line on standard error, whatever the outcome."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)

    def test_the_outcome_has_its_fields(self):
        for command, expected in (
            (["Hello"], dict(outcome="exit", status=0, exit=0, arguments=[], bytes_out=11)),
            (["say", "ä\"\n"], dict(outcome="exit", arguments=["ä\"\n"], bytes_out=4, exit=0)),
            (["status", "253"], dict(outcome="exit", status=253, exit=253)),
            (["status", "3"], dict(outcome="exit", status=3, exit=3, bytes_in=0, bytes_err=0)),
            (["signal", "9"], dict(outcome="signal", signal=9, exit=137)),
            (["late"], dict(outcome="time-out", exit=251)),
            (["much"], dict(outcome="output-limit", exit=251)),
            (["no such"], dict(outcome="refused", code="unknownCommand", exit=253)),
            (["nobody"], dict(outcome="refused", code="notAllowed", exit=253)),
            (["path", "x"], dict(outcome="refused", code="badArgument", exit=253)),
            (["say", "x" * 40_000], dict(exit=253)),
        ):
            with self.subTest(command=[word[:20] for word in command]):
                run = Run(self, self.server.port, *command, options=["--json"])
                outcome = run.outcome
                self.assertEqual(run.stderr.text.count("\n"), 1, run.story)
                self.assertEqual(outcome, {**outcome, "command": command[0], **expected})
                self.assertStatus(run, expected["exit"])

    def test_it_is_a_line_of_its_own_behind_the_programs_error_output(self):
        for text in ("oops", "oops\n", "oops\n\noops"):
            with self.subTest(text):
                run = Run(self, self.server.port, "complain", text, "253", options=["--json"])
                self.assertEqual(
                    (run.outcome["status"], run.outcome["bytes_err"]), (253, len(text)))
                self.assertEqual(
                    run.stderr.text.rsplit("{", 1)[0], text if text[-1] == "\n" else text + "\n")

    def test_a_failure_is_a_line_of_its_own_behind_the_programs_error_output(self):
        for options in ([], ["--json"]):
            with self.subTest(options):
                server = FalseServer(self, frame(ERROR_OUTPUT, b"oops"), fin)
                run = Run(self, server.port, "x", options=options)
                self.assertStatus(run, 252)
                self.assertRegex(run.stderr.text, r"\Aoops\n[^\n]+\n\Z")
                if options:
                    self.assertEqual(run.outcome["outcome"], "cut-short")

    def test_a_sentence_is_a_line_of_its_own_behind_the_programs_error_output(self):
        server = Commands(self, commands={
            "late": shell("printf oops >&2; exec sleep 600", timeout=0.3)})
        run = Run(self, server.port, "late")
        self.assertStatus(run, 251)
        self.assertRegex(run.stderr.text, r"\Aoops\nparley: late: [^\n]*\n\Z")

    def test_a_wrong_command_line_is_an_object_as_well(self):
        run = Program(self, [PARLEY, "run", "--json", "127.0.0.1:1", "Hello"])
        self.assertStatus(run, 255)
        self.assertEqual(json.loads(run.stderr.text)["exit"], 255)

if __name__ == "__main__":
    unittest.main()
