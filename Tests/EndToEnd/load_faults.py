# SPDX-License-Identifier: Apache-2.0
"""What is done to a server under load, one function for each."""

import collections
import errno
import random
import selectors
import signal
import socket
import ssl
import time

from ground import LIMIT, until
from load_conversation import (
    READ, WRITE, asked, completed, connected, drive, end, quit_politely, session)
from load_crowd import ask
from load_hello import client_hello, mutated
from load_server import MIB
from strangers import reset

ALERT, HANDSHAKE = b"\x15", b"\x16"  # TLS record types
HANDSHAKE_DEADLINE = 10.0  # the server's default
FEW_FILES = 64  # descriptors of the server that runs out of them
UNREAD_CAP = 16 * MIB  # what a peer that never reads may send: more than socket buffers hold


def resets(point, server, scale):
    """Connections that are opened and reset without a byte."""

    def come_and_go(number):
        reset((yield from connected(server, number)))

    begun = time.monotonic()
    point.all_went(drive(map(come_and_go, range(scale.silent)), window=200), "not connected")
    point.say(f"{scale.silent} connections reset in {time.monotonic() - begun:.2f} s")


def trickle(point, server, scale):
    """A ClientHello at a byte a second by many peers, while others are served."""

    def over(operation, argument):
        try:
            return operation(argument) == b""
        except ConnectionError:
            return True

    hello, begun, ends, latencies, sent = client_hello(server), time.monotonic(), [], [], 0
    late = max(2, server.patience)
    peers = (connected(server, number) for number in range(scale.tricklers))
    peers = set(point.all_went(drive(peers, window=scale.tricklers), "not connected"))
    with selectors.DefaultSelector() as selector:
        for sock in peers:
            selector.register(sock, READ)
        while peers and time.monotonic() < begun + HANDSHAKE_DEADLINE + late:
            due = time.monotonic() > begun + sent
            for sock in peers if due else ():
                over(sock.send, hello[sent:sent + 1])  # its end is seen below
            sent += due
            latencies.append(ask(point, server))
            for key, _ in selector.select(0.05):
                if over(key.fileobj.recv, 1024):
                    ends.append(time.monotonic() - begun)
                    selector.unregister(key.fileobj)
                    peers.remove(key.fileobj)
                    key.fileobj.close()
    for sock in peers:
        sock.close()
    first, last = min(ends, default=0), max(ends, default=0)
    point.say(f"{len(ends)} of {scale.tricklers} peers ended after {first:.1f} to {last:.1f} s; "
              f"{len(latencies)} others meanwhile, the slowest answered in "
              f"{max(latencies, default=0) * 1000:.0f} ms")
    point.need(not peers and last < HANDSHAKE_DEADLINE + late, "not ended by the handshake deadline")


def hellos(point, server, scale):
    """Random and mutated ClientHellos; the server ends each once the peer has no more to say."""

    def thrown(data):
        begun, rest, answer = time.monotonic(), data, b""
        with (yield from connected(server)) as sock:
            try:
                while rest:
                    yield sock, WRITE
                    rest = rest[sock.send(rest):]
                sock.shutdown(socket.SHUT_WR)
                yield sock, READ
                while more := sock.recv(65536):
                    answer += more
                    yield sock, READ
            except ConnectionError:
                pass  # a reset is an end too
        return time.monotonic() - begun, answer, data

    dice, hello = random.Random(scale.seed), client_hello(server)
    good = point.all_went(drive([thrown(hello)]), "good hellos not ended by the server")
    point.need([answer[:1] for _, answer, _ in good] == [HANDSHAKE], "a good hello: no ServerHello")
    results = drive((thrown(mutated(hello, dice)) for _ in range(scale.hellos)), window=16)
    results = point.all_went(results, "not ended by the server")
    kinds = collections.Counter(answer[:1] for _, answer, _ in results)
    slowest, _, kept = max(results, default=(0, b"", b""))
    point.say(f"{len(results)} with --seed {scale.seed}: {kinds[HANDSHAKE]} got a ServerHello, "
              f"{kinds[ALERT]} an alert, {kinds[b'']} an end only, slowest {slowest * 1000:.0f} ms")
    point.need(slowest < HANDSHAKE_DEADLINE / 2, f"kept beyond its end: {kept[:300].hex()}")
    for _, answer, data in results:
        point.need(answer[:1] in (b"", ALERT, HANDSHAKE),
                   f"{answer[:9].hex()} is no answer to {data[:300].hex()}")


