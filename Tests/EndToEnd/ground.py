# SPDX-License-Identifier: Apache-2.0
"""What every test is built on: paths, bounded waits, and checks that nothing is left behind."""

import atexit
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time

import inherited

LIMIT = 30.0
"""Seconds that any single wait may take; a healthy program needs far less on a busy machine."""

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROGRAMS = pathlib.Path(os.environ.get("PARLEY_BIN") or REPOSITORY / ".build" / "debug").resolve()
PARLEY = str(PROGRAMS / "parley")
PARLEYD = str(PROGRAMS / "parleyd")

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="parley-tests-"))
ELSEWHERE = SCRATCH / "elsewhere"
"""An empty working folder: no program finds certificates by chance."""
ELSEWHERE.mkdir()


def new_folder():
    return pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))


NOBODY = 65_534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
"""A prefix that runs a command as nobody, which only root can do."""


def contains(program, symbol):
    return os.path.exists(program) and symbol in pathlib.Path(program).read_bytes()


def is_sanitized(program):
    """Whether a program has a sanitizer, which takes memory, makes system calls and sets limits of its own."""
    return contains(program, b"__asan_init") or contains(program, b"__tsan_init")


IS_SANITIZED = is_sanitized(PARLEYD)
HAS_THREAD_SANITIZER = contains(PARLEYD, b"__tsan_init")

groups = set()
"""The process groups that run."""


def kill(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It ended before.


@atexit.register
def _leave_nothing():
    """An interrupted run leaves no process and no file behind either."""
    for group in groups:
        kill(group)
    shutil.rmtree(SCRATCH, ignore_errors=True)


inherited.shed()
# unittest takes SystemExit for a failure of one test; this ends the run.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def until(measure, good=bool, seconds=LIMIT):
    """Measures until it is good or the time is over; the last measurement."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not good(value := measure()) and time.monotonic() < deadline:
        pause.wait(0.02)
    return value


def eventually(condition, what):
    """Wait for a `condition` that nothing announces."""
    if not until(condition):
        raise AssertionError(f"never happened: {what}")


def processes():
    """(pid, state, parent, group) of each process that there is."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        yield int(folder.name), fields[0], int(fields[1]), int(fields[2])


def is_alive(pid):
    """Whether a process runs; a zombie does not."""
    return any(its == pid and state not in "ZX" for its, state, _, _ in processes())


def descendants(pid):
    """Itself, and all that has it as an ancestor."""
    found, tree = {pid}, list(processes())
    while True:
        more = {child for child, _, parent, _ in tree if parent in found} - found
        if not more:
            return found
        found |= more


def members(group):
    """The processes of a group, but for orphans whom their new parent, mostly init, has yet to see off.

    Which process adopts orphans, and how soon it sees them off, is the machine's affair; zombies of
    a program under watch are the program's.
    """
    return [pid for pid, state, parent, its in processes()
            if its == group and (state != "Z" or parent in groups)]


def gone(group):
    """Wait until no process of a group is left.

    The end of a command is told when its processes have been killed, which they may outlive a little.
    """
    eventually(lambda: not members(group), f"the end of process group {group}")
