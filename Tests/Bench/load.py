# SPDX-License-Identifier: Apache-2.0
"""Runs `parley-bench` against a server."""

import json
import subprocess

from processes import Process

DISTURBED = 8
"""Percent of the machine that others may use before a measurement is tried again."""


class Failed(Exception):
    """A load that did not get what it asked for."""


class Load:
    def __init__(self, bench):
        self.bench = bench

    def lines(self, server, mode, *options, seconds, limit=120.0, cores=None):
        """What one run says: a dictionary a line."""
        command = [f"{self.bench.binaries}/parley-bench", mode, "--port", server.port, "--pids",
                   server.pids, "--limit", limit, "--seconds", seconds, *options, *server.security]
        process = Process(command, cores or self.bench.machine.load, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
        try:
            said, complaint = process.child.communicate(timeout=limit + seconds + 30)
        except subprocess.TimeoutExpired:
            raise Failed("the load was not done in time") from None
        finally:
            process.kill()
        if process.child.returncode:
            raise Failed(complaint.strip() or f"the load ended with {process.child.returncode}")
        return [json.loads(line) for line in said.splitlines()]

    def measure(self, server, mode, *options, seconds, **how):
        """The one line of a run; tried again while others keep the machine busy, and for longer where they left no time
        for a single answer."""
        best = None
        for tries in range(3):
            if tries and best and not self.bench.may_retry():
                break
            (line,) = self.lines(server, mode, *options, seconds=seconds, **how)
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
