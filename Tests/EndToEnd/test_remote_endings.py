# SPDX-License-Identifier: Apache-2.0
"""The end of a command is the end of all that it started, however that came to run."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import authority
from parley1 import (
    BUSY, BY_ITSELF, BY_SIGNAL, BY_TIME, CANCEL, LEFT_RUNNING, OUTPUT, SHUTTING_DOWN, UNAVAILABLE)
from people import client
from remote import Session
from remote_server import (
    PYTHON, REPLIES, RemoteServer, RemoteTestCase, fixture, is_alive, program, write_table)
from support import HERE, PARLEYD, SCRATCH, Server, TestCase, eventually, processes

FIXTURES = HERE / "programs"
NOBODY = 65_534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
ESCAPES = 6
"""How many processes escape.sh leaves or is."""


def shell(line, **entry):
    return program("/bin/sh", "-c", line, **entry)


def bash(line, **entry):
    return program("/bin/bash", "-c", line, **entry)


def numbers(text):
    return [int(word) for word in text.split()]


def all_gone(pids):
    return not any(is_alive(pid) for pid in pids)


def descendants(pid):
    """Itself, and all that has it as an ancestor."""
    found, tree = {pid}, list(processes())
    while True:
        more = {child for child, _, parent, _ in tree if parent in found} - found
        if not more:
            return found
        found |= more


class Escapes:
    """Asks for escape.sh and reads the numbers of its processes."""

    def start(self, session, name="escape"):
        session.run(name)
        text = b""
        while len(numbers(text)) < ESCAPES:
            text += session.expect(OUTPUT)
        return numbers(text)


class ByItself(RemoteTestCase):
    """What a program left behind has its time, and then it is ended."""

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
        # A timeout(1) beside its program.
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


def runs(*words):
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


class AsProcessOne(Escapes, TestCase):
    """A container's first process gets every orphan."""

    COMMANDS = {
        "escapes": fixture("escape.sh", "7", grace=0.3),
        "background": shell("(sleep 0.05 &) >/dev/null 2>&1", background=True),
        "status": program("/bin/sh", "-c", 'exit "$0"', "{status}",
                          arguments={"status": "[0-9]+"}),
    }
    UNSHARE = ("unshare", "--pid", "--fork", "--kill-child")

    def server(self, *options):
        if not runs(*self.UNSHARE, "true"):
            self.skipTest("no PID namespace may be made here")
        server = RemoteServer(self, self.COMMANDS, wrapper=[*self.UNSHARE, *options])
        server.inner = server.children[0]
        self.addCleanup(self.stop, server)
        return server

    def stop(self, server):
        """Before anybody looks for the process groups of its records, whose numbers are others' here."""
        os.kill(server.inner, signal.SIGTERM)
        self.assertEqual(server.wait(), 0)

    def zombies(self, server):
        return [pid for pid, state, parent, _ in processes()
                if parent == server.inner and state == "Z"]

    def test_no_zombie_stays_and_no_status_is_lost(self):
        server = self.server("--mount-proc")
        session = server.session(self)
        for status in range(30):
            self.assertEnded(session.ask("background"), BY_ITSELF, 0)
            self.assertEnded(session.ask("status", str(status)), BY_ITSELF, status)
        self.assertEnded(session.ask("escapes"), BY_ITSELF, 7)
        eventually(lambda: descendants(server.inner) == {server.inner}, "the end of all processes")
        self.assertEqual(self.zombies(server), [])

    def test_programs_are_refused_where_proc_is_another_namespaces(self):
        server = self.server()
        session = server.session(self)
        self.assertRefused(session.ask("status", "0"), UNAVAILABLE)
        self.assertRegex(server.end_of(session)["reason"], "/proc must be mounted")

    assertEnded = RemoteTestCase.assertEnded
    assertRefused = RemoteTestCase.assertRefused
    assertSentence = RemoteTestCase.assertSentence


