# SPDX-License-Identifier: Apache-2.0
"""`parley run --json`: what a script reads of an outcome."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

from parley1 import ERROR_OUTPUT, frame
from runs import COMMANDS, Commands, FalseServer, Run, fin, shell
from support import PARLEY, SCRATCH, Program, TestCase, eventually


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
                self.assertEqual(outcome, {
                    **outcome, "host": run.place, "command": command[0], **expected})
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
        self.assertRegex(run.stderr.text, r"\Aoops\nparley: 127\.0\.0\.1:\d+: late: [^\n]*\n\Z")

    def test_a_wrong_command_line_is_an_object_as_well(self):
        run = Program(self, [PARLEY, "run", "--json", "127.0.0.1:1", "Hello"])
        self.assertStatus(run, 255)
        self.assertEqual(json.loads(run.stderr.text)["exit"], 255)


class BothEnds(TestCase):
    """The audit trail and --json tell how a command ended in the same words."""

    SHARED = ("outcome", "status", "signal", "code", "bytes_in", "bytes_out", "bytes_err")

    def test_the_trail_and_the_object_have_the_same_fields(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        trail, gone = folder / "audit", folder / "gone"
        shutil.copy("/bin/true", gone)
        server = Commands(self, "--audit", str(trail), commands={
            **COMMANDS, "gone": {"run": [str(gone)], "allow": ["anyone"]}})
        gone.unlink()

        def ends():
            lines = trail.read_text().rpartition("\n")[0].splitlines()
            return [one for one in map(json.loads, lines) if one["event"] == "command-end"]
        for count, (command, expected) in enumerate((
            (["status", "3"], ("exit", 3, None, None, 0, 0, 0)),
            (["say", "four"], ("exit", 0, None, None, 0, 4, 0)),
            (["complain", "oops!", "1"], ("exit", 1, None, None, 0, 0, 5)),
            (["cat"], ("exit", 0, None, None, 6, 6, 0)),
            (["apart"], ("exit", 0, None, None, 6, 6, 6)),
            (["signal", "9"], ("signal", None, 9, None, 0, 0, 0)),
            (["late"], ("time-out", None, None, None, 0, 0, 0)),
            (["much"], ("output-limit", None, None, None, 0, 5000, 0)),
            (["gone"], ("refused", None, None, "unavailable", 0, 0, 0)),
        ), 1):
            with self.subTest(command[0]):
                run = Run(self, server.port, *command, options=["--json"],
                          stdin="a line" if command[0] == "cat" else "a\nb\nc\n")
                told = run.outcome
                eventually(lambda count=count: len(ends()) == count, "the record of the end")
                for one in (told, ends()[-1]):
                    self.assertEqual(tuple(map(one.get, self.SHARED)), expected)
                self.assertEqual(told["command"], ends()[-1]["name"])


class StatusDescriptor(TestCase):
    """--status-fd: the same object on a descriptor that no program and no server writes to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)

    def run_to_pipe(self, *command, options=(), form="--status-fd {}", **how):
        """A run, and what came out of its status descriptor."""
        reader, writer = os.pipe()
        try:
            run = Run(self, self.server.port, *command, pass_fds=[writer],
                      options=[*form.format(writer).split(), *options], **how)
        finally:
            os.close(writer)
        run.wait()
        with os.fdopen(reader) as lines:
            return run, [json.loads(line) for line in lines]

    def test_the_outcome_is_there_and_a_forged_one_is_not(self):
        forged = json.dumps({"command": "complain", "outcome": "exit", "status": 0, "exit": 0})
        run, objects = self.run_to_pipe("complain", forged + "\n", "7")
        self.assertStatus(run, 7)
        self.assertEqual([one["status"] for one in objects], [7])
        self.assertEqual(run.stderr.text, forged + "\n")

    def test_sentences_stay_and_json_is_told_as_well(self):
        run, objects = self.run_to_pipe("no such")
        self.assertEqual([one["code"] for one in objects], ["unknownCommand"])
        self.assertRegex(run.stderr.text, r"\Aparley: \S+: no such: refused: [^\n]*\n\Z")
        run, objects = self.run_to_pipe("no such", options=["--json"])
        self.assertEqual(run.outcomes, objects)

    def test_a_batch_has_a_line_for_each(self):
        run, objects = self.run_to_pipe(options=["--batch"], stdin="status 3\nHello\nno-such\n")
        self.assertEqual([one["exit"] for one in objects], [3, 0, 253])
        self.assertStatus(run, 3)

    def test_a_failure_is_told(self):
        run, objects = self.run_to_pipe("x", options=["--ca", "/no/such.pem"])
        self.assertStatus(run, 255)
        self.assertEqual([(one["code"], one["exit"]) for one in objects], [("missing", 255)])
        for form in ("--status-fd {}", "--status-fd={}"):
            run, objects = self.run_to_pipe("x", options=["--port", "none"], form=form)
            self.assertStatus(run, 255)
            self.assertEqual([(one["code"], one["exit"]) for one in objects], [("usage", 255)])
        false = FalseServer(self, frame(ERROR_OUTPUT, b"oops"), fin)
        reader, writer = os.pipe()
        run = Run(self, false.port, "x", options=["--status-fd", str(writer)], pass_fds=[writer])
        os.close(writer)
        self.assertStatus(run, 252)
        with os.fdopen(reader) as lines:
            self.assertEqual(json.load(lines)["outcome"], "cut-short")

    def test_a_descriptor_is_refused_where_a_program_could_write_to_it(self):
        for number, shell, word in (
            ("1", "", "above 2"), ("2", "", "above 2"), ("x", "", "above 2"), ("-1", "", "above 2"),
            ("7", "", "is not open for writing"), ("7", "7</dev/null", "is not open for writing"),
            ("7", "7>&1", "same place as the command.s output"), ("7", "7>&2", "same place as the command.s error output"),
        ):
            with self.subTest(number, shell=shell):
                run = Run(self, self.server.port, "Hello", options=["--status-fd", number],
                          shell=shell)
                self.assertFails(run, 255, word)

    def test_it_belongs_to_run(self):
        run = Program(self, [PARLEY, "hello", "--status-fd", "3", "127.0.0.1:1"])
        self.assertFails(run, 255, "is only for parley run")


if __name__ == "__main__":
    unittest.main()
