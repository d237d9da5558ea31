# SPDX-License-Identifier: Apache-2.0
"""`parley run --batch`: commands from standard input, sent ahead, answered in order."""

import json
import os
import signal
import unittest

from parley1 import OUTPUT, exited, frame
from runs import ENDS, Commands, FalseServer, Run
from support import PIPE, SCRATCH, TestCase, eventually, gone


class Batches(TestCase):
    """With one server for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)

    def batch(self, *lines, server=None, options=(), **how):
        how.setdefault("stdin", "".join(line + "\n" for line in lines))
        return Run(
            self, (server or self.server).port, options=["--batch", *options], **how)

    def assertResults(self, run, *expected):
        """The lines about results, in order; the words come after the program's name."""
        self.assertEqual(run.stderr.text.splitlines(), [
            f"parley: {run.place}: [{number}] {words}" for number, words in enumerate(expected, 1)])


class Results(Batches):

    def test_results_come_in_order_with_their_statuses(self):
        run = self.batch("say one", "Hello", "status 3", "say two", "signal 9", "status 4")
        self.assertStatus(run, 3)
        self.assertEqual(run.stdout.text, "oneGreetings!\ntwo")
        self.assertResults(
            run, "say: exit status 0", "Hello: exit status 0", "status: exit status 3",
            "say: exit status 0", "signal: ended by signal 9", "status: exit status 4")

    def test_a_thousand_replies_and_some_programs_keep_their_order(self):
        lines = [f"say {number};" if number % 100 == 50 else "Hello" for number in range(1000)]
        run = self.batch(*lines)
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "".join(
            line[4:] if line.startswith("say") else "Greetings!\n" for line in lines))
        self.assertResults(run, *(f"{line.split()[0]}: exit status 0" for line in lines))

    def test_commands_of_many_bytes_are_held_back_and_all_answered(self):
        word = "x" * 30_000
        run = self.batch(*[f"say {word}"] * 20)
        self.assertStatus(run, 0)
        self.assertEqual(len(run.stdout.text), 20 * len(word))

    def test_the_status_is_that_of_the_first_failure(self):
        for lines, status in (
            ([], 0), (["Hello", "help"], 0), (["Hello", "nobody", "status 2"], 253),
            (["late", "nobody"], 251), (["signal 15"], 143), (["status 255", "Hello"], 255),
        ):
            with self.subTest(lines):
                self.assertStatus(self.batch(*lines), status)

    def test_a_refusal_says_why_and_the_rest_goes_on(self):
        run = self.batch("nonsense", "path x", "Hello")
        self.assertStatus(run, 253)
        self.assertEqual(run.stdout.text, "Greetings!\n")
        first, second, third = run.stderr.text.splitlines()
        self.assertRegex(first, r"^parley: 127\.0\.0\.1:\d+: \[1\] nonsense: refused: .*no command")
        self.assertRegex(second, r"^parley: 127\.0\.0\.1:\d+: \[2\] path: refused: .*match")
        self.assertEqual(third, f"parley: {run.place}: [3] Hello: exit status 0")

    def test_an_argument_may_hold_a_line_end(self):
        run = self.batch("say $'one\\ntwo'", "Hello")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "one\ntwoGreetings!\n")

    def test_comments_and_empty_lines_are_passed_over(self):
        run = self.batch("", "# Hello", "   # say no", "  ", "say a#b # c", "\tHello", "", stdin=(
            "\n# Hello\n   # say no\n  \nsay 'a#b'\n\tHello\r\n\nHello"))
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "a#bGreetings!\nGreetings!\n")
        self.assertEqual(len(run.stderr.text.splitlines()), 3)

    def test_a_line_that_cannot_be_read_ends_the_batch_behind_those_before(self):
        for line in ("say 'x", 'say "', "say x\\", "say \udcff", '""', "say " + "x " * 65,
                     "say " + "x" * 40_000, "say " + "x" * 80_000):
            with self.subTest(line[:20]):
                text = f"Hello\n{line}\nHello\n".encode("utf-8", "surrogateescape")
                run = self.batch(stdin=text)
                self.assertStatus(run, 253, 255)
                self.assertEqual(run.stdout.text, "Greetings!\n")
                lines = run.stderr.text.splitlines()
                self.assertEqual(lines.count(f"parley: {run.place}: [1] Hello: exit status 0"), 1, run.story)
                self.assertIn("not sent", run.stderr.text.replace("nothing was sent", "not sent"))

    def test_an_earlier_failure_is_not_hidden_by_a_line_that_cannot_be_read(self):
        run = self.batch("status 3", "say 'x")
        self.assertNotEqual(run.wait(), 0)

    def test_programs_get_none_of_the_batch_as_their_input(self):
        run = self.batch("cat", "Hello")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "Greetings!\n")

    def test_each_json_outcome_is_a_line_in_order(self):
        run = self.batch("complain oops 3", "Hello", "nobody", "say '\"'", options=["--json"])
        self.assertStatus(run, 3)
        lines = run.stderr.text.splitlines()
        self.assertEqual(lines.pop(0), "oops")
        self.assertEqual(
            [(one["command"], one["outcome"], one["exit"]) for one in map(json.loads, lines)],
            [("complain", "exit", 3), ("Hello", "exit", 0), ("nobody", "refused", 253),
             ("say", "exit", 0)])

    def test_a_line_is_run_when_it_comes_and_not_only_at_the_end_of_input(self):
        run = self.batch(stdin=PIPE)
        for word in ("one", "two"):
            run.type(f"say {word}\n")
            run.stdout.expect(word)
        run.end_input()
        self.assertStatus(run, 0)

    def test_a_reply_that_closes_leaves_the_rest_unanswered(self):
        run = self.batch("Hello", "quit", "say x")
        self.assertStatus(run, 252)
        self.assertEqual(run.stdout.text, "Greetings!\nClosing down\n")

    def test_a_session_that_ends_with_commands_unanswered_is_252(self):
        for how, end in ENDS.items():
            for options in ([], ["--json"]):
                with self.subTest(how, options=options):
                    server = FalseServer(self, frame(OUTPUT, b"one\n") + exited(0), end)
                    run = self.batch("a", "b", server=server, options=options)
                    self.assertStatus(run, 252)
                    if options:
                        self.assertEqual(run.outcome["outcome"], "cut-short")

    def test_a_server_that_shuts_down_refuses_those_that_wait(self):
        fifo = SCRATCH / self.id()
        os.mkfifo(fifo)
        server = Commands(self, "--drain", "600")
        run = self.batch(f"hold {fifo}", "say x", "Hello", server=server)
        run.stdout.expect("held\n")
        server.signal(signal.SIGTERM)
        eventually(lambda: Run(self, server.port, "Hello").wait() == 255, "the end of accepting")
        fifo.write_text("go on\n")
        self.assertStatus(run, 253)
        self.assertEqual(run.stdout.text, "held\n")
        first, second, third = run.stderr.text.splitlines()
        self.assertEqual(first, f"parley: {run.place}: [1] hold: exit status 0")
        self.assertRegex(second, r"\[2\] say: refused: .*shutting down")
        self.assertRegex(third, r"\[3\] Hello: refused: .*shutting down")
        self.assertStatus(server, 0)