def rude(point, server, scale):
    """Sessions one after the other, half of them ended without a word."""

    def visit(number):
        with (yield from session(server, number)) as tls:
            yield from asked(tls)
            if number % 4 == 0:
                yield from quit_politely(tls)
            elif number % 4 == 1:
                end(tls)
            elif number % 4 == 2:
                reset(tls)

    begun = time.monotonic()
    point.all_went(drive(map(visit, range(scale.rude)), window=1), "failed")
    each = (time.monotonic() - begun) / scale.rude
    point.say(f"{scale.rude} sessions one by one in {each * 1000:.1f} ms each, a quarter each "
              "ended with quit, close_notify, RST, FIN")


def unread(point, server, scale):
    """Peers that send without end and never read; then one reads on, and nothing is lost."""
    peers = drive(session(server, number, receive_buffer=4096) for number in range(scale.unread))
    sent = dict.fromkeys(point.all_went(peers, "without a session"), 0)
    with selectors.DefaultSelector() as selector:
        for tls in sent:
            selector.register(tls, WRITE)
        progress, end_by, slept = time.monotonic(), time.monotonic() + LIMIT, 0
        # A server that waits for a core has not held anybody back. One that sleeps has had its turn, though it
        # wakes now and then to see whether its peers read.
        while (time.monotonic() < progress + 1 or slept < 3) and time.monotonic() < end_by \
                and max(sent.values()) * 27 < UNREAD_CAP:
            for key, _ in selector.select(0.1):
                try:
                    for _ in range(1000):
                        key.fileobj.send(b"Hello")  # a record of 27 bytes; the reply's has 32
                        sent[key.fileobj] += 1
                        progress, slept = time.monotonic(), 0
                except ssl.SSLWantWriteError:
                    pass
            slept += server.is_asleep
    point.need(time.monotonic() < end_by, f"not held back within {LIMIT:.0f} s")
    held, latency = server.resident, ask(point, server)
    least, most = min(sent.values()) * 27 / MIB, max(sent.values()) * 27 / MIB
    point.say(f"{len(sent)} peers held back after {least:.1f} to {most:.1f} MiB each, server then "
              f"at {held / MIB:.1f} MiB, another peer answered in {latency * 1000:.0f} ms")
    point.need(most < UNREAD_CAP / MIB, "the server's receive window does not close")
    point.need(server.has_given_back(held), "the server's memory grew with it")

    def read_on(tls, owed):
        blocked, replies = True, 0
        while replies < owed:
            try:
                if blocked:
                    tls.send(b"Hello")  # the record that was held back half-sent
                    blocked, owed = False, owed + 1
            except ssl.SSLWantWriteError:
                pass
            if (yield from completed(tls, tls.recv, 1024)) != b"Greetings!":
                raise OSError(errno.EPROTO, f"reply {replies} of {owed} is a different one")
            replies += 1
        return replies

    replies = point.all_went(drive([read_on(*next(iter(sent.items())))]), "could not read on")
    point.say(f"one read on, {sum(replies)} replies")
    for tls in sent:
        tls.close()


def exhaustion(point, server, scale):
    """More connections than the server has descriptors; then they go."""
    held = drive(session(server, number) for number in range(8))
    held, count = point.all_went(held, "without a session"), 2 * FEW_FILES
    # Those that the backlog has no room for don't connect, and that's as good.
    silent = drive((connected(server, number) for number in range(count)), count, seconds=3)
    files = until(lambda: server.descriptors, lambda value: value > FEW_FILES - 8)
    until(lambda: server.is_asleep)
    before = server.processor
    time.sleep(0.5)  # a measurement: a server without descriptors must wait, not spin
    busy = (server.processor - before) / 0.5
    answers = drive((asked(tls) for tls in held), seconds=server.patience)
    answers = point.all_went(answers, "open sessions not answered")
    for sock in silent:
        if not isinstance(sock, OSError):
            sock.close()
    latency = ask(point, server)
    point.say(f"{files} of {FEW_FILES} descriptors in use for {len(held) + count} connections, "
              f"{busy:.0%} of a core busy, {len(answers)} open sessions answered; without them a "
              f"new one answered in {latency * 1000:.0f} ms")
    point.need(files > FEW_FILES - 8, "the descriptors did not run out")
    point.need(busy < 0.25, "it spins")
    for tls in held:
        end(tls)


def stop(point, server, scale):
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    status = until(lambda: server.status, lambda status: status is not None, 12)
    if status is None:
        point.need(False, "still running 12 s after SIGTERM")
    else:
        point.say(f"status {status} in {time.monotonic() - begun:.2f} s")
        point.need(status == 0, "not a clean end")
