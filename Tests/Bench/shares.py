# SPDX-License-Identifier: Apache-2.0
"""Where the CPU time of a program's run and of a transfer goes, by process."""

import os
import pathlib

import bulk
from servers import Programs, Remote

TICK = 1 / os.sysconf("SC_CLK_TCK")


def run_of_a_program(bench):
    """In one session, one after the other: microseconds of each."""
    server = bench.server(Programs)
    count = 100 if bench.options.quick else 5_000
    before = times(server)
    (line,) = bench.load.lines(server, "runs", "--connections", 1, "--count", count, *server.question, seconds=60)
    return entries(spent(before, times(server)), 1e6 / line["operations"])


def transfer(bench, is_output):
    """Through a pipe of the program's, TLS and `parley run`: milliseconds of a GiB."""
    server = bench.server(Remote)
    before = times(server)
    rates = bulk.through_parley(bench, is_output)
    used = spent(before, times(server))
    used["parley run"] = bench.plan.bulk_mib / rates["client"]
    return entries(used, 1e3 * 1024 / bench.plan.bulk_mib)


def times(server):
    """CPU seconds so far of each of parleyd's processes, in user space and in the kernel, and of the programs that have
    ended with their keepers."""
    found = {}
    for pid in server.processes[0].pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)
        except OSError:
            continue  # A program that has ended meanwhile.
        user, system, child_user, child_system = (int(text) * TICK for text in fields[1].split()[11:15])
        name = "the network process" if "network" in fields[0] else "the first process"
        if not name.endswith("first process") or pid == server.processes[0].pid:
            found[f"{name}, user"], found[f"{name}, kernel"] = user, system
            found["programs and their keepers"] = (
                found.get("programs and their keepers", 0) + child_user + child_system)
    return found


def spent(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}


def entries(used, scale):
    """Names, what each takes, and its share of all."""
    total = sum(used.values()) or TICK
    return [(name, scale * seconds, seconds / total) for name, seconds in
            sorted(used.items(), key=lambda entry: -entry[1])]
