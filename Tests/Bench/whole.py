# SPDX-License-Identifier: Apache-2.0
"""Figures of whole processes: start-up, one command."""

import os
import select
import statistics
import subprocess
import time

from load import Failed, share
from machine import Machine, which
from processes import PATIENCE, Process, Unavailable, installed, reap_orphans, used_by
from servers import Parleyd, Reference

LONGEST_VISITS = 3.0
"""Seconds after which there are no more of them in a round."""


def start_up(bench, kind):
    """The median of some starts, in milliseconds."""
    times = []
    for _ in range(bench.plan.starts):
        if issubclass(kind, (Parleyd, Reference)):
            times.append(until_ready_line(bench, kind))
            continue
        server = kind(bench)
        begun = time.monotonic()
        server.begin()
        times.append(time.monotonic() - begun)
        server.kill()
    return sorted(times)[len(times) // 2] * 1000


def until_ready_line(bench, kind):
    command = kind(bench).command()
    begun = time.monotonic()
    process = Process(command, bench.machine.server, stderr=subprocess.PIPE)
    try:
        error = process.child.stderr.fileno()
        said = b""
        while b"\n" not in said:
            if not select.select([error], [], [], PATIENCE)[0]:
                raise Unavailable("was not ready in time")
            more = os.read(error, 4096)
            if not more:
                raise Unavailable(f"did not start: {said.decode(errors='replace').strip()}")
            said += more
        elapsed = time.monotonic() - begun
        if b"listening on" not in said:
            raise Unavailable(f"said something else: {said.decode(errors='replace').strip()}")
        return elapsed
    finally:
        process.kill()


def versions(bench):
    """Names of programs, how they say their version, and whether they are ours. The least that a process takes is that
    of `true`, and with OpenSSL's libraries that of the reference."""
    yield "true", ["/bin/true"], False
    yield Reference.name, [f"{bench.binaries}/parley-reference", "--version"], True
    yield "openssl", [which("openssl"), "version"], False
    yield "ssh", [which("ssh"), "-V"], False
    builds = [("", bench.binaries), *([(" before", bench.options.before)] if bench.options.before else [])]
    for suffix, folder in builds:
        for program in ("parley", "parleyd"):
            yield program + suffix, [f"{folder}/{program}", "--version"], True


def version(bench, command):
    """The median of some runs, in milliseconds."""
    if not command[0]:
        raise Unavailable("is not installed")
    times = []
    for _ in range(bench.plan.whole_visits):
        begun = time.monotonic()
        process = Process(command, bench.machine.load)
        try:
            if status := process.finish(PATIENCE):
                raise Failed(f"ended with {status}")
            times.append(time.monotonic() - begun)
        finally:
            process.kill()
    return 1000 * statistics.median(times)


def stripped(bench, program):
    """Megabytes of an executable without all that is not needed to run it."""
    bare = bench.folder("stripped") / program.name
    subprocess.run([installed("strip", "binutils"), "-o", bare, program], check=True, timeout=PATIENCE)
    return bare.stat().st_size / 1e6


def visit_parley(bench):
    server = bench.server(Parleyd)
    return visit(bench, [f"{bench.binaries}/parley", "command", "--certs", bench.certs,
                         f"127.0.0.1:{server.port}", "--", "Hello"], None)


def visit_openssl(bench):
    server = bench.server(Parleyd)
    return visit(bench, [
        installed("openssl"), "s_client", "-quiet", "-no_ign_eof", "-connect",
        f"127.0.0.1:{server.port}", "-CAfile", f"{bench.certs}/ca.pem", "-verify_return_error",
        "-verify_hostname", "localhost"], b"Hello")


def visit(bench, command, request):
    """Milliseconds from start to end of a client that is answered `Greetings!`."""
    begun = time.monotonic()
    client = Process(command, bench.machine.load, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     stdin=subprocess.PIPE if request else subprocess.DEVNULL)
    try:
        if request:
            client.child.stdin.write(request)
            client.child.stdin.flush()
        said = b""
        while b"Greetings!" not in said:
            if not select.select([client.child.stdout], [], [], PATIENCE)[0]:
                raise Failed("no reply came")
            more = os.read(client.child.stdout.fileno(), 4096)
            if not more:
                complaint = client.child.stderr.read().decode(errors="replace").strip()
                raise Failed(f"no reply: {complaint}")
            said += more
        if request:
            client.child.stdin.close()
            client.child.stdin = None
        if client.child.wait(PATIENCE):
            raise Failed(f"the client ended with {client.child.returncode}")
        return (time.monotonic() - begun) * 1000
    except subprocess.TimeoutExpired:
        raise Failed("the client does not end") from None
    finally:
        client.kill()


class Visits:
    """Clients that each run one program on a server, one after the other, as whole processes."""

    def __init__(self, bench, server):
        self.bench, self.server = bench, server
        helping = list(server.helping)
        self.serving = [process for process in server.processes if process not in helping]
        self.helping = helping

    def run(self):
        """Milliseconds of a visit by the clock, and of the CPU of both ends, what stays with the client included."""
        visits = self.bench.plan.whole_visits
        reap_orphans()
        server, helping, busy, own = used_by(self.serving), used_by(self.helping), Machine.busy(), Machine.own()
        begun = time.monotonic()
        crowd = self.crowd()
        times, clients = [], []
        while len(times) < visits and time.monotonic() - begun < LONGEST_VISITS:
            wall, used = self.visit()
            times.append(wall)
            clients.append(used)
        visits, elapsed = len(times), time.monotonic() - begun
        # What a server reaps, it may reap a moment later.
        until = time.monotonic() + 1
        while self.crowd() > crowd and time.monotonic() < until:
            time.sleep(0.001)
        server, helping = used_by(self.serving) - server, used_by(self.helping) - helping
        orphans = reap_orphans()
        foreign = Machine.busy() - busy - server - helping - (Machine.own() - own)
        server += orphans
        if server < 0:
            raise Failed("a process of the server's has ended whose time no other has")
        return {"clock": 1000 * statistics.median(times), "server": 1000 * server / visits,
                "client": 1000 * (statistics.mean(clients) + helping / visits),
                "foreign_percent": share(foreign, elapsed)}

    def crowd(self):
        return sum(len(process.pids) for process in self.serving)

    def visit(self):
        begun = time.monotonic()
        client = Process(self.server.client("/bin/true"), self.bench.machine.load, self.server.work / "said",
                         env=self.server.environment)
        try:
            if status := client.finish(PATIENCE):
                raise Failed(f"the client ended with {status}: {client.last_words}")
            return time.monotonic() - begun, client.usage
        finally:
            client.kill()
