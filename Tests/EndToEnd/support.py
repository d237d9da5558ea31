# SPDX-License-Identifier: Apache-2.0
"""What every test needs, in one place: programs under watch, waits that end, and assertions about both."""

import os
import sys
import unittest

from conditions import measures_memory  # noqa: F401
from ground import (  # noqa: F401
    AS_NOBODY, ELSEWHERE, HERE, IS_SANITIZED, LIMIT, NOBODY, PARLEY, PARLEYD, PROGRAMS, REPOSITORY, SCRATCH,
    descendants, eventually, gone, is_alive, kill, members, new_folder, processes, until)
from process import PIPE, Owner, Program  # noqa: F401
from server import Client, Server, parleyd, security  # noqa: F401
from watched import settled  # noqa: F401

PEERS = str(HERE / "peers.py")


class TestCase(unittest.TestCase):
    """Assertions about programs."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not (os.access(PARLEY, os.X_OK) and os.access(PARLEYD, os.X_OK)):
            raise AssertionError(f"no executables in {PROGRAMS}; build them or set PARLEY_BIN")

    def assertStatus(self, program, *expected):
        status = program.wait()
        self.assertIn(status, expected, f"exit status of {program.story}")

    def assertAlert(self, error):
        """The failure of a Python peer is an alert that ours has sent, not a mere end."""
        self.assertIn("ALERT", getattr(error, "reason", None) or repr(error))

    def assertFails(self, program, status, *words):
        """It ends with `status` and one sentence on standard error that matches all `words`."""
        self.assertStatus(program, status)
        self.assertEqual(len(program.complaints), 1, program.story)
        sentence = program.complaints[0]
        self.assertRegex(sentence, rf"^{program.name}: ")
        if hasattr(program, "place") and status in (252, 253, 254):
            # A client's, about its session; what other failures are about may be a file.
            self.assertIn(f" {program.place}: ", sentence)
        for word in words:
            self.assertRegex(sentence, f"(?i){word}")

    def assertRefusesToStart(self, protocol, *words, options=(), certs=None, **how):
        """A server ends with 78 before it listens, and one sentence that matches all `words`."""
        server = Program(self, parleyd(protocol, *options, certs=certs), **how)
        self.assertFails(server, 78, *words)
        return server


def peer(owner, protocol, role, port=0, certs=None, **how):
    """Start one of the Python counterparts; a server's `port` is in the result."""
    options = ["--certs", str(certs)] if certs else []
    program = Program(owner, [sys.executable, PEERS, protocol, role, str(port), *options], **how)
    program.port = int(program.stderr.expect(r"port (\d+)\n")[1]) if role == "server" else port
    return program
