# SPDX-License-Identifier: Apache-2.0
"""The figures: what each measures, over which servers."""

import statistics

import bulk
import callgrind
import idle
import programs
import shares
import whole
from peers import Nrpe, Remctl, SshMaster, Sshd
from processes import Unavailable
from samples import Samples, base, by_load, microseconds, servers
from servers import (
    Mutual, MutualBefore, MutualReference, MutualSplitReference, Parleyd, ParleydBefore, Programs, ProgramsBefore,
    Reference, Remote, RemoteBefore, SplitReference, TwoThreads, WholeReference)


class Figure:
    """`measure` adds a sample to each of its rows."""

    is_counted = False

    def __init__(self, name, title, body):
        self.name, self.title, self.body = name, title, body

    def measure(self, bench):
        self.body(Samples(bench, self.name))


class Counted(Figure):
    """Counts instructions, which are the same in each round."""

    is_counted = True


def handshakes(samples):
    title = "full handshakes"
    first, *others = servers(samples.bench)
    by_load(samples, title, (first, SplitReference, *others), "handshake", "--connections", 16)
    samples.compare(base(samples.bench))
    beside_limits(samples, title)


def mutual_handshakes(samples):
    """With the client's certificate; of the others none asks for one. First one fixed reply by all of them, then with what
    remote sessions have beside, which no reference has."""
    before = samples.bench.options.before
    title, remote = "mutual handshakes", "mutual handshakes, table and trail"
    by_load(samples, title, (MutualReference, MutualSplitReference, Mutual, *((MutualBefore,) if before else ())),
            "handshake", "--connections", 16)
    kinds = (Remote, RemoteBefore) if before else (Remote,)
    by_load(samples, remote, kinds, "handshake", "--connections", 16)
    samples.compare(base(samples.bench))
    samples.compare(kinds[-1].name)
    beside_limits(samples, title)
    for kind in kinds:
        samples.compare_beside(remote, kind.name, SplitReference.name, title, "reference, split, whose reply is all")


def beside_limits(samples, title):
    """What each build of ours is of the limit with two processes, and of the other one where that isn't the base."""
    for server in (Parleyd.name, ParleydBefore.name):
        for limit in (Reference.name, SplitReference.name):
            if limit != base(samples.bench):
                samples.compare_beside(title, server, limit)


def replies_tls(samples):
    for count in samples.bench.plan.connections:
        by_load(samples, f"TLS replies, {connections(count)}", servers(samples.bench), "reply",
                "--connections", count)
    samples.compare(base(samples.bench))


def replies_plaintext(samples):
    kinds = [kind for kind in servers(samples.bench) if kind.has_plaintext]
    for count in samples.bench.plan.connections:
        by_load(samples, f"plaintext replies, {connections(count)}", kinds, "reply",
                "--connections", count, plaintext=True)
    samples.compare(base(samples.bench))


def connections(count):
    return f"{count} connection" + ("" if count == 1 else "s")


def pipelined(samples):
    title = "fixed replies in one session"
    one, many = f"{title}, one under way", f"{title}, parley/1 pipelined"
    if samples.bench.options.before:
        by_load(samples, many, (Remote, RemoteBefore), "pipelined", "--connections", 1)
        return samples.compare(RemoteBefore.name)
    by_load(samples, one, (Reference,), "reply", "--connections", 1)
    by_load(samples, many, (Remote,), "pipelined", "--connections", 1)
    samples.compare(Reference.name, other_title=one)


def threads(samples):
    """On the server's core, where only the second thread's own cost shows; on all cores, where the load takes its share
    of both; and on two cores that the load leaves alone, where there are so many."""
    bench = samples.bench
    for where, cores in (("one core", None), ("all cores", bench.machine.cores), ("two cores of its own", "own")):
        for count in bench.plan.connections[1:]:
            title = f"CPU of a TLS reply on {where}, {connections(count)}"
            for kind in (Parleyd, TwoThreads):
                samples.take(
                    title, "µs", kind.name, lambda kind=kind, count=count, cores=cores: (
                        microseconds(line := reply_on(bench, kind, count, cores)), line), cores != "own")
    samples.compare(Parleyd.name)


def reply_on(bench, kind, count, cores):
    load = cores
    if cores == "own":
        cores, load = bench.machine.own_pair, bench.machine.load
    return bench.load.measure(
        bench.server(kind, cores=cores), "reply", "--connections", count, "--warm-up", bench.plan.warm_up,
        seconds=bench.plan.seconds, cores=load)


def start_up(samples):
    bench = samples.bench
    for kind in servers(bench):
        samples.take("start-up to the ready line, or first accept", "ms", kind.name,
                     lambda kind=kind: (whole.start_up(bench, kind), None), kind.is_ours)
    samples.compare(base(bench))
    title, clients = "start-up of a program that says its version", Samples(bench, samples.figure)
    for name, command, is_ours in whole.versions(bench):
        clients.take(title, "ms", name, lambda command=command: (whole.version(bench, command), None), is_ours)
    clients.compare(Reference.name)
    for name in ("parley", "parleyd"):
        clients.compare_beside(title, name, f"{name} before")


