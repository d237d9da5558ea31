# SPDX-License-Identifier: Apache-2.0
"""The end of a command is the end of all that it started, however that came to run."""

import os
import signal
import unittest

from endings import ESCAPES, FIXTURES, Escapes, all_gone, bash, numbers
from parley1 import (
    BUSY, BY_ITSELF, BY_SIGNAL, BY_TIME, CANCEL, LEFT_RUNNING, OUTPUT, SHUTTING_DOWN)
from remote_server import (
    PYTHON, REPLIES, RemoteServer, RemoteTestCase, fixture, program, shell)
from support import SCRATCH, TestCase, eventually, is_alive


class ByItself(RemoteTestCase):
    """Processes that a program left behind get time to finish, and are then ended."""

    COMMANDS = {
        "log": bash("exec > >(sleep 0.05; cat) 2>&1; echo one; echo two"),
        "log to a file": bash(f"exec > >(tee -a {SCRATCH}/its-log) 2>&1; echo one; echo two"),
        "late": shell("(sleep 0.5; echo late) & echo early"),
        "nohup": shell("nohup sleep 1000 >/dev/null 2>&1 & echo $!", concurrency=1),
        "escapes": fixture("escape.sh", "7", grace=0.3),
        "stays": shell("trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $!", concurrency=1,
                       grace=0.6),
        "background": shell("sleep 1000 >/dev/null 2>&1 & echo $!", background=True),
        "background with pipes": shell("sleep 1000 & echo $!", background=True, grace=0.2),
        "true": program("/bin/true", concurrency=1),
    }

    def test_no_line_of_a_log_is_lost(self):
        session = self.session()
        for _ in range(20):
            outcome = session.ask("log to a file")
            self.assertEnded(outcome, BY_ITSELF, 0)
            self.assertEqual(outcome.lines, ["one", "two"])
        self.assertEqual((SCRATCH / "its-log").read_text(), "one\ntwo\n" * 20)
        self.assertEqual(session.ask("log").lines, ["one", "two"])
        self.assertNotIn("left_ended", self.server.end_of(session))

    def test_late_output_arrives(self):
        outcome = self.session().ask("late")
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertEqual(outcome.lines, ["early", "late"])

    def test_a_background_job_is_ended_and_the_record_says_so(self):
        session = self.session()
        outcome = session.ask("nohup")
        self.assertEnded(outcome, BY_ITSELF, 0)
        end = self.server.end_of(session)
        self.assertEqual((end["outcome"], end["status"], end["left_ended"]), ("exit", 0, 1))
        self.assertFalse(is_alive(int(outcome.output)))

    def test_nothing_escapes(self):
        session = self.session()
        outcome = session.ask("escapes")
        self.assertEnded(outcome, BY_ITSELF, 7)
        left = numbers(outcome.output)
        self.assertEqual(len(left), ESCAPES - 1)
        # A timeout(1) next to its program.
        self.assertEqual(self.server.end_of(session)["left_ended"], ESCAPES)
        self.assertTrue(all_gone(left))

    def test_what_is_left_keeps_the_place_until_it_ends(self):
        session = self.session()
        outcome = session.ask("stays")
        self.assertEnded(outcome, BY_ITSELF, 0)
        # The exit did not wait for the grace time, the place does.
        self.assertTrue(is_alive(int(outcome.output)))
        self.assertRefused(session.ask("stays"), BUSY)
        self.assertEqual(self.server.end_of(session)["left_ended"], 1)
        self.assertEnded(session.ask("stays"), BY_ITSELF, 0)
        self.server.end_of(session)

    def test_a_background_entry_leaves_what_it_likes(self):
        session = self.session()
        for name in ("background", "background with pipes"):
            with self.subTest(name):
                outcome = session.ask(name)
                self.assertEnded(outcome, BY_ITSELF, 0)
                self.assertNotIn("left_ended", self.server.end_of(session))
                self.assertTrue(is_alive(int(outcome.output)))
                os.kill(int(outcome.output), signal.SIGKILL)

    def test_no_process_is_left_of_many_runs(self):
        session = self.session()
        for _ in range(500):
            self.assertEnded(session.ask("true"), BY_ITSELF, 0)
        eventually(lambda: not self.server.children, "the end of every keeper")


