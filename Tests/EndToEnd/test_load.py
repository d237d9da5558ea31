# SPDX-License-Identifier: Apache-2.0
"""Load and faults in their short form; `scripts/load` is the long one."""

import contextlib
import io

import authority
import load
from support import PROGRAMS, TestCase


class Load(TestCase):
    def test_the_server_outlives_load_and_faults_and_gives_back_what_they_took(self):
        lines = io.StringIO()
        with contextlib.redirect_stdout(lines):
            status = load.main(
                ["--short", "--bin", str(PROGRAMS), "--certs", str(authority.good())])
        self.assertEqual(status, 0, "\n" + lines.getvalue())
