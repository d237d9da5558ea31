# SPDX-License-Identifier: Apache-2.0
"""Figures of whole processes: bulk output, start-up, one command."""

import contextlib
import os
import select
import subprocess
import time

from load import Failed
from machine import Machine, which
from processes import PATIENCE, Process, Unavailable, free_port, processor
from servers import Parleyd, Reference, Remote

CHUNK = 1 << 18
STALL = 5.0
"""Seconds in which some bulk output must come."""


def bulk_parley(bench):
    server = bench.server(Remote)
    size = bench.plan.bulk_mib << 20
    client = [f"{bench.binaries}/parley", "run", "--certs", bench.certs,
              f"127.0.0.1:{server.port}", "--", "zeros", str(size)]
    return received(bench, client, size, [server.processes[0]])


def bulk_openssl(bench):
    """The server would take a line that begins with Q for a command, so zeros are sent. Without
    -nbio it may wait for the client to speak before it sends anything."""
    openssl = installed("openssl")
    size = bench.plan.bulk_mib << 20
    port = free_port()
    with producer(bench, size) as zeros, program(
            bench, [openssl, "s_server", "-quiet", "-nbio", "-accept", f"127.0.0.1:{port}",
                    "-naccept", "1", "-tls1_3", "-cert", f"{bench.certs}/server.pem", "-key",
                    f"{bench.certs}/server.key"], bench.machine.server,
            stdin=zeros.child.stdout) as server:
        # s_server takes one connection, which a try of ours would use up.
        server.wait_for(lambda: listens(port))
        client = [openssl, "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", "-CAfile",
                  f"{bench.certs}/ca.pem", "-verify_return_error", "-verify_hostname", "localhost"]
        return received(bench, client, size, [server, zeros], open_input=True)


def bulk_socat(bench):
    socat = installed("socat")
    size = bench.plan.bulk_mib << 20
    port = free_port()
    with program(
            bench, [socat, "-u", "-b16384", f"EXEC:head -c {size} /dev/zero",
                    f"OPENSSL-LISTEN:{port},bind=127.0.0.1,cert={bench.certs}/server.pem,"
                    f"key={bench.certs}/server.key,verify=0"], bench.machine.server) as server:
        server.wait_for(lambda: listens(port))
        client = [socat, "-u", "-b16384", f"OPENSSL:127.0.0.1:{port},cafile={bench.certs}/ca.pem,"
                  "commonname=localhost", "STDOUT"]
        return received(bench, client, size, [server])


def received(bench, command, size, servers, open_input=False):
    """MiB a second until the client has written all of it, and how busy others were."""
    before = sum(processor(pid) for server in servers for pid in server.pids) + Machine.own()
    busy, begun = Machine.busy(), time.monotonic()
    client = Process(command, bench.machine.load, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     stdin=subprocess.PIPE if open_input else subprocess.DEVNULL)
    try:
        count = 0
        output = client.child.stdout.fileno()
        while count < size:
            if not select.select([output], [], [], STALL)[0]:
                raise Failed(f"it stalled after {count:,} of {size:,} bytes")
            chunk = os.read(output, CHUNK)
            if not chunk:
                complaint = client.child.stderr.read().decode(errors="replace").strip()
                raise Failed(f"{count:,} of {size:,} bytes came: {complaint}")
            count += len(chunk)
        elapsed = time.monotonic() - begun
        used = sum(processor(pid) for server in servers for pid in server.pids) + processor(client.pid)
        used += Machine.own() - before
        foreign = max(0, Machine.busy() - busy - used) / elapsed / os.cpu_count()
        return size / elapsed / (1 << 20), {"foreign_percent": round(100 * foreign)}
    finally:
        client.kill()


def start_up(bench, kind):
    """The median of some starts, in milliseconds."""
    times = []
    for _ in range(bench.plan.starts):
        if kind in (Parleyd, Reference):
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


@contextlib.contextmanager
def program(bench, command, cores, **how):
    process = Process(command, cores, bench.folder("program") / "log", **how)
    try:
        yield process
    finally:
        process.kill()


@contextlib.contextmanager
def producer(bench, size):
    process = Process(["head", "-c", str(size), "/dev/zero"], bench.machine.server,
                      stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()


def listens(port):
    """Whether a socket listens there, without a connection."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                   for line in list(table)[1:])


def installed(name):
    path = which(name)
    if not path:
        raise Unavailable(f"{name} is not installed")
    return path

