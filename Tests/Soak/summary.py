# SPDX-License-Identifier: Apache-2.0
"""What a soak prints at its end: counts, latencies, levels."""

import collections

from ledger import FAILED, RIGHT
from plan import FAULTS

CALM, DISTURBED, EXHAUSTED = "calm", "with faults", "no descriptors"
"""Requests that lie in a calm phase whole; that don't; and of those, the ones of exhaustion.

Without descriptors new connections wait until there are some, which is as it must be, and would
hide what the other faults cost.
"""
ALL = "all together"


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def condition(request, stage, zero, windows):
    """Under which of the three a request was made."""
    if windows.during(request.began, request.ended, ("exhaustion",)):
        return EXHAUSTED
    is_calm = any(
        phase.is_calm and phase.begin <= request.began - zero and request.ended - zero <= phase.end
        for phase in stage.phases)
    return CALM if is_calm and not windows.during(request.began, request.ended) else DISTURBED


def latencies(requests, stage, zero, windows):
    """Lines of a table: for each group of requests and each condition p50, p99 and the most.

    Those of the warm-up don't count.
    """
    taken = collections.defaultdict(list)
    for request in requests:
        if request.outcome == RIGHT and request.began >= zero:
            under = condition(request, stage, zero, windows)
            for group in request.group, ALL:
                taken[group, under].append(1000 * (request.ended - request.began))
    yield f"{'latency in ms':<16}" + "".join(
        f"{name + ':':>19}{'p50':>7}{'p99':>8}{'max':>8}" for name in (CALM, DISTURBED, EXHAUSTED))
    for group in sorted({group for group, _ in taken}):
        cells = []
        for name in (CALM, DISTURBED, EXHAUSTED):
            values = taken.get((group, name))
            cells.append(f"{len(values):>19}" + "".join(
                f"{value:>{width}.1f}" for value, width in (
                    (percentile(values, 0.5), 7), (percentile(values, 0.99), 8),
                    (max(values), 8))) if values else " " * 42)
        yield f"{group:<16}" + "".join(cells)


def counts(ledger):
    """How many requests of each kind were answered right, failed as allowed, or neither."""
    by_kind = collections.defaultdict(collections.Counter)
    for request in ledger.requests:
        by_kind[request.kind][request.outcome] += 1
    yield f"{'requests':<16}{'sent':>9}{'right':>9}{'refused as allowed':>20}{'wrong':>8}"
    for kind, outcomes in sorted(by_kind.items()):
        right, failed = outcomes[RIGHT], outcomes[FAILED]
        everything = outcomes.total()
        yield f"{kind:<16}{everything:>9}{right:>9}{failed:>20}{everything - right - failed:>8}"


def windows_table(windows):
    by_kind = collections.defaultdict(list)
    for window in windows.all:
        if window.end is not None:  # Else the director hangs in it.
            by_kind[window.kind].append(window.end - window.begin)
    yield f"{'faults':<20}{'times':>6}{'mean s':>8}"
    for kind, lengths in sorted(by_kind.items()):
        yield f"{kind:<20}{len(lengths):>6}{sum(lengths) / len(lengths):>8.2f}"


def attacks(ledger):
    for kind, counts in sorted(ledger.attacks.items()):
        yield f"{kind}: " + ", ".join(
            f"{what} {count}" for what, count in counts.items() if what not in ("cpu", "most at once"))


def deeds(ledger):
    yield "bad clients: " + ", ".join(f"{count} {deed}" for deed, count in sorted(
        ledger.deeds.items()) if deed not in FAULTS)
