# SPDX-License-Identifier: Apache-2.0
"""Figures of whole processes: start-up, one command."""

import os
import select
import subprocess
import time

from load import Failed
from processes import PATIENCE, Process, Unavailable, installed
from servers import Parleyd, Reference


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
