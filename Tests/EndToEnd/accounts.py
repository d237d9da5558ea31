# SPDX-License-Identifier: Apache-2.0
"""A machine's users that one process alone sees, and what the kernel says of a process's rights."""

import ctypes
import pathlib
import shlex
import unittest

from conditions import works
from ground import SCRATCH, new_folder

NO_CAPABILITY = "0" * 16
LANDLOCK_CREATE_RULESET = 444


def _landlock():
    return ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)


HAS_SCOPE = _landlock() >= 6
with_scope = unittest.skipUnless(HAS_SCOPE, "this kernel's Landlock has no scope for signals")


class Status(dict):
    """/proc/PID/status, or a program's copy of its own."""

    def __init__(self, text):
        super().__init__((name, " ".join(value.split())) for name, _, value in (
            line.partition(":") for line in text.splitlines()))

    @classmethod
    def of(cls, pid):
        return cls(pathlib.Path(f"/proc/{pid}/status").read_text())

    @property
    def capabilities(self):
        return {self[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


class Accounts:
    """Files of /etc in place of the machine's, for whatever `wrapper` starts; only root can have that."""

    def __init__(self, users=(), groups=(), **files):
        """`users` are lines as passwd(5) has them, `groups` as group(5); both are added to the machine's."""
        folder = new_folder()
        folder.chmod(0o755)
        SCRATCH.chmod(0o711)
        files = {**{name: pathlib.Path("/etc", name).read_text() + "".join(f"{line}\n" for line in lines)
                    for name, lines in (("passwd", users), ("group", groups))}, **files}
        script = []
        for name, text in files.items():
            copy = folder / name
            copy.write_text(text)
            copy.chmod(0o440 if name == "sudoers" else 0o644)
            script.append(f"mount --bind {shlex.quote(str(copy))} /etc/{name}")
        self.wrapper = ["unshare", "--mount", "sh", "-c", " && ".join([*script, 'exec "$0" "$@"'])]

    def require(self, test):
        if not works(*self.wrapper, "true"):
            test.skipTest("nothing may be mounted here")
        return self
