# SPDX-License-Identifier: Apache-2.0
"""Control groups: one for each command, with limits that are reported, and nothing left behind."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

import authority
from conditions import only_root, works
from parley1 import BY_ITSELF, BY_SIGNAL, BY_TIME, CANCEL, OUTPUT
from remote_server import REPLIES, Outcomes, RemoteTestCase, TableServer, fixture, program, shell, write_table
from server import AS_SOMEBODY, parleyd
from support import AS_NOBODY, NOBODY, PARLEYD, SCRATCH, Program, TestCase, eventually, is_alive, new_folder

GROUP = "sed -n 's/^0:://p' /proc/self/cgroup"
NAME = r"/parley-(background-)?[0-9a-f]{1,16}$"


def examined():
    """What `parleyd check` says of groups here."""
    table = write_table(new_folder() / "t.json5", {"c": program("/bin/true")})
    check = subprocess.run([PARLEYD, "check", *AS_SOMEBODY, "--commands", table], capture_output=True, text=True,
                           check=False, timeout=60)
    lines = [line for line in check.stdout.splitlines() if line.startswith("Programs have ")]
    return lines[0] if len(lines) == 1 else f"'parleyd check' says nothing of it: {check}"


EXAMINED = examined()
PLACE = re.match(r"Programs have control groups of their own in ([^,]+?)(?:,|\.$)", EXAMINED)
HAS = {name for name in ("memory", "processes", "cpu")
       if PLACE and f"'{name}'" not in EXAMINED.partition(", without the limits ")[2].partition(":")[0]}
with_groups = unittest.skipUnless(PLACE, f"parleyd can make no control groups here: {EXAMINED}")


def with_limit(name):
    return unittest.skipUnless(name in HAS, f"'{name}' can't be enforced here: {EXAMINED}")


def groups():
    """Those of commands that there are."""
    return {path.name for path in pathlib.Path(PLACE[1]).iterdir() if re.search(NAME, str(path))}


@with_groups
class Groups(RemoteTestCase):
    COMMANDS = {
        "group": shell(GROUP),
        "stubborn": shell(f"{GROUP}; trap '' TERM; setsid -f sh -c \"trap '' TERM; sleep 600\"; echo up; "
                          "while :; do sleep 0.1; done", grace=0.3, timeout=1),
        "background": shell(f"{GROUP}; sleep 600 >/dev/null 2>&1 & echo $!", background=True),
    }

    def test_each_command_has_one_that_is_gone_with_it(self):
        session = self.session()
        names = set()
        for _ in range(3):
            outcome = session.ask("group")
            self.assertEnded(outcome, BY_ITSELF, 0)
            self.assertRegex(outcome.lines[0], NAME)
            names.add(outcome.lines[0].rpartition("/")[2])
            self.server.end_of(session)
        self.assertEqual(len(names), 3)
        self.assertFalse(names & groups())

    def test_what_ignores_its_end_is_killed_and_its_group_is_gone(self):
        session = self.session()
        name = session.ask("stubborn").lines[0].rpartition("/")[2]
        self.assertEqual(self.server.end_of(session)["outcome"], "time-out")
        self.assertNotIn(name, groups())

    def test_the_group_of_what_lives_on_stays(self):
        session = self.session()
        outcome = session.ask("background")
        group, left = outcome.lines
        self.addCleanup(os.kill, int(left), signal.SIGKILL)
        self.assertIn("/parley-background-", group)
        self.assertIn(group.rpartition("/")[2], groups())
        self.assertTrue(is_alive(int(left)))

    def test_no_limit_was_reached(self):
        session = self.session()
        session.ask("group")
        self.assertNotIn("limits_reached", self.server.end_of(session))


@with_groups
class Leftovers(TestCase):
    def started(self, **how):
        server = TableServer(self, {"waits": shell(f"{GROUP}; exec sleep 600", grace=0.3)}, **how)
        session = server.session(self)
        session.run("waits")
        return server, session.expect(OUTPUT).decode().strip().rpartition("/")[2]

    def test_nothing_is_left_where_the_server_is_killed(self):
        server, name = self.started()
        self.assertIn(name, groups())
        server.signal(signal.SIGKILL)
        eventually(lambda: name not in groups(), "the end of the command's group")

    def test_the_log_says_where_the_groups_are(self):
        server = TableServer(self, {"c": program("/bin/true")})
        self.assertIn(f"programs have control groups of their own in {PLACE[1]}", server.stderr.text)

    def test_a_start_removes_what_was_left(self):
        left = pathlib.Path(PLACE[1], "parley-abad1dea")
        left.mkdir()
        sleeper = subprocess.Popen(["sleep", "600"])
        self.addCleanup(sleeper.kill)
        (left / "cgroup.procs").write_text(str(sleeper.pid))
        server = TableServer(self, {"c": program("/bin/true")})
        self.assertEqual(sleeper.wait(30), -signal.SIGKILL)
        server.signal(signal.SIGTERM)
        server.wait()
        self.assertFalse(left.exists())


@with_groups
@only_root("can give a control group away")
class Delegated(Outcomes, TestCase):
    """A control group that was given to parleyd, which it is started in."""

    def setUp(self):
        # Parleyd enables them where it is in the first of all groups, and nobody else would.
        for name in pathlib.Path(PLACE[1], "cgroup.controllers").read_text().split():
            if name in ("memory", "pids", "cpu"):
                pathlib.Path(PLACE[1], "cgroup.subtree_control").write_text(f"+{name}")
        self.unit = pathlib.Path(PLACE[1], f"parley-test-unit-{os.getpid()}")
        self.unit.mkdir()
        self.addCleanup(self.remove)
        self.wrapper = ["sh", "-c", f'echo 0 >{self.unit}/cgroup.procs && exec "$0" "$@"']
        self.commands = {"group": shell(f"{GROUP}; cat '{self.unit}'/$(basename $({GROUP}))/pids.max; true",
                                        **({"processes": 50} if "processes" in HAS else {}))}

    def remove(self):
        def empty():
            for group in [*self.unit.iterdir(), self.unit]:
                if group.is_dir():
                    try:
                        group.rmdir()
                    except OSError:
                        return False
            return True
        (self.unit / "cgroup.kill").write_text("1")
        eventually(empty, "the end of a control group")

    def assertServes(self, server):
        group = pathlib.Path(f"/proc/{server.pid}/cgroup").read_text().splitlines()[-1]
        self.assertTrue(group.endswith("/parley-server" if HAS else f"/{self.unit.name}"), group)
        session = server.session(self)
        outcome = session.ask("group")
        self.assertRegex(outcome.lines[0], f"/{self.unit.name}{NAME}")
        self.assertEqual(outcome.lines[1:], ["50"] if "processes" in HAS else [])
        server.end_of(session)
        self.assertFalse([path for path in self.unit.iterdir() if re.search(NAME, str(path))])

    def test_controllers_are_enabled_where_parleyd_was_alone(self):
        self.assertServes(TableServer(self, self.commands, wrapper=self.wrapper))
        # Another one finds the same place, from within the group that the first one has made.
        wrapper = [word.replace("/cgroup.procs", "/parley-server/cgroup.procs") for word in self.wrapper]
        self.assertServes(TableServer(self, self.commands, wrapper=wrapper if HAS else self.wrapper))

    def test_others_in_the_group_are_left_there(self):
        if not HAS:
            self.skipTest(f"there are no controllers to enable: {EXAMINED}")
        other = subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        (self.unit / "cgroup.procs").write_text(str(other.pid))
        server = TableServer(self, {"c": program("/bin/true")}, wrapper=self.wrapper)
        self.assertRegex(server.stderr.text, "without the limits .*processes other than parleyd")
        self.assertEqual((self.unit / "cgroup.subtree_control").read_text().split(), [])

    def test_an_ordinary_user_has_what_was_given(self):
        if not works(*AS_NOBODY, PARLEYD, "--version"):
            self.skipTest("an ordinary user can't run parleyd here")
        SCRATCH.chmod(0o711)
        self.addCleanup(SCRATCH.chmod, 0o700)
        folder = SCRATCH / self.id()
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        for name in ("ca.pem", "server.pem", "server.key"):
            shutil.copy(authority.good() / name, folder)
        write_table(folder / "commands.json5", self.commands, are_roots=False)
        for path in (folder, *folder.iterdir(),
                     *(self.unit / name for name in ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"))):
            os.chown(path, NOBODY, NOBODY)
        self.assertServes(TableServer(self, None, files=folder, certs=folder, trust=folder / "ca.pem",
                                      wrapper=[*self.wrapper, *AS_NOBODY]))


@only_root("can take a hierarchy away")
class Without(Outcomes, TestCase):
    """No hierarchy is mounted: commands run as before there were groups."""

    WRAPPER = ("unshare", "--mount", "sh", "-c", 'umount -a -t cgroup2 && exec "$0" "$@"')

    def setUp(self):
        if not works(*self.WRAPPER, "true"):
            self.skipTest("nothing can be unmounted here")

    def test_commands_run_and_the_log_says_what_is_missing(self):
        server = TableServer(self, {"group": shell(GROUP), "stays": shell("trap '' TERM; setsid -f sleep 600; echo up; "
                                                                          "while :; do sleep 0.1; done",
                                                                          timeout=0.5, grace=0.2)}, wrapper=self.WRAPPER)
        self.assertRegex(server.stderr.text,
                         "programs have no control groups of their own, nor the limits .*: no cgroup v2 hierarchy is mounted here")
        session = server.session(self)
        self.assertNotRegex(session.ask("group").lines[0], NAME)
        self.assertEnded(session.ask("stays"), BY_TIME, 0)

    def test_no_limit_can_be_in_force(self):
        for name, value in Refused.LIMITS.items():
            table = write_table(new_folder() / "commands.json5", {"c": program("/bin/true", **{name: value})})
            options = ["--client-ca", authority.good() / "ca.pem", "--commands", table]
            server = Program(self, [*self.WRAPPER, *map(str, parleyd("command", *options, certs=authority.good()))])
            self.assertStatus(server, 78)
            self.assertRegex(server.stderr.text, f"'{name}' can't be enforced: no cgroup v2 hierarchy is mounted here")


class Refused(TestCase):
    """A limit that can't be enforced is a mistake in the table."""

    LIMITS = {"memory": 1 << 26, "processes": 50, "cpu": 0.5}

    def setUp(self):
        missing = sorted(set(self.LIMITS) - HAS)
        if not missing:
            self.skipTest("every limit can be in force here")
        self.name = missing[0]
        self.table = write_table(new_folder() / "commands.json5",
                                 {"c": program("/bin/true", **{self.name: self.LIMITS[self.name]})})
        self.options = ["--client-ca", authority.good() / "ca.pem", "--commands", self.table]

    def test_a_start_and_a_check_end_with_78(self):
        words = (r"commands.json5:\d+:\d+: '%s' can't be enforced" % self.name,)
        self.assertRefusesToStart("command", *words, options=self.options, certs=authority.good())
        check = Program(self, [PARLEYD, "check", *AS_SOMEBODY, *map(str, self.options), "--certs",
                               str(authority.good())])
        self.assertFails(check, 78, *words)

    def test_a_check_of_the_table_alone_says_that_it_did_not_look(self):
        check = Program(self, [PARLEYD, "check", *AS_SOMEBODY, "--commands", str(self.table)])
        self.assertStatus(check, 0)
        self.assertRegex(check.stderr.text, f"did not check whether '{self.name}'")

    def test_a_reload_keeps_the_old_table(self):
        server = TableServer(self, REPLIES)
        write_table(server.table, json.loads(self.table.read_text())["commands"])
        self.assertRegex(server.reload(), f"kept the old command table: .*'{self.name}' can't be enforced")


