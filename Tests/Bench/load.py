# SPDX-License-Identifier: Apache-2.0
"""Runs `parley-bench` against a server."""

import json
import os
import subprocess
import time

from machine import Machine
from processes import PATIENCE, Process

DISTURBED = 8
"""Percent of the machine that others may use before a measurement is tried again."""


class Failed(Exception):
    """A load that did not get what it asked for."""


def said(process, limit):
    """What a load writes until its end, which must be a good one within so many seconds."""
    try:
        output, complaint = process.child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise Failed("the load was not done in time") from None
    finally:
        process.kill()
    if process.child.returncode:
        raise Failed(complaint.strip() or f"the load ended with {process.child.returncode}")
    return output


class Load:
    def __init__(self, bench):
        self.bench = bench

    def lines(self, server, mode, *options, seconds, limit=120.0, cores=None):
        """What one run says: a dictionary a line."""
        command = [f"{self.bench.binaries}/parley-bench", mode, "--port", server.port, "--pids",
                   server.pids, "--limit", limit, "--seconds", seconds, *options, *server.security]
        process = Process(command, cores or self.bench.machine.load, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
        return [json.loads(line) for line in said(process, limit + seconds + 30).splitlines()]

    def measure(self, server, mode, *options, seconds, **how):
        """The one line of a run."""

        def attempt(seconds):
            (line,) = self.lines(server, mode, *options, seconds=seconds, **how)
            return line

        return self.undisturbed(attempt, seconds)

    def programs(self, sessions, seconds, *what):
        """What running a program over and over says that has no protocol, where the servers run otherwise; `what` is the
        program, behind how it is confined."""

        def attempt(seconds):
            busy, own, begun = Machine.busy(), Machine.own(), time.monotonic()
            process = Process([f"{self.bench.binaries}/parley-reference", "--programs", sessions, seconds, *what],
                              self.bench.machine.server, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            line = json.loads(said(process, seconds + PATIENCE))
            foreign = Machine.busy() - busy - (Machine.own() - own)
            return {**line, "foreign_percent": share(foreign, time.monotonic() - begun)}

        return self.undisturbed(attempt, seconds)

    def undisturbed(self, attempt, seconds):
        """What `attempt` returns; tried again while others keep the machine busy, and for longer where they left no
        time for a single answer."""
        best = None
        for tries in range(3):
            if tries and best and not self.bench.may_retry():
                break
            line = attempt(seconds)
            if not line["operations"] or not line.get("server_seconds"):
                seconds *= 4
                continue
            if best is None or line["foreign_percent"] < best["foreign_percent"]:
                best = line
            if best["foreign_percent"] <= DISTURBED:
                break
        if not best:
            raise Failed("nothing was answered")
        return best


def share(foreign, elapsed):
    """Percent of the machine that CPU seconds of others are."""
    return round(100 * max(0, foreign) / elapsed / os.cpu_count())
