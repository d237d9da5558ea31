# SPDX-License-Identifier: Apache-2.0
"""Load and faults in their short form; `scripts/load` is the long one."""

import contextlib
import io
import os
import re
import subprocess
import sys

import authority
import load
from support import HERE, LIMIT, PROGRAMS, SCRATCH, TestCase


class Load(TestCase):
    def test_the_server_outlives_load_and_faults_and_gives_back_what_they_took(self):
        lines = io.StringIO()
        with contextlib.redirect_stdout(lines):
            status = load.main(
                ["--short", "--bin", str(PROGRAMS), "--certs", str(authority.good())])
        self.assertEqual(status, 0, "\n" + lines.getvalue())


class Siege(TestCase):
    """That it attacks and counts; how good clients fare is for a machine that has nothing else to do."""

    def test_each_attacker_does_its_deed_and_good_clients_run_their_commands(self):
        siege = subprocess.run(
            [sys.executable, "-B", HERE.parent / "Siege" / "siege.py", "--siege", "0.1", "--calm", "3"],
            env={**os.environ, "PYTHONPATH": str(HERE), "TMPDIR": str(SCRATCH)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=8 * LIMIT, check=False)
        said = siege.stdout + siege.stderr
        for point, is_calm in (("calm", True), ("siege", False)):
            ran = re.search(rf"{point}: (\d+) of (\d+) good commands ran", said)
            self.assertTrue(ran and int(ran[1]) > 0 and (ran[1] == ran[2] or not is_calm), said)
        self.assertRegex(said, "ok +afterwards: ")
        for deed in ("silent-one: connections [1-9]", "silent-many: connections [1-9]", "hellos: connections [1-9]",
                     "greedy: sessions [1-9]", "filler: sessions [1-9][0-9]*, refusals [1-9]",
                     "dearest: sessions [1-9]"):
            self.assertRegex(said, deed)
