# SPDX-License-Identifier: Apache-2.0
"""A remote command's output and error output: every byte, at the pace of the reader."""

import os
import signal
import unittest

from runs import PACKETS, PIECE, Commands, Run, RunTestCase, in_packets, shell
from support import PIPE, SCRATCH, Program, TestCase, gone, measures_memory, settled

LARGE = 64 << 20


class Streams(RunTestCase):

    def test_they_stay_apart_and_in_order(self):
        lines = "".join(f"{number}\n" for number in range(2000))
        run = self.run_it("apart", stdin=lines)
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, lines)
        self.assertEqual(run.stderr.text, lines)

    @measures_memory
    def test_64_mib_come_back_as_they_went_and_no_memory_grows(self):
        self.assertStatus(self.run_it("cat", stdin="warm"), 0)
        idle = self.run_it("cat", stdin=PIPE)
        idle.type("ready")
        idle.stdout.expect("ready")
        levels = self.server.memory, idle.memory
        idle.end_input()
        self.assertStatus(idle, 0)

        path = SCRATCH / self.id()
        with open(path, "wb") as file:
            for _ in range(LARGE // len(PIECE)):
                file.write(PIECE)
        read, write = os.pipe()
        run = self.run_it("cat", shell=f"<{path}", stdout=write)
        os.close(write)
        most, differences = 0, 0
        with open(path, "rb") as sent, open(read, "rb") as received:
            while chunk := received.read(1 << 20):
                most = max(most, run.peak)
                differences += chunk != sent.read(1 << 20)
            self.assertEqual(sent.tell(), LARGE)
        self.assertEqual(differences, 0)
        self.assertStatus(run, 0)
        self.assertLess(self.server.peak - levels[0], 6 << 10)
        self.assertLess(most - levels[1], 6 << 10)

    def test_much_error_output_comes_whole(self):
        path = self.file(PIECE * 32)
        server = Commands(self, commands={
            "loud": shell("exec cat >&2", input=True, output=1 << 30)})
        run = Run(self, server.port, "loud", shell=f"<{path} 2>{path}.copy")
        self.assertStatus(run, 0)
        self.assertEqual(path.with_name(path.name + ".copy").read_bytes(), path.read_bytes())

    def test_what_a_program_writes_in_packets_comes_whole(self):
        server = Commands(self, commands={"packets": shell(f"{PACKETS}; ({PACKETS}) >&2", output=1 << 30)})
        path = SCRATCH / self.id()
        run = Run(self, server.port, "packets", shell=f">{path} 2>{path}.errors")
        self.assertStatus(run, 0)
        expected = in_packets()
        for copy in (path, path.with_name(path.name + ".errors")):
            # What differs would be long.
            self.assertTrue(copy.read_text() == expected)

    def test_a_terminal_gets_the_programs_bytes_as_they_are(self):
        run = self.run_it("say", "\x1b[1mbold\x1b[0m", terminal=True)
        self.assertStatus(run, 0)
        run.stdout.expect("\x1b\\[1mbold\x1b\\[0m")

    @measures_memory
    def test_a_slow_reader_holds_the_program_back_and_not_memory(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        level = self.server.memory
        run = self.run_it("endless", stdout=write)
        os.close(write)
        group = int(run.stderr.expect(r"(\d+)\n")[1])
        settled(group, "wchar")
        for _ in range(20):
            os.read(read, 65536)
        settled(group, "wchar")
        self.assertLess(self.server.peak - level, 6 << 10)
        self.assertLess(run.peak - self.server.memory, 6 << 10)
        run.signal(signal.SIGTERM)
        self.assertStatus(run, 143)
        gone(group)


class Readers(RunTestCase):
    """What happens to our output when nobody reads it."""

    def test_a_reader_that_has_enough_ends_the_program_silently(self):
        line = self.run_it("Hello").line.replace("Hello", "endless")
        both = Program(self, [
            "/bin/bash", "-c", f"{line} | head -1; exit ${{PIPESTATUS[0]}}"])
        self.assertStatus(both, 141)
        self.assertEqual(both.stdout.text, "y\n")
        group, *more = both.stderr.text.split()
        self.assertEqual(more, [])
        gone(int(group))

    def test_a_reader_of_error_output_that_has_enough_ends_the_program_as_well(self):
        for place in ("2>&1 >/dev/null", "2>&1"):
            with self.subTest(place):
                line = self.run_it("Hello").line.replace("Hello", "noisy")
                both = Program(self, [
                    "/bin/bash", "-c", f"{line} {place} | head -3; exit ${{PIPESTATUS[0]}}"])
                self.assertStatus(both, 141)
                self.assertIn("y\n", both.stdout.text)

    def test_output_that_cannot_be_written_ends_the_program_and_is_told(self):
        for place in ("/dev/full", "&-"):
            with self.subTest(place):
                run = self.run_it("endless", shell=f">{place}")
                self.assertStatus(run, 255)
                group, sentence = run.stderr.text.splitlines()
                self.assertRegex(sentence, r"^parley: 127\.0\.0\.1:\d+: cannot write to standard output")
                gone(int(group))

    def test_error_output_that_is_lost_is_a_failure_and_not_where_nobody_wants_it(self):
        for place, status in (("/dev/full", 255), ("&-", 3), ("/dev/null", 3)):
            with self.subTest(place):
                run = self.run_it("complain", "oops", "3", shell=f"2>{place}")
                self.assertStatus(run, status)

    def test_a_reader_that_reads_too_late_is_told_that_something_is_missing(self):
        # Shorter than what a client that does not read takes to say that it is there.
        server = Commands(self, "--idle-timeout", "0.5")
        read, write = os.pipe()
        run = Run(self, server.port, "endless", stdout=write)
        os.close(write)
        group = int(run.stderr.expect(r"(\d+)\n")[1])
        gone(group)
        with open(read, "rb") as output:
            while output.read(1 << 20):
                pass
        self.assertStatus(run, 252)
        self.assertRegex(run.stderr.text, r"\A\d+\nparley: [^\n]*\n\Z")


class Silence(TestCase):

    def test_a_program_that_is_silent_for_longer_than_both_deadlines_ends_well(self):
        server = Commands(self, "--idle-timeout", "1")
        run = Run(self, server.port, "quiet", "3", options=["--idle-timeout", "1"])
        self.assertStatus(run, 0)
        self.assertEqual((run.stdout.text, run.stderr.text), ("done\n", ""))

    def test_a_person_who_types_nothing_for_long_keeps_the_program(self):
        server = Commands(self, "--idle-timeout", "1")
        options = ["--idle-timeout", "1"]
        run = Run(self, server.port, "cat", options=options, stdin=PIPE)
        self.assertStatus(Run(self, server.port, "quiet", "2.5", options=options), 0)
        run.type("typed at last")
        run.end_input()
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "typed at last")


if __name__ == "__main__":
    unittest.main()
