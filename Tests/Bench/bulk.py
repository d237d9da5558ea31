# SPDX-License-Identifier: Apache-2.0
"""What a program's output and input cost at both ends, beside the same bytes through other programs."""

import os
import subprocess
import time

from load import Failed, share
from machine import Machine
from peers import Sshd
from processes import Process, free_port, installed, listens, used_by
from servers import Bulk, Reference, Remote, RemoteBefore

MIB = 1 << 20
SLOWEST = 10
"""MiB a second, below which a transfer is given up."""
VIEWS = (("wall time", "MiB/s", "clock"), ("server's CPU", "MiB a CPU s", "server"),
         ("client's CPU", "MiB a CPU s", "client"))


class Transfer:
    """The bytes of one transfer, and what moves them: `client` is a command, `servers` are processes that are there
    before it and stay, and `ending` are processes that were started for it alone and end with it, the last one with the
    count of what it was sent if the client doesn't know that."""

    def __init__(self, bench, is_output, client, servers, ending=()):
        self.bench, self.is_output, self.client = bench, is_output, client
        self.servers, self.ending = servers, ending
        self.size = bench.plan.bulk_mib * MIB

    def run(self):
        """MiB a second by the clock, of the servers' CPU and of the client's, and how busy others were."""
        limit = 10 + self.size / MIB / SLOWEST
        folder = self.bench.folder("transfer")
        crowd = self.crowd()
        before, busy, own = used_by(self.servers), Machine.busy(), Machine.own()
        begun = time.monotonic()
        with self.source() as source, open(folder / "output", "wb") as count:
            client = Process(self.client, self.bench.machine.load, folder / "complaints", stdin=source,
                             stdout=subprocess.DEVNULL if self.is_output else count)
            try:
                status = client.finish(limit)
                for process in self.ending:
                    process.finish(limit)
                elapsed = time.monotonic() - begun
            finally:
                client.kill()
        if status:
            raise Failed(f"the client ended with {status}: {client.last_words}")
        self.verify(client, folder / "output")
        # What a server reaps, it may reap a moment later.
        until = time.monotonic() + 1
        while self.crowd() > crowd and time.monotonic() < until:
            time.sleep(0.001)
        server_seconds = used_by(self.servers) - before
        foreign = Machine.busy() - busy - server_seconds - (Machine.own() - own)
        server_seconds += sum(process.usage for process in self.ending)
        # The kernel tells hundredths of some of it.
        rates = {"clock": elapsed, "server": max(server_seconds, 0.01), "client": max(client.usage, 0.01)}
        return {**{view: self.size / MIB / seconds for view, seconds in rates.items()},
                "foreign_percent": share(foreign, elapsed)}

    def crowd(self):
        return sum(len(server.pids) for server in self.servers)

    def source(self):
        """Zeros that take no memory and whose reading costs little, as a file; or nothing."""
        file = open(os.memfd_create("zeros"), "rb+")
        file.truncate(0 if self.is_output else self.size)
        return file

    def verify(self, client, output):
        """Whether all of it came."""
        if self.is_output:
            if client.written is not None and client.written < self.size:
                raise Failed(f"{client.written:,} of {self.size:,} bytes came")
            return
        counted = (self.ending[-1].log if self.ending else output).read_text(errors="replace").strip()
        if counted != str(self.size):
            raise Failed(f"{counted or 'no'} of {self.size} bytes came")


def program(size, is_output):
    return ["/usr/bin/head", "-c", str(size), "/dev/zero"] if is_output else ["/usr/bin/wc", "-c"]


def through_parley(bench, is_output, kind=Remote):
    server = bench.server(kind)
    words = ["zeros", str(bench.plan.bulk_mib * MIB)] if is_output else ["count"]
    return Transfer(bench, is_output, [f"{server.binaries}/parley", "run", "--certs", bench.certs,
                                       f"127.0.0.1:{server.port}", "--", *words], server.processes[:1]).run()


def through_parley_before(bench, is_output):
    return through_parley(bench, is_output, RemoteBefore)