class Ends(Batches):
    """A batch that waits for its next line, or for a program, and is to end."""

    def waiting(self, **how):
        run = self.batch(stdin=PIPE, **how)
        run.type("Hello\n")
        run.stderr.expect("Hello: exit status 0\n")
        return run

    def test_ctrl_c_ends_what_runs_and_what_waits(self):
        path = SCRATCH / self.id()
        path.write_text("wait\nsay x\nHello\n")
        for source in ("a file", "an open pipe"):
            with self.subTest(source):
                if source == "a file":
                    run = self.batch(shell=f"<{path}", stdin=None)
                else:
                    run = self.batch(stdin=PIPE)
                    run.type(path.read_text())
                group = run.started()
                run.signal(signal.SIGINT)
                self.assertStatus(run, 130)
                gone(group)
                self.assertNotIn("Greetings", run.stdout.text)
                self.assertRegex(run.stderr.text, r"\[1\] wait: ended by signal 15\n")

    def test_a_signal_ends_a_batch_that_waits_for_a_line(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                run = self.waiting()
                run.signal(number)
                self.assertStatus(run, 128 + number)

    def test_ctrl_c_ends_a_batch_that_is_typed(self):
        run = self.batch(stdin=None, terminal=True)
        run.type("Hello\n")
        run.stderr.expect("Hello: exit status 0\n")
        run.type("\x03")
        self.assertStatus(run, 130)
        self.assertEqual(run.attributes(), run.before)

    def test_a_reader_that_is_gone_ends_a_batch_that_waits_for_a_line(self):
        read, write = os.pipe()
        os.close(read)
        run = self.batch(stdin=PIPE, stdout=write)
        os.close(write)
        run.type("Hello\n")
        self.assertStatus(run, 141)

    def test_the_servers_end_is_told_to_a_batch_that_waits_for_a_line(self):
        server = Commands(self)
        run = self.waiting(server=server)
        server.signal(signal.SIGKILL)
        self.assertStatus(run, 252, 255)


if __name__ == "__main__":
    unittest.main()