class LeftRunning(TestCase):
    """A program that took on another user's rights, as sudo does, is none that a server can end."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can make a set-user-ID program")
        if os.statvfs(SCRATCH).f_flag & os.ST_NOSUID:
            self.skipTest("set-user-ID programs don't work in the folder for temporary files")
        if not runs(*AS_NOBODY, PARLEYD, "--version"):
            self.skipTest("an ordinary user can't run parleyd here")
        SCRATCH.chmod(0o711)
        self.addCleanup(SCRATCH.chmod, 0o700)
        self.folder = SCRATCH / self.id()
        self.folder.mkdir(mode=0o755)
        self.folder.chmod(0o755)
        as_root = self.folder / "as-root"
        shutil.copyfile(shutil.which("setpriv"), as_root)
        as_root.chmod(0o4755)
        for name in ("ca.pem", "server.pem", "server.key"):
            shutil.copy(authority.good() / name, self.folder)
        words = [str(as_root), "--reuid=0", "--regid=0", "--clear-groups"]
        job = " ".join([*words, "/bin/sleep", "1000"])
        write_table(self.folder / "commands.json5", {
            "job": program(*words, "/bin/sleep", "1000", timeout=0.3, concurrency=2,
                           perIdentity=2),
            "script": shell(f"{job}; true", timeout=0.3),
            "leaves": shell(f"{job} >/dev/null 2>&1 & sleep 0.3; exit 5"),
            "leaves with pipes": shell(f"{job} & sleep 0.3; exit 5"),
        })
        for path in (self.folder, *self.folder.iterdir()):
            if path != as_root:
                os.chown(path, NOBODY, NOBODY)
        self.audit = self.folder / "audit.jsonl"
        self.server = Server(
            self, "command", "--quiet", "--client-ca", str(self.folder / "ca.pem"), "--commands",
            str(self.folder / "commands.json5"), "--audit", str(self.audit), "--grace", "0.2",
            certs=self.folder, wrapper=AS_NOBODY)
        self.addCleanup(self.kill)

    def sleeps(self):
        """What root runs below the server."""
        def words(pid):
            try:
                return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return b""  # It ended meanwhile.
        return [pid for pid in descendants(self.server.pid) if words(pid).startswith(b"/bin/sleep")]

    def kill(self):
        for pid in self.sleeps():
            os.kill(pid, signal.SIGKILL)

    def records(self, event):
        lines = self.audit.read_text().rpartition("\n")[0].splitlines()
        return [record for record in map(json.loads, lines) if record["event"] == event]

    def session(self):
        return Session(self, self.server.port, client("client"))

    def test_it_is_told_keeps_its_place_and_its_end_is_recorded(self):
        session = self.session()
        for _ in range(2):
            self.assertEnded(session.ask("job"), LEFT_RUNNING, 0)
        self.assertEqual(session.ask("job").code, BUSY)
        self.assertEqual([end["outcome"] for end in self.records("command-end")],
                         ["left-running"] * 2)
        self.assertEqual(self.records("command-gone"), [])
        ends = {end["pid"]: end for end in self.records("command-end")}
        self.assertEqual(set(self.sleeps()), set(ends))
        self.kill()
        eventually(lambda: len(self.records("command-gone")) == 2, "the records of the later ends")
        for record in self.records("command-gone"):
            self.assertEqual((record["name"], record["command"]),
                             ("job", ends[record["pid"]]["command"]))
        self.assertEnded(session.ask("job"), LEFT_RUNNING, 0)

    def test_it_is_told_below_a_script_too(self):
        session = self.session()
        self.assertEnded(session.ask("script"), LEFT_RUNNING, 0)
        # It is written when the client has been told.
        eventually(lambda: self.records("command-end"), "the end's record")
        self.assertEqual(self.records("command-end")[0]["outcome"], "left-running")

    def test_it_is_told_where_a_program_left_it_behind(self):
        session = self.session()
        # Nothing was known of it yet when the program's own end was told.
        self.assertEnded(session.ask("leaves"), BY_ITSELF, 5)
        eventually(lambda: self.records("command-end"), "the record of the end")
        end = self.records("command-end")[0]
        self.assertEqual((end["outcome"], end["status"]), ("left-running", 5))
        self.assertEnded(session.ask("leaves with pipes"), LEFT_RUNNING, 0)

    def test_it_holds_no_shutdown_up(self):
        self.assertEnded(self.session().ask("job"), LEFT_RUNNING, 0)
        left, keepers = self.sleeps(), self.server.children
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0)
        self.assertTrue(all(is_alive(pid) for pid in left + keepers))
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: all_gone(keepers), "the end of the keeper")

    def assertEnded(self, outcome, how, number):
        self.assertEqual((outcome.code, outcome.ended), (None, (how, number)), outcome)


if __name__ == "__main__":
    unittest.main()