def through_reference(bench, is_output):
    server = Bulk(bench, program(bench.plan.bulk_mib * MIB, is_output)).begin()
    try:
        return Transfer(bench, is_output, [f"{bench.binaries}/parley-reference", "--client", f"{bench.certs}/ca.pem",
                                           server.port], server.processes).run()
    finally:
        server.kill()


def through_ssh(bench, is_output):
    server = bench.server(Sshd)
    return Transfer(bench, is_output, server.client(*program(bench.plan.bulk_mib * MIB, is_output)),
                    server.processes).run()


def through_openssl(bench, is_output):
    """Both end with their connection. The server would take a line that begins with Q for a command, so zeros are
    sent; without -nbio it may wait for the client to speak before it sends anything."""
    openssl, port = installed("openssl"), free_port()
    folder = bench.folder("openssl")
    server = [openssl, "s_server", "-quiet", "-nbio", "-accept", f"127.0.0.1:{port}", "-naccept", "1", "-tls1_3",
              "-cert", f"{bench.certs}/server.pem", "-key", f"{bench.certs}/server.key"]
    client = [openssl, "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{port}", "-CAfile",
              f"{bench.certs}/ca.pem", "-verify_return_error", "-verify_hostname", "localhost"]
    if is_output:
        client.remove("-no_ign_eof")
    words = program(bench.plan.bulk_mib * MIB, is_output)
    ending = []
    try:
        if is_output:
            ending.append(Process(words, bench.machine.server, folder / "program", stdout=subprocess.PIPE))
            ending.append(Process(server, bench.machine.server, folder / "server", stdin=ending[0].child.stdout))
            ending[0].child.stdout.close()
        else:
            # An input at its end would keep it busy.
            ending.append(Process(server, bench.machine.server, folder / "server", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE))
            ending.append(Process(words, bench.machine.server, folder / "program", stdin=ending[0].child.stdout))
            ending[0].child.stdout.close()
        server = ending[1] if is_output else ending[0]
        # It takes one connection, which a try of ours would use up.
        server.wait_for(lambda: listens(port))
        return Transfer(bench, is_output, client, [], ending).run()
    finally:
        for process in ending:
            process.kill()


def through_socat(bench, _):
    """Output only."""
    socat, port = installed("socat"), free_port()
    server = Process(
        [socat, "-u", "-b16384", f"EXEC:{' '.join(program(bench.plan.bulk_mib * MIB, True))}",
         f"OPENSSL-LISTEN:{port},bind=127.0.0.1,cert={bench.certs}/server.pem,key={bench.certs}/server.key,verify=0"],
        bench.machine.server, bench.folder("socat") / "log")
    try:
        server.wait_for(lambda: listens(port))
        return Transfer(bench, True, [socat, "-u", "-b16384", f"OPENSSL:127.0.0.1:{port},cafile={bench.certs}/ca.pem,"
                                      "commonname=localhost", "STDOUT"], [], [server]).run()
    finally:
        server.kill()


def bulk(samples):
    bench = samples.bench
    ours = [(Reference.name, through_reference), ("parley run", through_parley)]
    if bench.options.before:
        ours.append(("parley run before", through_parley_before))
    for is_output, what in ((True, "output"), (False, "input")):
        strangers = [] if bench.options.before else [
            ("ssh", through_ssh), ("openssl s_server, s_client", through_openssl),
            *([("socat", through_socat)] if is_output else [])]
        names = [name for name, _ in (*ours, *strangers)]
        titles = [(f"{bench.plan.bulk_mib:,} MiB of {what}, {view}", unit, key) for view, unit, key in VIEWS]
        for title, unit, _ in titles:
            for name in names:
                bench.results.row(samples.figure, title, unit, name)
        turns = [*ours, *strangers]
        first = bench.round % len(turns)
        for name, move in (*turns[first:], *turns[:first]):
            is_ours = (name, move) in ours
            # Strangers' transfers take long, and their figures are nobody's goal.
            if is_ours or bench.round % 2 == 0:
                samples.take_all(titles, name, lambda move=move: move(bench, is_output), is_ours)
        for title, *_ in titles if bench.options.before else ():
            for name in names[1:]:
                samples.compare_beside(title, name, Reference.name)
    samples.compare(ours[-1][0] if bench.options.before else Reference.name)
