# SPDX-License-Identifier: Apache-2.0
"""Programs that the benchmark starts: each in its own session, and none left behind."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

PATIENCE = 20.0
"""Seconds within which a server must be ready, or end."""

_running = set()


class Unavailable(Exception):
    """A program that can't be measured, and why."""


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
        _running.add(self)

    @property
    def pids(self):
        """Itself and what it has started."""
        try:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            children = []
        return [self.pid, *map(int, children)]

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
    """CPU seconds of a process and the children that it has awaited."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