@with_groups
class Limits(RemoteTestCase):
    EAT = "import sys; sys.stdout.write('eats\\n'); sys.stdout.flush(); x = [b'x' * 2**20 for _ in range(1000)]"

    @classmethod
    def setUpClass(cls):
        commands = {"true": program("/bin/true", concurrency=1)}
        if "memory" in HAS:
            commands["eat"] = shell(f'"{sys.executable}" -c "{cls.EAT}" & wait; echo survived; sleep 600',
                                    memory=64 << 20, concurrency=1)
        if "processes" in HAS:
            commands["bomb"] = fixture("fork-bomb.py", processes=50, grace=0.5, concurrency=1)
        if "cpu" in HAS:
            commands["spin"] = shell(f"cat '{PLACE[1]}/'$(basename $({GROUP}))/cpu.max", cpu=0.2)
        cls.COMMANDS = commands
        super().setUpClass()

    @with_limit("memory")
    def test_a_memory_eater_is_ended_and_told(self):
        session = self.session()
        for _ in range(3):  # Its one place is free again each time.
            outcome = session.ask("eat")
            self.assertEnded(outcome, BY_SIGNAL, signal.SIGKILL)
            self.assertEqual(outcome.lines, ["eats"])
            end = self.server.end_of(session)
            self.assertEqual((end["outcome"], end.get("signal"), end.get("limits_reached")), ("signal", 9, ["memory"]),
                             end)

    @with_limit("processes")
    def test_a_fork_bomb_is_ended_and_told(self):
        session = self.session()
        for _ in range(2):
            session.run("bomb")
            self.assertEqual(session.expect(OUTPUT), b"full\n")
            session.send(CANCEL)
            self.assertEnded(session.outcome(), BY_SIGNAL, signal.SIGKILL)
            end = self.server.end_of(session)
            self.assertEqual((end["outcome"], end.get("limits_reached")), ("signal", ["processes"]), end)
        self.assertEnded(session.ask("true"), BY_ITSELF, 0)

    @with_limit("cpu")
    def test_a_share_of_a_core_is_in_force(self):
        self.assertEqual(self.session().ask("spin").lines, ["20000 100000"])
