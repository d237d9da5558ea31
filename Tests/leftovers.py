# SPDX-License-Identifier: Apache-2.0
"""Runs a command and checks that it leaves nothing behind: no process, and no file in the checkout.

usage: leftovers.py COMMAND ARGUMENT...
The exit status is the command's, or 1 if it left something. A signal that ends this program ends everything that the
command started.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 5.0
"""Seconds for what is ending when the command has ended, or has been told to end."""
ROOT = pathlib.Path(__file__).resolve().parent.parent
PRODUCTS = "!! .build/"


class Interrupted(Exception):
    """A signal has come that ends the run."""


def interrupt(number, _):
    raise Interrupted(number)


def checkout():
    """What git tells of files in the checkout, ignored ones too; None where there is no checkout."""
    # The user who runs the tests need not be the one who owns the files.
    status = subprocess.run(
        ["git", "--no-optional-locks", "-c", "safe.directory=*", "-C", ROOT,
         "status", "--porcelain", "--ignored"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if status.returncode:
        return None
    return set(status.stdout.decode(errors="replace").splitlines()) - {PRODUCTS}


def descendants():
    """(pid, name) of each process below this one that has not ended."""
    parents = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue  # It ended meanwhile.
        state, parent = rest.split()[:2]
        parents[int(folder.name)] = (int(parent), state, name.partition("(")[2])
    found, new = [], {os.getpid()}
    while new:
        new = {pid for pid, (parent, _, _) in parents.items() if parent in new}
        found += [(pid, parents[pid][2]) for pid in new if parents[pid][1] != "Z"]
    return sorted(found)


def reap(until):
    """See off whatever ends, up to the time `until`; whether no child is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) != (0, 0):
                continue
        except ChildProcessError:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)


def end(number):
    """Send a signal once to each process below this one, and to what they start meanwhile."""
    until = time.monotonic() + PATIENCE
    told = set()
    while not reap(min(until, time.monotonic() + 0.05)) and time.monotonic() < until:
        for pid in {pid for pid, _ in descendants()} - told:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                pass  # It ended before, or belongs to somebody else.
            told.add(pid)


def wait_for(command):
    """The status of the command, as a shell has it; sees off orphans meanwhile, as init does."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stdout if arguments[:1] == ["--help"] else sys.stderr)
        return 0 if arguments[:1] == ["--help"] else 64
    # Orphans become children of this process, so that none is lost sight of.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        print(f"leftovers: prctl: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 1
    before = checkout()
    ends = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    try:
        for number in ends:
            signal.signal(number, interrupt)
        command = os.posix_spawnp(arguments[0], arguments, os.environ, setsid=True)
        status = wait_for(command)
        left = [] if reap(time.monotonic() + PATIENCE) else descendants()
    except Interrupted as interrupted:
        for number in ends:
            signal.signal(number, signal.SIG_IGN)
        end(signal.SIGTERM)
        status, left = 128 + interrupted.args[0], []
    end(signal.SIGKILL)
    if left:
        print(f"leftovers: processes were left running, and killed now: "
              f"{', '.join(f'{name} ({pid})' for pid, name in left)}", file=sys.stderr)
        status = status or 1
    after = checkout()
    if before is not None and after != before:
        print("leftovers: files in the checkout have changed:\n  "
              + "\n  ".join(sorted(before ^ (after or set()))), file=sys.stderr)
        status = status or 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
