# SPDX-License-Identifier: Apache-2.0
"""One round's samples of a figure, and what most figures are made with."""

from load import Failed
from processes import Unavailable
from servers import PEERS, Parleyd, ParleydBefore, Reference

PER_CORE = "a CPU s"


class Samples:
    """One round's samples of a figure, and the base that they are ratios of."""

    def __init__(self, bench, figure):
        self.bench, self.figure = bench, figure
        self.values = {}

    def take(self, title, unit, server, measure, is_ours=False):
        """Adds what `measure` returns: a value, and where it has one the load's line. A stranger's
        failure is noted, ours raised."""
        row = self.bench.results.row(self.figure, title, unit, server)
        if row.fault:
            return None
        try:
            value, line = measure()
        except (Unavailable, Failed, OSError) as fault:
            if is_ours:
                raise Failed(f"{server}, {title}: {fault}") from None
            row.fault = str(fault)
            return None
        row.values.append(value)
        self.values[title, server] = value
        if line:
            row.foreign.append(line.get("foreign_percent", 0))
            if "p50_us" in line:
                row.latencies.append((line["p50_us"], line["p99_us"], line["p999_us"]))
        return line

    def take_all(self, titles, server, measure, is_ours=False):
        """The same of a measurement that has values for several rows: `titles` are title, unit and the value's key."""
        if all(self.bench.results.row(self.figure, title, unit, server).fault for title, unit, _ in titles):
            return
        try:
            values, fault = measure(), None
        except (Unavailable, Failed, OSError) as failure:
            values, fault = {}, failure

        def sample(key):
            if fault:
                raise fault
            return values[key], {"foreign_percent": values.get("foreign_percent", 0)}

        for title, unit, key in titles:
            self.take(title, unit, server, lambda key=key: sample(key), is_ours)

    def compare(self, base, other_title=None):
        """Adds the round's ratios to the server `base`, of the same title unless one is named."""
        for (title, server), value in self.values.items():
            against = self.values.get((other_title or title, base))
            if against:
                row = self.bench.results.row(self.figure, title, "", server)
                row.ratios.append(value / against)

    def compare_beside(self, title, server, base, other_title=None, label=None):
        """Adds the round's ratio of one server to another base to its note."""
        value, against = self.values.get((title, server)), self.values.get((other_title or title, base))
        if value and against:
            row = self.bench.results.row(self.figure, title, "", server)
            row.ratios_beside.setdefault(label or base, []).append(value / against)


def by_load(samples, title, kinds, mode, *options, plaintext=False):
    """Operations per CPU second of each kind of server."""
    bench = samples.bench

    def measure(kind):
        server = bench.server(kind, plaintext)
        line = bench.load.measure(
            server, mode, *options, "--warm-up", bench.plan.warm_up, *server.question,
            seconds=bench.plan.seconds)
        return line["operations"] / line["server_seconds"], line

    for kind in kinds:
        bench.results.row(samples.figure, title, PER_CORE, kind.name)
    # Who comes first differs by round: a core that has rested is faster for a while.
    first = bench.round % len(kinds)
    for kind in (*kinds[first:], *kinds[:first]):
        samples.take(title, PER_CORE, kind.name, lambda kind=kind: measure(kind), kind.is_ours)


def microseconds(line):
    if not line["operations"]:
        raise Failed("nothing was answered")
    return line["server_seconds"] / line["operations"] * 1e6


def servers(bench, others=PEERS):
    """What a figure is measured over: with `--before` that build instead of the others."""
    return (Reference, Parleyd, *((ParleydBefore,) if bench.options.before else others))


def base(bench):
    return ParleydBefore.name if bench.options.before else Reference.name
