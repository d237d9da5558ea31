# SPDX-License-Identifier: Apache-2.0
"""Ends that are not a server's to bring about: orphans that it gets as process one, and what it may not kill."""

import os
import pathlib
import shutil
import signal
import unittest

import authority
from conditions import only_root, works
from endings import Escapes, all_gone
from parley1 import BUSY, BY_ITSELF, LEFT_RUNNING, UNAVAILABLE
from remote_server import (
    Outcomes, RemoteServer, TableServer, fixture, program, shell, write_table)
from support import (
    AS_NOBODY, NOBODY, PARLEYD, SCRATCH, TestCase, descendants, eventually, is_alive, processes)


class AsProcessOne(Escapes, Outcomes, TestCase):
    """A container's first process gets every orphan."""

    COMMANDS = {
        "escapes": fixture("escape.sh", "7", grace=0.3),
        "background": shell("(sleep 0.05 &) >/dev/null 2>&1", background=True),
        "status": program("/bin/sh", "-c", 'exit "$0"', "{status}",
                          arguments={"status": "[0-9]+"}),
    }
    UNSHARE = ("unshare", "--pid", "--fork", "--kill-child")

    def server(self, *options):
        if not works(*self.UNSHARE, "true"):
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
        own = {server.inner, server.serving(server.inner), server.warding(server.inner)} - {None}
        eventually(lambda: descendants(server.inner) == own, "the end of all processes")
        self.assertEqual(self.zombies(server), [])

    def test_programs_are_refused_where_proc_is_another_namespaces(self):
        server = self.server()
        session = server.session(self)
        self.assertRefused(session.ask("status", "0"), UNAVAILABLE)
        self.assertRegex(server.end_of(session)["reason"], "/proc must be mounted")


@only_root("can make a set-user-ID program")
class LeftRunning(Outcomes, TestCase):
    """A server can't end a program that took on another user's rights, as sudo does."""

    def setUp(self):
        if os.statvfs(SCRATCH).f_flag & os.ST_NOSUID:
            self.skipTest("set-user-ID programs don't work in the folder for temporary files")
        if not works(*AS_NOBODY, PARLEYD, "--version"):
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
                           perIdentity=2, privileged=True),
            "script": shell(f"{job}; true", timeout=0.3, privileged=True),
            "leaves": shell(f"{job} >/dev/null 2>&1 & sleep 0.3; exit 5", privileged=True),
            "leaves with pipes": shell(f"{job} & sleep 0.3; exit 5", privileged=True),
            "unprivileged": program(*words, "/bin/sleep", "1000", timeout=0.3),
        }, are_roots=False)
        for path in (self.folder, *self.folder.iterdir()):
            if path != as_root:
                os.chown(path, NOBODY, NOBODY)
        self.server = TableServer(
            self, None, "--grace", "0.2", files=self.folder, certs=self.folder,
            trust=self.folder / "ca.pem", wrapper=AS_NOBODY)
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

    def session(self):
        return self.server.session(self)

    def test_it_is_told_keeps_its_place_and_its_end_is_recorded(self):
        session = self.session()
        for _ in range(2):
            self.assertEnded(session.ask("job"), LEFT_RUNNING, 0)
        self.assertEqual(session.ask("job").code, BUSY)
        # Nobody waits for it.
        eventually(lambda: len(self.server.records("command-end")) == 2, "the record of the last end")
        self.assertEqual([end["outcome"] for end in self.server.records("command-end")],
                         ["left-running"] * 2)
        self.assertEqual(self.server.records("command-gone"), [])
        ends = {end["pid"]: end for end in self.server.records("command-end")}
        self.assertEqual(set(self.sleeps()), set(ends))
        self.kill()
        eventually(lambda: len(self.server.records("command-gone")) == 2, "the records of the later ends")
        for record in self.server.records("command-gone"):
            self.assertEqual((record["name"], record["command"]),
                             ("job", ends[record["pid"]]["command"]))
        self.assertEnded(session.ask("job"), LEFT_RUNNING, 0)

    def test_it_takes_on_no_rights_where_its_entry_does_not_say_so(self):
        outcome = self.session().ask("unprivileged")
        self.assertNotEqual(outcome.ended[1], 0)
        self.assertIn(b"not permitted", outcome.errors)
        self.assertEqual(self.sleeps(), [])

    def test_it_is_told_below_a_script_too(self):
        session = self.session()
        self.assertEnded(session.ask("script"), LEFT_RUNNING, 0)
        # It is written when the client has been told.
        eventually(lambda: self.server.records("command-end"), "the end's record")
        self.assertEqual(self.server.records("command-end")[0]["outcome"], "left-running")

    def test_it_is_told_where_a_program_left_it_behind(self):
        session = self.session()
        # Nothing was known of it yet when the program's own end was told.
        self.assertEnded(session.ask("leaves"), BY_ITSELF, 5)
        eventually(lambda: self.server.records("command-end"), "the record of the end")
        end = self.server.records("command-end")[0]
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


if __name__ == "__main__":
    unittest.main()
