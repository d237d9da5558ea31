# SPDX-License-Identifier: Apache-2.0
"""Figures of programs that are run in open sessions, beside the same programs without a protocol."""

from groups import confinement
from samples import PER_CORE, by_load
from servers import PROGRAM, Programs, ProgramsBefore, Reference, Served

CONFINED = "reference, confined"
"""The limit with what confines parleyd's programs."""
LIMITS = (CONFINED, Served.name)


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
            for limit in LIMITS:
                samples.compare_beside(title, kind.name, limit)
    samples.compare(kinds[1].name if bench.options.before else Reference.name)


def without_protocol(samples, title, count):
    """The limit: what starting, watching and reaping such a program costs in C; what that costs in its control group and as
    its user, where those can be had; and what it costs with that for clients over TLS, by two processes."""

    def measure(*how):
        line = samples.bench.load.programs(count, samples.bench.plan.seconds, *how, PROGRAM)
        return line["operations"] / line["server_seconds"], line

    samples.take(title, PER_CORE, Reference.name, measure, True)
    with confinement() as confined:
        if confined:
            samples.take(title, PER_CORE, CONFINED, lambda: measure(*confined), True)
            by_load(samples, title, (Served,), "reply", "--connections", count)


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
