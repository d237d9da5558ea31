# SPDX-License-Identifier: Apache-2.0
"""Runs attackers of every kind against one `parleyd` with its default limits, while good clients are measured."""

import argparse
import math
import os
import pathlib
import resource
import signal
import sys
import threading
import time

from attackers import Attackers, dear
from attacks import ATTACKS, IDENTITIES

MIB = 1 << 20
A_MINUTE = 200
"""Commands that good clients run."""
CALM = 60.0
"""Seconds before the siege, by which it is judged."""
PATIENCE = 10.0
"""Seconds that a good client waits."""
PROMPT = 0.1
"""Seconds that 99 of 100 may take in any case."""


def main():
    parser = argparse.ArgumentParser(prog="load --siege", description=__doc__)
    parser.add_argument("--siege", nargs="?", type=float, const=10, default=10, metavar="MINUTES",
                        help="how long to run (default: 10)")
    parser.add_argument("--calm", type=float, default=CALM, metavar="SECONDS", help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", choices=ATTACKS, metavar="NAME",
                        help=f"run only this attack; can be repeated: {', '.join(ATTACKS)}")
    parser.add_argument("--costs", action="store_true",
                        help="run each attack by itself instead, and measure what it costs both ends")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not 0 < options.siege <= 24 * 60:
        parser.error("MINUTES must be more than 0 and at most a day")
    if options.check:
        return 0
    from process import Owner  # It looks for executables, which a check doesn't need.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with Owner() as owner:
            siege = Siege(owner, [name for name in ATTACKS if name in (options.only or ATTACKS)])
            return siege.costs() if options.costs else siege.run(options.siege * 60, options.calm)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Good(threading.Thread):
    """A client who runs a command every 60 / `A_MINUTE` seconds, each in a session of its own."""

    def __init__(self, port, certificate):
        super().__init__(daemon=True)
        self.port, self.certificate = port, certificate
        self.times, self.faults, self.is_over = [], [], threading.Event()
        self.visits = []

    def run(self):
        next_one = time.monotonic()
        while not self.is_over.wait(max(0.0, next_one - time.monotonic())):
            # A slow one must not hold the others up.
            visit = threading.Thread(target=self.visit, daemon=True)
            visit.start()
            self.visits = [other for other in self.visits if other.is_alive()] + [visit]
            next_one += 60 / A_MINUTE

    def visit(self):
        from process import Owner
        from remote import Session
        began = time.monotonic()
        try:
            with Owner() as owner:
                session = Session(owner, self.port, self.certificate)
                session.run("true")
                outcome = session.outcome()
                if outcome.ended != (0, 0):
                    raise AssertionError(outcome)
        except Exception as fault:  # Of whatever kind: its command did not run.
            self.faults.append(f"{type(fault).__name__}: {fault}")
            return
        self.times.append(time.monotonic() - began)

    def end(self):
        self.is_over.set()
        self.join()
        for visit in self.visits:
            visit.join(2 * PATIENCE)
        return self


class Siege:
    def __init__(self, owner, names):
        import authority
        from load_point import Point
        from people import FOR_CLIENTS
        from remote_server import TableServer, program
        from support import SCRATCH
        self.owner, self.names, self.point = owner, names, Point
        self.certificates = SCRATCH / "siege"
        self.certificates.mkdir()
        for name in ("good", *IDENTITIES):
            authority.issue(self.certificates, name, names=f"DNS:{name}.example", purpose=FOR_CLIENTS)
        # What one client may run is not a limit of this kind.
        commands = {"true": program("/bin/true", concurrency=64, perIdentity=64), "dear": dear()}
        self.server = TableServer(owner, commands, trusting=[])
        self.files, self.memory = self.server.descriptors, self.server.resident
        self.is_good = True

    def show(self, point):
        self.is_good = point.show() and self.is_good

    def run(self, seconds, calm):
        point = self.point("calm")
        before = self.good(point, calm)
        self.show(point)
        point = self.point("siege")
        attackers = Attackers(self.owner, self.names, "siege", self.server.port, self.certificates)
        peak = Peak(lambda: self.server.resident)
        during = self.good(point, seconds)
        told = attackers.end()
        limit = max(PROMPT, 2 * quantile(before, 0.99))
        took = quantile(during, 0.99)
        point.need(took <= limit, f"99 of 100 took up to {took * 1000:.0f} ms, and {limit * 1000:.0f} are allowed")
        point.say(f"at most {peak.end() / MIB:.1f} MiB ({self.memory / MIB:.1f} at first)")
        for name, counts in told.items():
            point.need("died" not in counts, f"{name} ended by itself with {counts.get('died')}")
            point.say(f"{name}: " + ", ".join(
                f"{what} {count}" for what, count in counts.items() if what != "cpu"))
        self.show(point)
        point = self.point("afterwards")
        self.settle(point)
        self.show(point)
        return 0 if self.is_good else 1

    def good(self, point, seconds):
        """Has good clients count for a while; the times that their commands took."""
        client = Good(self.server.port, self.certificates / "good")
        client.start()
        client.is_over.wait(seconds)
        client.end()
        done, times = len(client.times) + len(client.faults), client.times
        point.say(f"{len(times)} of {done} good commands ran, half within {quantile(times, 0.5) * 1000:.0f} ms, "
                  f"99 of 100 within {quantile(times, 0.99) * 1000:.0f} ms")
        point.need(not client.faults, f"{len(client.faults)} did not run, the first: {client.faults[:1]}")
        return times

    def settle(self, point):
        from ground import until
        from load_server import SETTLED
        files = until(lambda: self.server.descriptors, lambda value: value <= self.files, 3 * SETTLED)
        children = until(lambda: len(self.server.children), lambda value: value == 0, SETTLED)
        point.need(files <= self.files, "descriptors are not back")
        point.need(children == 0, f"{children} programs run still")
        point.need(self.server.running, "the server has ended")
        point.say(f"{files} descriptors ({self.files} at first), {self.server.resident / MIB:.1f} MiB, "
                  f"a trail of {self.server.audit.stat().st_size / MIB:.1f} MiB")

    def costs(self, seconds=10.0):
        """A line for each attack: the CPU that it takes of the server and of who attacks, a second."""
        for name in self.names:
            point = self.point(name)
            attackers = Attackers(self.owner, [name], "siege", self.server.port, self.certificates)
            attackers.await_deeds(threading.Event())
            # What is reached at once is not what goes on.
            threading.Event().wait(seconds / 2)
            before, began = self.server.processor, time.monotonic()
            child = attackers.children[name]
            theirs = used(child.pid)
            threading.Event().wait(seconds)
            span = time.monotonic() - began
            server, attacker = self.server.processor - before, used(child.pid) - theirs
            told = attackers.end()[name]
            point.say(f"server {server / span * 1000:.1f} ms of CPU a second, attacker {attacker / span * 1000:.1f}, "
                      f"ratio {server / attacker if attacker else math.inf:.2f}")
            point.say(", ".join(f"{what} {count}" for what, count in told.items() if what != "cpu"))
            self.settle(point)
            self.show(point)
        return 0 if self.is_good else 1


class Peak:
    """The most that is measured until its end."""

    def __init__(self, measure):
        self.measure, self.most, self.is_over = measure, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.is_over.wait(1):
            self.most = max(self.most, self.measure())

    def end(self):
        self.is_over.set()
        self.thread.join()
        return self.most


def quantile(values, share):
    if not values:
        return math.inf
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def used(pid):
    """CPU seconds of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
