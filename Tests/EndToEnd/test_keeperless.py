# SPDX-License-Identifier: Apache-2.0
"""Commands that only their control groups hold: no keeper, and yet nothing of them outlives the server."""

import os
import pathlib
import signal
import unittest

from conditions import only_root
from parley1 import BY_ITSELF, BY_TIME, OUTPUT
from remote_server import Outcomes, TableServer, shell
from support import TestCase, eventually, is_alive
from test_groups import groups, with_groups


def all_gone(pids):
    return not any(is_alive(pid) for pid in pids)


def group_of(pid):
    """The name of a process's group."""
    lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next(line for line in lines if line.startswith("0::")).rpartition("/")[2]


@with_groups
@only_root("can start programs of another user")
class Keeperless(Outcomes, TestCase):
    COMMANDS = {
        "group": shell("sed -n 's/^0:://p' /proc/self/cgroup", user="nobody"),
        "parent": shell("echo $PPID", user="nobody"),
        "parent of root's": shell("echo $PPID"),
        "escapes": shell("trap '' TERM HUP; setsid sleep 600 & echo $! $PPID $$; setsid -f setsid -f sleep 600; "
                         "setsid -f sh -c 'trap \"\" TERM; echo $$; sleep 600'; wait", user="nobody", grace=0.3),
        "late": shell("trap '' TERM; setsid sleep 600 & echo $!; wait; sleep 600", user="nobody", grace=0.3,
                      timeout=0.5),
        "leaves": shell("setsid sleep 600 >/dev/null 2>&1 & setsid -f sleep 600 >/dev/null 2>&1; exit 4",
                        user="nobody"),
        "background": shell("sleep 600 >/dev/null 2>&1 & echo $!", user="nobody", background=True),
    }

    def setUp(self):
        self.server = TableServer(self, self.COMMANDS)

    def parent(self, name="parent"):
        return int(self.server.session(self).ask(name).output)

    def escapes(self):
        """The processes of a command that would not end by itself."""
        session = self.server.session(self)
        session.run("escapes")
        numbers = []
        while len(numbers) < 4:
            numbers += map(int, session.expect(OUTPUT).split())
        self.assertEqual(numbers.pop(1), self.server.pid)
        return numbers

    def test_a_command_that_cant_leave_its_group_has_no_keeper(self):
        self.assertEqual(self.parent(), self.server.pid)
        self.assertNotEqual(self.parent("parent of root's"), self.server.pid)

    def test_all_of_it_is_ended_and_counted(self):
        session = self.server.session(self)
        self.assertEnded(session.ask("leaves"), BY_ITSELF, 4)
        self.assertEqual(self.server.end_of(session)["left_ended"], 2)
        outcome = session.ask("late")
        self.assertEnded(outcome, BY_TIME, 0)
        self.assertTrue(all_gone([int(outcome.output)]))
        eventually(lambda: self.server.children == [], "the end of all processes")

    def test_nothing_is_left_where_the_server_is_killed(self):
        left = int(self.server.session(self).ask("background").output)
        self.addCleanup(os.kill, left, signal.SIGKILL)
        pids, warden = [*self.escapes(), *self.escapes()], self.server.warden
        names = {group_of(pid) for pid in pids}
        self.assertEqual(len(names), 2)
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        eventually(lambda: all_gone([*pids, warden]), "the end of all processes")
        self.assertFalse(names & groups())
        self.assertIn(group_of(left), groups())
        self.assertTrue(is_alive(left))

    def test_a_server_that_ends_leaves_neither_warden_nor_group(self):
        warden = self.server.warden
        group = self.server.session(self).ask("group").output.decode().strip().rpartition("/")[2]
        self.assertIn(group, groups())
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0)
        self.assertFalse(is_alive(warden))
        self.assertNotIn(group, groups())

    def test_a_warden_that_is_killed_is_replaced(self):
        first, pids = self.server.warden, self.escapes()
        # One that ends at once is not.
        eventually(lambda: self.age(first) > 1.5, "a warden that has lasted")
        os.kill(first, signal.SIGKILL)
        self.server.stderr.expect("there is another now")
        self.assertEqual(self.parent(), self.server.pid)
        self.assertNotIn(self.server.warden, (first, None))
        eventually(lambda: first not in self.server.children, "the end of its zombie")
        self.server.signal(signal.SIGKILL)
        eventually(lambda: all_gone(pids), "the end of all processes")

    def test_there_are_keepers_where_no_warden_stays(self):
        def killed():
            os.kill(self.server.warden, signal.SIGKILL)
        killed()
        said = self.server.stderr.expect(r"parley-warden[^\n]*(another|keeper)")
        if said[1] == "another":  # This machine was slow.
            eventually(lambda: self.server.warden is not None, "another")
            killed()
            self.server.stderr.expect("has a keeper from now on")
        self.assertNotEqual(self.parent(), self.server.pid)

    @staticmethod
    def age(pid):
        """For how many seconds a process has been there."""
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        uptime = pathlib.Path("/proc/uptime").read_text().split()[0]
        return float(uptime) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