class ByUs(Escapes, RemoteTestCase):
    """Every process has the grace time, and none runs on after it."""

    COMMANDS = {
        "script": program("/bin/sh", "-c", f"sh {FIXTURES / 'clean-up.sh'}; true", timeout=1,
                          grace=20),
        "group": program("/bin/sh", "-c", f"timeout 99 sh {FIXTURES / 'clean-up.sh'}; true"),
        "daemon": program("/bin/sh", "-c", f"setsid -f sh {FIXTURES / 'clean-up.sh'}; sleep 99"),
        "escape": fixture("escape.sh", grace=0.3),
        "late escape": fixture("escape.sh", timeout=0.5, grace=0.3),
        "storm": program(PYTHON, str(FIXTURES / "storm.py"), "3", "3000", grace=0.2,
                         concurrency=1),
    }

    def test_a_child_of_a_script_can_clean_up_when_its_time_is_over(self):
        outcome = self.session().ask("script")
        self.assertEnded(outcome, BY_TIME, 0)
        self.assertEqual(outcome.lines[1:], ["cleaned up"])

    def test_a_child_in_another_group_or_session_can_clean_up_after_cancel(self):
        session = self.session()
        for name in ("group", "daemon"):
            with self.subTest(name):
                session.run(name)
                session.expect(OUTPUT)
                session.send(CANCEL)
                outcome = session.outcome()
                self.assertEnded(outcome, BY_SIGNAL, signal.SIGTERM)
                self.assertEqual(outcome.lines, ["cleaned up"])

    def test_cancel_ends_what_tries_to_escape(self):
        session = self.session()
        pids = self.start(session)
        session.send(CANCEL)
        self.assertEnded(session.outcome(), BY_SIGNAL, signal.SIGKILL)
        self.assertTrue(all_gone(pids))

    def test_the_end_of_the_time_ends_what_tries_to_escape(self):
        outcome = self.session().ask("late escape")
        self.assertEnded(outcome, BY_TIME, 0)
        self.assertTrue(all_gone(numbers(outcome.output)))

    def test_a_clients_end_ends_what_tries_to_escape(self):
        session = self.session()
        pids = self.start(session)
        session.close()
        eventually(lambda: all_gone(pids), "the end of all processes")

    def test_a_storm_of_daemons_ends(self):
        session = self.session()
        session.run("storm")
        session.expect(OUTPUT)
        session.send(CANCEL)
        outcome = session.outcome()
        self.assertIn(outcome.ended, ((BY_SIGNAL, signal.SIGKILL), (LEFT_RUNNING, 0)))
        eventually(lambda: not self.server.children, "the end of the storm")


class OfTheServer(Escapes, TestCase):
    """When the server ends, so does all that it started."""

    COMMANDS = {"escape": fixture("escape.sh", grace=0.3),
                "background": shell("sleep 1000 >/dev/null 2>&1 & echo $!", background=True)}

    def test_all_ends_when_the_server_is_killed(self):
        server = RemoteServer(self, self.COMMANDS)
        background = int(server.session(self).ask("background").output)
        pids = self.start(server.session(self))
        keeper = server.children
        server.signal(signal.SIGKILL)
        server.wait()
        eventually(lambda: all_gone(pids + keeper), "the end of all processes")
        # It was over before.
        self.assertTrue(is_alive(background))
        os.kill(background, signal.SIGKILL)

    def test_all_ends_when_a_second_signal_ends_the_server(self):
        server = RemoteServer(self, {**self.COMMANDS, **REPLIES}, "--grace", "20")
        pids = self.start(server.session(self))
        other = server.session(self)
        server.signal(signal.SIGTERM)
        # Of two that come at once one would be left.
        eventually(lambda: other.ask("Hello").code == SHUTTING_DOWN, "the shutdown")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 128 + signal.SIGTERM)
        self.assertTrue(all_gone(pids))

    def test_a_shutdown_waits_for_what_is_being_ended(self):
        server = RemoteServer(self, {"stays": shell(
            "trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $!", grace=0.6)})
        session = server.session(self)
        left = int(session.ask("stays").output)
        session.close()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertFalse(is_alive(left))
        self.assertEqual(server.records("command-end")[0]["left_ended"], 1)


if __name__ == "__main__":
    unittest.main()
