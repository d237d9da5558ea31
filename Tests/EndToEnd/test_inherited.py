# SPDX-License-Identifier: Apache-2.0
"""The tests' programs start in the same way whoever runs them, from wherever."""

import subprocess
import sys
import unittest

from support import HERE, LIMIT

STARTS_A_CHILD = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
import inherited
inherited.shed()
subprocess.run(["cat", "/proc/self/status"], check=True)
"""


class Inherited(unittest.TestCase):
    def status_of_a_child(self, shell):
        """/proc/self/status of what is started below a shell that has run `shell`."""
        said = subprocess.run(
            ["sh", "-c", f'{shell}; exec "$@"', "sh", sys.executable, "-c", STARTS_A_CHILD, HERE],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=LIMIT, check=True).stdout
        return dict(line.split(":\t", 1) for line in said.decode().splitlines())

    def test_no_signal_stays_ignored(self):
        child = self.status_of_a_child("trap '' HUP INT QUIT TERM USR1 PIPE CHLD")
        # Above are glibc's own, which posix_spawn(3) leaves ignored.
        self.assertEqual(int(child["SigIgn"], 16) & (1 << 31) - 1, 0)
        self.assertEqual(int(child["SigBlk"], 16), 0)

    def test_files_have_the_modes_of_umask_022(self):
        for umask in ("000", "002", "077"):
            with self.subTest(umask):
                self.assertEqual(self.status_of_a_child(f"umask {umask}")["Umask"], "0022")

    def test_signals_that_are_blocked_are_not_blocked_in_children(self):
        blocked = ("import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [2, 15]); "
                   "os.execvp(sys.argv[1], sys.argv[1:])")
        said = subprocess.run(
            [sys.executable, "-c", blocked, sys.executable, "-c", STARTS_A_CHILD, HERE],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=LIMIT, check=True).stdout
        self.assertIn(b"SigBlk:\t0000000000000000\n", said)


if __name__ == "__main__":
    unittest.main()