def size(samples):
    bench = samples.bench
    builds = [("", bench.binaries), *([(" before", bench.options.before)] if bench.options.before else [])]
    for program in ("parleyd", "parley"):
        title = f"size of {program}, stripped"
        for suffix, folder in builds:
            samples.take(title, "MB", program + suffix,
                         lambda folder=folder, program=program: (whole.stripped(bench, folder / program), None), False)
        if bench.options.before:
            samples.compare(f"{program} before")


def one_command(samples):
    bench = samples.bench
    title = "one Hello as a whole process"
    for name, measure, is_ours in [("openssl s_client", whole.visit_openssl, False),
                                   ("parley command", whole.visit_parley, True)]:
        samples.take(title, "ms", name, lambda measure=measure: (
            statistics.median(measure(bench) for _ in range(bench.plan.visits)), None), is_ours)
    samples.compare("openssl s_client")


def run_whole(samples):
    bench = samples.bench
    kinds = [SshMaster, WholeReference, Programs,
             *([ProgramsBefore] if bench.options.before else [Sshd, Nrpe, Remctl])]
    views = (("wall time", "clock"), ("client's CPU", "client"), ("server's CPU", "server"))
    titles = [(f"one program as a whole process, {view}", key) for view, key in views]
    for title, _ in titles:
        for kind in kinds:
            bench.results.row(samples.figure, title, "ms", shown_kind(kind))
    first = bench.round % len(kinds)
    for kind in (*kinds[first:], *kinds[:first]):
        samples.take_all([(title, "ms", key) for title, key in titles], shown_kind(kind),
                         lambda kind=kind: whole.Visits(bench, bench.server(kind)).run(), kind.is_ours)
    samples.compare(shown_kind(ProgramsBefore) if bench.options.before else SshMaster.name)
    for title, _ in titles:
        for limit in (WholeReference, *([SshMaster] if bench.options.before else [])):
            samples.compare_beside(title, shown_kind(Programs), limit.name)


def shown_kind(kind):
    return {Programs: "parley run", ProgramsBefore: "parley run before"}.get(kind, kind.name)


def instructions(samples):
    """Which hardly vary, unlike times, and leave the kernel out."""
    bench = samples.bench
    asking = (MutualReference, MutualSplitReference, Mutual)
    counted = [("TLS reply", servers(bench, ()), "reply", bench.plan.counted)]
    # They have the longest time under callgrind, and a short run shows nothing in them that it doesn't in the others.
    if not bench.options.quick:
        counted += [("full handshake", (*servers(bench, ()), SplitReference), "handshake", bench.plan.counted_handshakes),
                    ("mutual handshake", asking, "handshake", bench.plan.counted_handshakes)]
    for title, kinds, mode, counts in counted:
        for kind in kinds:
            samples.take(f"user-space instructions of a {title}", "", kind.name, lambda kind=kind: (
                callgrind.slope(bench, kind, mode, counts), None))
        samples.compare(base(bench))


def profile(bench):
    """Where the time of a reply and of a handshake goes, by layer, and that of a run and of a transfer, by process."""
    for what, unit, divide in [
            ("a TLS reply", "instructions", lambda: callgrind.layers(bench, "reply", bench.plan.counted)),
            ("a full handshake", "instructions",
             lambda: callgrind.layers(bench, "handshake", bench.plan.counted_handshakes)),
            ("a program's run", "µs", lambda: shares.run_of_a_program(bench)),
            ("a program's output", "ms a GiB", lambda: shares.transfer(bench, True)),
            ("a program's input", "ms a GiB", lambda: shares.transfer(bench, False))]:
        bench.say(f"profile of {what}")
        try:
            bench.results.layers.append((f"CPU time of {what}", unit, divide()))
        except Unavailable as fault:
            bench.results.remark(f"No profile of {what}: {fault}.")


ALL = [
    Figure("handshake", "full handshakes", handshakes),
    Figure("handshake-mutual", "mutual handshakes", mutual_handshakes),
    Figure("reply-tls", "TLS replies", replies_tls),
    Figure("reply-plaintext", "plaintext replies", replies_plaintext),
    Figure("pipelined", "parley/1 pipelined", pipelined),
    Figure("programs", "runs of a program", programs.programs),
    Figure("latency", "time of a program's run", programs.latency),
    Figure("memory", "idle sessions", idle.idle),
    Figure("growth", "replies among idle sessions", idle.idle),
    Figure("threads", "two threads against one", threads),
    Figure("bulk", "bulk", bulk.bulk),
    Figure("start-up", "start-up", start_up),
    Figure("command", "one command as a whole process", one_command),
    Figure("run-whole", "one program as a whole process", run_whole),
    Counted("size", "size", size),
    Counted("instructions", "instructions of a reply", instructions),
]
