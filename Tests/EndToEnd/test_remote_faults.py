# SPDX-License-Identifier: Apache-2.0
"""Programs that misbehave, and the limits that they meet."""

import contextlib
import unittest

from parley1 import (
    BUSY, BY_ITSELF, BY_OUTPUT, BY_SIGNAL, BY_TIME, CANCEL, INPUT_END, INPUT_WANTED, OUTPUT,
    UNAVAILABLE)
from remote_server import RemoteTestCase, fixture, program
from support import SCRATCH, eventually, gone, is_alive, measures_memory

MIB = 1 << 20


class Faults(RemoteTestCase):
    """Programs that misbehave end as a user would expect."""

    COMMANDS = {
        "ignore end": fixture("ignore-end.sh"),
        "ignore closed output": fixture("ignore-closed-output.py", output=100_000),
        "background": fixture("background.sh", "{how}",
                              arguments={"how": "keep|quiet|stubborn|daemon"}),
        "fill": fixture("fill-both.py", str(MIB)),
        "kill": fixture("kill-itself.sh", "{signal}", arguments={"signal": "[A-Z0-9]+"}),
        "stop": fixture("stop-itself.sh", timeout=1, grace=20),
        "status": program("/bin/sh", "-c", 'exit "$0"', "{status}",
                          arguments={"status": "[0-9]+"}),
        "exactly": program("/usr/bin/head", "-c", "{bytes}", "/dev/zero",
                           arguments={"bytes": "[0-9]+"}, output=100_000),
        "both": program("/bin/sh", "-c", "head -c $0 /dev/zero; head -c $0 /dev/zero >&2",
                        "{bytes}", arguments={"bytes": "[0-9]+"}, output=2_000),
        "late": fixture("ignore-end.sh", timeout=0.2),
        "in time": fixture("silent.sh", "0.1", timeout=5),
        "missing": program(str(SCRATCH / "missing")),
        "no program": program(str(SCRATCH / "no-program")),
        "nowhere": program("/bin/true", directory=str(SCRATCH / "nowhere")),
        "optional": program("/no/such/program", optional=True),
    }
    OPTIONS = ("--grace", "0.3")

    @classmethod
    def setUpClass(cls):
        for name, text in (("missing", "#!/bin/sh\n"), ("no-program", "\x7fELF?")):
            (SCRATCH / name).write_text(text)
            (SCRATCH / name).chmod(0o700)
        (SCRATCH / "nowhere").mkdir()
        super().setUpClass()
        (SCRATCH / "missing").unlink()
        (SCRATCH / "nowhere").rmdir()

    def test_the_status_and_the_signal_are_told_apart(self):
        session = self.session()
        for status in (0, 1, 15, 127, 143, 255):
            self.assertEnded(session.ask("status", str(status)), BY_ITSELF, status)
        for name, number in (("KILL", 9), ("SEGV", 11), ("TERM", 15), ("PIPE", 13)):
            self.assertEnded(session.ask("kill", name), BY_SIGNAL, number)
            end = self.server.end_of(session)
            self.assertEqual((end["outcome"], end["signal"]), ("signal", number))

    def test_both_outputs_come_whole_when_both_pipes_are_full(self):
        outcome = self.session().ask("fill")
        self.assertEnded(outcome, BY_ITSELF, 0)
        expected = bytes(range(256)) * (MIB // 256)
        self.assertTrue(outcome.output == expected and outcome.errors == expected)

    def test_what_a_program_leaves_in_the_background_is_ended(self):
        session = self.session()
        for how in ("keep", "quiet", "stubborn", "daemon"):
            with self.subTest(how):
                outcome = session.ask("background", how)
                self.assertEnded(outcome, BY_ITSELF, 4)
                end = self.server.end_of(session)
                self.assertEqual((end["outcome"], end["status"]), ("exit", 4))
                self.assertGreaterEqual(end["left_ended"], 1)
                self.assertFalse(is_alive(int(outcome.output)))

    def test_a_program_that_ignores_its_end_is_killed_when_its_time_is_over(self):
        session = self.session()
        outcome = session.ask("late")
        self.assertEnded(outcome, BY_TIME, 0)
        gone(int(outcome.output))
        self.assertEqual(self.server.end_of(session)["outcome"], "time-out")
        self.assertEnded(session.ask("in time"), BY_ITSELF, 0)

    def test_a_stopped_program_is_ended_too(self):
        outcome = self.session().ask("stop")
        self.assertEnded(outcome, BY_TIME, 0)
        # SIGTERM alone would have waited for SIGKILL.
        self.assertEqual(outcome.lines[1:], ["told to end"])
        gone(int(outcome.lines[0]))

    def test_a_program_that_ignores_its_end_is_killed_after_cancel(self):
        session = self.session()
        session.run("ignore end")
        group = int(session.expect(OUTPUT))
        session.send(CANCEL)
        self.assertEnded(session.outcome(), BY_SIGNAL, 9)
        gone(group)

    def test_the_limit_of_output_is_its_last_byte(self):
        session = self.session()
        outcome = session.ask("exactly", "100000")
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertEqual(len(outcome.output), 100_000)
        for more in (1, 1_000, 200_000):
            with self.subTest(more=more):
                outcome = session.ask("exactly", str(100_000 + more))
                self.assertEqual(len(outcome.output), 100_000)
                self.assertEqual(outcome.ended, (BY_OUTPUT, 0))
        self.assertEnded(session.ask("both", "1000"), BY_ITSELF, 0)
        self.assertEnded(session.ask("both", "1001"), BY_OUTPUT, 0)

    def test_a_program_that_ignores_its_closed_output_is_killed(self):
        outcome = self.session().ask("ignore closed output")
        self.assertEnded(outcome, BY_OUTPUT, 0)
        gone(int(outcome.output.split()[0]))

    @measures_memory
    def test_nothing_is_kept_of_programs_that_ended(self):
        session = self.session()
        for _ in range(100):
            session.ask("status", "0")
        memory, descriptors = self.server.memory, self.server.descriptors
        for _ in range(300):
            session.ask("status", "0")
        self.assertLess(self.server.memory - memory, 1_024)
        # A program's pipes close after its exit.
        eventually(lambda: self.server.descriptors <= descriptors, "closed descriptors")

    def test_what_can_not_start_is_unavailable(self):
        session = self.session()
        for name in ("missing", "no program", "nowhere", "optional"):
            with self.subTest(name):
                self.assertRefused(session.ask(name), UNAVAILABLE, name)
        self.assertRegex(session.ask("help").output.decode(), r"(?m)^optional +\(unavailable\)$")
        self.assertEnded(session.ask("status", "0"), BY_ITSELF, 0)


class AtOnce(RemoteTestCase):
    """As many run at once as the table says, for all and for one."""

    COMMANDS = {
        "two": program("/bin/cat", input=True, concurrency=2),
        "one each": program("/bin/cat", input=True, perIdentity=1),
        "quick": program("/bin/true", concurrency=1),
    }

    @contextlib.contextmanager
    def running(self, command, name="client"):
        session = self.session(name)
        session.run(command)
        session.expect(INPUT_WANTED)
        yield
        session.send(INPUT_END)
        self.assertEnded(session.outcome(), BY_ITSELF, 0)

    def test_no_more_run_than_may_for_all(self):
        with self.running("two"), self.running("two", "dora"):
            for name in ("client", "emil"):
                self.assertRefused(self.session(name).ask("two"), BUSY, r"limit of concurrent runs \(2\)")
            self.assertEnded(self.session().ask("one each"), BY_ITSELF, 0)
        self.assertEnded(self.session().ask("two"), BY_ITSELF, 0)

    def test_no_more_run_than_may_for_one(self):
        with self.running("one each"):
            self.assertRefused(self.session().ask("one each"), BUSY, r"your limit of concurrent runs of one each \(1\)")
            self.assertEnded(self.session("dora").ask("one each"), BY_ITSELF, 0)
        self.assertEnded(self.session().ask("one each"), BY_ITSELF, 0)

    def test_a_place_is_free_when_the_exit_arrives(self):
        sessions = self.session(), self.session()
        for turn in range(60):
            self.assertEnded(sessions[turn % 2].ask("quick"), BY_ITSELF, 0)


if __name__ == "__main__":
    unittest.main()
