# SPDX-License-Identifier: Apache-2.0
"""The figures: what each measures, over which servers."""

import statistics

import bulk
import callgrind
import programs
import whole
from load import Failed
from peers import Nrpe, Remctl, SshMaster, Sshd
from processes import Unavailable
from samples import Samples, by_load, microseconds
from servers import (
    Go, Mutual, MutualBefore, MutualReference, MutualSplitReference, Nginx, PEERS, Parleyd, ParleydBefore,
    Programs, ProgramsBefore, Redis, Reference, Remote, RemoteBefore, SplitReference, TwoThreads)


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


def servers(bench, others=PEERS):
    """What a figure is measured over: with `--before` that build instead of the others."""
    return (Reference, Parleyd, *((ParleydBefore,) if bench.options.before else others))


def base(bench):
    return ParleydBefore.name if bench.options.before else Reference.name


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
    memory.compare(base(bench))
    growth.compare(base(bench))


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


def threads(samples):
    """On the server's core, where only the second thread's own cost shows; and on all cores, where
    the load takes its share of both."""
    bench = samples.bench
    for where, cores in (("one core", None), ("all cores", bench.machine.cores)):
        for count in bench.plan.connections[1:]:
            title = f"CPU of a TLS reply on {where}, {connections(count)}"
            for kind in (Parleyd, TwoThreads):
                def measure(kind=kind, count=count, cores=cores):
                    line = bench.load.measure(
                        bench.server(kind, cores=cores), "reply", "--connections", count,
                        "--warm-up", bench.plan.warm_up, seconds=bench.plan.seconds, cores=cores)
                    return microseconds(line), line

                samples.take(title, "µs", kind.name, measure, True)
    samples.compare(Parleyd.name)


def start_up(samples):
    bench = samples.bench
    for kind in servers(bench):
        samples.take("start-up to the ready line, or first accept", "ms", kind.name,
                     lambda kind=kind: (whole.start_up(bench, kind), None), kind.is_ours)
    samples.compare(base(bench))


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
    kinds = [SshMaster, Programs, *([ProgramsBefore] if bench.options.before else [Sshd, Nrpe, Remctl])]
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
    """Where a reply's and a handshake's time goes, by layer."""
    for title, mode, counts in [("TLS reply", "reply", bench.plan.counted),
                                ("full handshake", "handshake", bench.plan.counted_handshakes)]:
        bench.say(f"profile of a {title}")
        try:
            bench.results.layers.append((title, callgrind.layers(bench, mode, counts)))
        except Unavailable as fault:
            bench.results.remark(f"No profile: {fault}.")
            return


ALL = [
    Figure("handshake", "full handshakes", handshakes),
    Figure("handshake-mutual", "mutual handshakes", mutual_handshakes),
    Figure("reply-tls", "TLS replies", replies_tls),
    Figure("reply-plaintext", "plaintext replies", replies_plaintext),
    Figure("pipelined", "parley/1 pipelined", pipelined),
    Figure("programs", "runs of a program", programs.programs),
    Figure("latency", "time of a program's run", programs.latency),
    Figure("memory", "idle sessions", idle),
    Figure("growth", "replies among idle sessions", idle),
    Figure("threads", "two threads against one", threads),
    Figure("bulk", "bulk", bulk.bulk),
    Figure("start-up", "start-up", start_up),
    Figure("command", "one command as a whole process", one_command),
    Figure("run-whole", "one program as a whole process", run_whole),
    Counted("instructions", "instructions of a reply", instructions),
]
