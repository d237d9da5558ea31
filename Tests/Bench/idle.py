# SPDX-License-Identifier: Apache-2.0
"""Figures of open sessions that are idle: their memory, and what a reply among them costs."""

import pathlib
import re
import select
import subprocess
import sys
import time

from load import Failed
from processes import PATIENCE, Process, Unavailable
from samples import Samples, base, microseconds, servers
from servers import Go, MutualReference, Nginx, Redis, Remote, Unpaced, UnpacedBefore

SESSIONS = pathlib.Path(__file__).parent / "sessions.py"
LONGEST_HANDSHAKE = 0.05
"""Seconds, on average."""
SETTLING = 0.3
"""Seconds for a server to free what a handshake used."""


def idle(samples):
    """Opens sessions with a new server each time, since a used one has memory left over."""
    bench = samples.bench
    plan = bench.plan
    wanted = {"memory", "growth"} & set(bench.options.only)
    if samples.figure != min(wanted, key=["memory", "growth"].index):
        return  # Both were measured together.
    memory, growth = Samples(bench, "memory"), Samples(bench, "growth")
    # Others' memory is within a percent the same each time, and ten thousand handshakes take long.
    others = (Redis, Nginx, Go) if "memory" in wanted and bench.round == 0 else ()
    kinds = servers(bench, others)
    for kind in kinds:
        takes_turns = kind.is_ours and "growth" in wanted
        levels = sorted({*(plan.memory_levels if "memory" in wanted else ()),
                         *(plan.growth_levels if takes_turns else ())})
        try:
            lines = sessions(bench, kind, levels, takes_turns)
            fault = None
        except (Unavailable, Failed) as failure:
            lines, fault = {}, failure

        def sample(level, lines=lines, fault=fault):
            if fault:
                raise fault
            return lines[level]

        for level in plan.memory_levels if "memory" in wanted else ():
            memory.take(f"memory of an idle TLS session, {level:,} open", "KiB", kind.name,
                        lambda level=level: (kibibytes(sample(level)), None), kind.is_ours)
        for level in plan.growth_levels if takes_turns else ():
            growth.take(f"CPU of a TLS reply, {level:,} session{'s' * (level > 1)} in turn", "µs",
                        kind.name, lambda level=level: (microseconds(line := sample(level)), line),
                        kind.is_ours)
    if "memory" in wanted and bench.round == 0:
        remote_sessions(bench)
    memory.compare(base(bench))
    growth.compare(base(bench))


def remote_sessions(bench):
    """Those of clients with certificates, with a table and a trail; in the first round only, since they take long."""
    samples = Samples(bench, "memory")
    levels = bench.plan.memory_levels
    kinds = (MutualReference, Unpaced, *((UnpacedBefore,) if bench.options.before else ()))
    for kind in kinds:
        titles = [(f"memory of an idle remote session, {level:,} open", "KiB", level) for level in levels]
        samples.take_all(titles, kind.name, lambda kind=kind: residents(bench, kind, levels), True)
    samples.compare(kinds[2].name if bench.options.before else MutualReference.name)
    if bench.options.before:
        for title, *_ in titles:
            for kind in kinds[1:]:
                samples.compare_beside(title, kind.name, MutualReference.name)


def residents(bench, kind, levels):
    """By level, the KiB of a new server's resident memory that each session takes."""
    server = kind(bench).begin()
    protocol = "parley/1" if issubclass(kind, Remote) else "message"
    try:
        before = resident(server)
        client = Process([sys.executable, "-B", SESSIONS, server.port, server.certs, protocol, *levels],
                         bench.machine.load, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
        try:
            return dict(opened(client, server, before, levels))
        finally:
            client.kill()
    finally:
        server.kill()


def opened(client, server, before, levels):
    for level in levels:
        if not select.select([client.child.stdout], [], [], PATIENCE + level * LONGEST_HANDSHAKE)[0]:
            raise Failed(f"{level:,} sessions were not open in time")
        if client.child.stdout.readline().strip() != str(level):
            raise Failed(client.child.stderr.read().strip() or "the client of the sessions ended")
        time.sleep(SETTLING)
        yield level, (resident(server) - before) / level
        client.child.stdin.write("\n")
        client.child.stdin.flush()


def resident(server):
    """KiB of all of a server's processes."""
    total = 0
    for process in server.processes:
        for pid in process.pids:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Rss:\s*(\d+) kB$", text, re.M)[1])
    return total


def kibibytes(line):
    return line["resident"] / line["sessions"] / 1024


def sessions(bench, kind, levels, takes_turns):
    """By level, what the load says."""
    seconds = bench.plan.turn_seconds if takes_turns else 0.001
    for _ in range(3):
        server = kind(bench).begin()
        try:
            lines = bench.load.lines(
                server, "idle", "--levels", ",".join(map(str, levels)), "--warm-up",
                bench.plan.warm_up / 4, *server.question, seconds=seconds, limit=100)
        finally:
            server.kill()
        if not takes_turns or all(line.get("operations", 1) for line in lines):
            break
        # Others left no time for a single answer.
        seconds *= 4
    return {line["sessions"]: line for line in lines}
