# SPDX-License-Identifier: Apache-2.0
"""Where a remote command's standard input comes from, and what is left of it."""

import os
import shlex
import signal
import unittest

from runs import PACKETS, PIECE, RunTestCase, in_packets
from support import PIPE, SCRATCH, Program, gone, settled


class Input(RunTestCase):

    def test_a_pipe_is_the_programs_input_to_its_end(self):
        for text in ("", "x", "one\ntwo\n", "no end of line", "\x00\xff\r\n\x04\x03"):
            with self.subTest(text):
                run = self.run_it("cat", stdin=text)
                self.assertStatus(run, 0)
                self.assertEqual((run.stdout.text, run.stderr.text), (text, ""))

    def test_input_that_comes_later_is_passed_on_as_it_comes(self):
        run = self.run_it("apart", stdin=PIPE)
        for line in ("one", "two"):
            run.type(line + "\n")
            run.stdout.expect(line)
        run.end_input()
        self.assertStatus(run, 0)

    def test_a_slow_pipe_of_more_than_the_first_window_is_passed_on_whole(self):
        run = self.run_it("cat", stdin=PIPE)
        size = 0
        while size < 1_000_000:
            run.type(bytes(40_000))
            size += 40_000
            # The client waits for more while the program asks for it.
            run.stdout.expect(r"\x00{40000}")
        run.end_input()
        self.assertStatus(run, 0)
        self.assertEqual(len(run.stdout.text), size)

    def test_a_pipe_of_packets_is_passed_on_whole(self):
        path = SCRATCH / self.id()
        os.mkfifo(path)
        run = self.run_it("cat", shell=f"<{path} >{path}.copy")
        self.assertStatus(Program(self, ["/bin/sh", "-c", f"{PACKETS} >{path}"]), 0)
        self.assertStatus(run, 0)
        # What differs would be long.
        self.assertTrue(path.with_name(path.name + ".copy").read_text() == in_packets())

    def test_a_file_is_the_programs_input(self):
        path = self.file(PIECE * 5 + b"end")
        run = self.run_it("cat", shell=f"<{path} >{path}.copy")
        self.assertStatus(run, 0)
        self.assertEqual(path.with_name(path.name + ".copy").read_bytes(), path.read_bytes())

    def test_no_input_is_an_empty_one(self):
        for place in ("</dev/null", "<&-", f"<{self.file()}"):
            with self.subTest(place):
                run = self.run_it("cat", shell=place)
                self.assertStatus(run, 0)
                self.assertEqual((run.stdout.text, run.stderr.text), ("", ""))

    def test_input_that_cannot_be_read_is_a_failure(self):
        for place in ("0>/dev/null", f"<{SCRATCH}"):
            with self.subTest(place):
                run = self.run_it("cat", shell=place)
                self.assertFails(run, 255, "cannot read standard input")

    def test_a_terminal_is_the_programs_input_until_its_end_is_typed(self):
        run = self.run_it("cat", terminal=True)
        run.type("typed\n")
        run.stdout.expect("typed\r\ntyped\r\n")
        run.end_input()
        self.assertStatus(run, 0)
        self.assertEqual(run.attributes(), run.before)

    def test_a_program_may_end_before_its_input_does(self):
        run = self.run_it("head", stdin=PIPE)
        run.type("12345 and more\n")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "12345")

    def test_a_program_may_end_before_much_input_does(self):
        run = self.run_it("head", shell="</dev/zero")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "\0" * 5)

    def test_a_program_that_reads_nothing_holds_its_input_back_and_not_memory(self):
        level = self.server.memory
        run = self.run_it("stall", shell="</dev/zero")
        group = run.started()
        self.assertLess(settled(run.pid, "rchar"), 4 << 20)
        self.assertLess(self.server.peak - level, 6 << 10)
        run.signal(signal.SIGINT)
        self.assertStatus(run, 130)
        gone(group)

    def test_where_no_input_is_wanted_it_stays_for_the_next_reader(self):
        path = self.file(b"left over\n")
        for command in ("Hello", "status 0", "help", "no-such"):
            for source in (f"cat {path} |", ""):
                with self.subTest(command, source=source or "a file"):
                    run = self.run_it(*command.split(), stdin=None)
                    run.wait()
                    end = "" if source else f" <{path}"
                    both = Program(self, [
                        "/bin/sh", "-c", f"{source} {{ {run.line} >/dev/null 2>&1; cat; }}{end}"])
                    self.assertStatus(both, 0)
                    self.assertEqual(both.stdout.text, "left over\n")

    def test_a_loop_that_reads_lines_keeps_them(self):
        lines = self.file(b"1\n2\n3\n")
        line = shlex.join(["say", "x"])
        run = self.run_it("Hello")
        self.assertStatus(run, 0)
        script = f"while read -r n; do {run.line.replace('Hello', line)}; echo $n; done <{lines}"
        both = Program(self, ["/bin/sh", "-c", script])
        self.assertStatus(both, 0)
        self.assertEqual(both.stdout.text, "x1\nx2\nx3\n")

if __name__ == "__main__":
    unittest.main()
