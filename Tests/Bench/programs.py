# SPDX-License-Identifier: Apache-2.0
"""Figures of programs that are run in open sessions, beside the same programs without a protocol."""

import contextlib
import os
import pathlib
import pwd

from samples import PER_CORE, by_load
from servers import Programs, ProgramsBefore, Reference

PROGRAM = "/bin/true"
CONFINED = "reference, confined"
"""The limit with what confines parleyd's programs."""


def programs(samples):
    bench = samples.bench
    kinds = (Programs, ProgramsBefore) if bench.options.before else (Programs,)
    for count in (1, 16):
        title = f"runs of a program, {sessions_at_once(count)}"
        bench.results.row(samples.figure, title, PER_CORE, Reference.name)
        limit_first = bench.round % 2 == 0
        if limit_first:
            without_protocol(samples, title, count)
        by_load(samples, title, kinds, "runs", "--connections", count)
        if not limit_first:
            without_protocol(samples, title, count)
        beside(samples, title, kinds)
        for kind in kinds:
            samples.compare_beside(title, kind.name, CONFINED)
    samples.compare(kinds[1].name if bench.options.before else Reference.name)


def without_protocol(samples, title, count):
    """The limit: what starting, watching and reaping such a program costs in C, and what that costs in its control group
    and as its user, where those can be had."""

    def measure(*how):
        line = samples.bench.load.programs(count, samples.bench.plan.seconds, *how, PROGRAM)
        return line["operations"] / line["server_seconds"], line

    samples.take(title, PER_CORE, Reference.name, measure, True)
    with folder_for_groups() as folder:
        if folder:
            user = pwd.getpwnam("nobody").pw_uid
            samples.take(title, PER_CORE, CONFINED, lambda: measure("--confined", folder, user), True)


@contextlib.contextmanager
def folder_for_groups():
    """A control group below this process's own; none where parleyd would have none either."""
    if os.geteuid() or pathlib.Path("/run/systemd/system").exists():
        yield None
        return
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    trees = [where for _, where, kind, *_ in mounts if kind == "cgroup2"]
    own = [line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    folder = pathlib.Path(f"{trees[0]}{own[0]}", f"parley-reference-{os.getpid()}") if trees and own else None
    try:
        if folder:
            folder.mkdir()
    except OSError:
        folder = None
    try:
        yield folder
    finally:
        if folder:
            folder.rmdir()


def beside(samples, title, kinds):
    if samples.bench.options.before:
        for kind in kinds:
            samples.compare_beside(title, kind.name, Reference.name)


def sessions_at_once(count):
    return "one session" if count == 1 else f"{count} sessions at once"


def latency(samples):
    """Of one session's runs, and of one among seventeen, any of which has the same neighbours."""
    bench = samples.bench
    kinds = (Programs, ProgramsBefore) if bench.options.before else (Programs,)
    # So that one of a thousand is among them.
    seconds = 3 * bench.plan.seconds
    for count, where in ((1, "alone"), (17, "beside 16 busy sessions")):
        title = f"median time of a program's run, {where}"

        def limit(count=count):
            line = bench.load.programs(count, seconds, PROGRAM)
            return line["p50_us"], line

        def measure(kind, count=count):
            server = bench.server(kind)
            line = bench.load.measure(server, "runs", "--connections", count, "--warm-up", bench.plan.warm_up,
                                      *server.question, seconds=seconds)
            return line["p50_us"], line

        samples.take(title, "µs", Reference.name, limit, True)
        for kind in kinds:
            samples.take(title, "µs", kind.name, lambda kind=kind: measure(kind), True)
        beside(samples, title, kinds)
    samples.compare(kinds[1].name if bench.options.before else Reference.name)
