# SPDX-License-Identifier: Apache-2.0
"""Programs that the benchmark starts: each in its own session, and none left behind."""

import contextlib
import ctypes
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

from machine import Unavailable, which

PATIENCE = 20.0
"""Seconds within which a server must be ready, or end."""

PR_SET_CHILD_SUBREAPER = 36

_running = set()


@contextlib.contextmanager
def on(cores):
    """What is started within it runs on these cores only: children inherit the affinity."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Process:
    """A program whose output goes to a file, unless `stdout` or `stderr` says otherwise."""

    def __init__(self, command, cores, log=None, **how):
        self.log = pathlib.Path(log) if log else None
        output = open(log, "wb") if log else subprocess.DEVNULL
        how = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **how}
        try:
            with on(cores):
                self.child = subprocess.Popen(
                    [str(word) for word in command], start_new_session=True, **how)
        except OSError as error:
            raise Unavailable(f"can't be started: {error.strerror}") from None
        finally:
            if log:
                output.close()
        self.pid = self.child.pid
        self.usage, self.written = 0.0, None
        _running.add(self)

    @property
    def pids(self):
        """Itself and what it has started, and what that has."""
        found = [self.pid]
        for pid in found:
            for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):  # It has ended meanwhile.
                    found += map(int, thread.read_text().split())
        return found

    @property
    def last_words(self):
        lines = self.log.read_text(errors="replace").split("\n") if self.log else []
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")[:200]

    def wait_for(self, condition):
        """The condition's first value that is true."""
        until = time.monotonic() + PATIENCE
        while not (value := condition()):
            if self.child.poll() is not None:
                raise Unavailable(f"ended with {self.child.returncode}: {self.last_words}")
            if time.monotonic() > until:
                raise Unavailable(f"was not ready within {PATIENCE:.0f} s: {self.last_words}")
            time.sleep(0.0005)
        return value

    def ready_port(self):
        """The port in the ready line of `parleyd` and the reference."""

        def port():
            for line in self.log.read_text(errors="replace").splitlines():
                if " listening on " in line:
                    return int(line.split()[3].rsplit(":", 1)[1])
            return None

        return self.wait_for(port)

    def finish(self, seconds):
        """Waits for its end; returns its status. Then `usage` has the CPU seconds of it and of what it has awaited, and
        `written` how many bytes it has written, or None where nobody may know."""
        end = os.pidfd_open(self.pid)
        try:
            if not select.select([end], [], [], seconds)[0]:
                raise Unavailable(f"was not done within {seconds:.0f} s")
        finally:
            os.close(end)
        self.written = written(self.pid)
        _, status, usage = os.wait4(self.pid, 0)
        self.child.returncode = os.waitstatus_to_exitcode(status)
        self.usage = usage.ru_utime + usage.ru_stime
        return self.child.returncode

    def end(self):
        """Asks it to end, so that it and what it has started can write what they must; kills what doesn't."""
        others = self.pids[1:]
        until = time.monotonic() + PATIENCE
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.terminate()
            self.child.wait(PATIENCE)
        while any(os.path.exists(f"/proc/{pid}") for pid in others) and time.monotonic() < until:
            time.sleep(0.0005)
        self.kill()

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait(PATIENCE)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe:
                pipe.close()
        _running.discard(self)


def adopt_orphans():
    """Makes what servers start and leave to others a child of this process, so that its time is known."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def reap_orphans():
    """CPU seconds of the orphans that have ended."""
    own = {process.pid for process in _running}
    used = 0.0
    for thread in pathlib.Path("/proc/self/task").glob("*/children"):
        for pid in set(map(int, thread.read_text().split())) - own:
            with contextlib.suppress(ChildProcessError):
                ended, _, usage = os.wait4(pid, os.WNOHANG)
                used += usage.ru_utime + usage.ru_stime if ended else 0
    return used


def leave_nothing():
    for process in list(_running):
        process.kill()


def accepts(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    """For programs that can't choose one themselves; another program may take it before them."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def processor(pid):
    """CPU seconds of a process and the children that it has awaited, of which the kernel tells hundredths."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime(~pid << 3 | 2) + sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def used_by(processes):
    """CPU seconds of processes and of all that they have started."""
    used = 0.0
    for process in processes:
        for pid in process.pids:
            with contextlib.suppress(OSError):  # It has ended: its parent has its time, if it has awaited it.
                used += processor(pid)
    return used


def written(pid):
    """Bytes that a process has written so far, or None; proc(5)."""
    try:
        text = pathlib.Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return None
    return int(re.search(r"^wchar: (\d+)$", text, re.M)[1])


def listens(port):
    """Whether a socket listens there, without a connection."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                   for line in list(table)[1:])


def installed(name, package=None):
    path = which(name)
    if not path:
        raise Unavailable(f"{name} is not installed" + (f"; it is in Debian's package {package}" if package else ""))
    return path
