# SPDX-License-Identifier: Apache-2.0
"""One attacker of a siege, in a process of its own: `attacks.py KIND PORT AUTHORITY [CERTIFICATE]` attacks until
SIGTERM, and then says as JSON what it did and the CPU seconds that it took. Its addresses are of 127.0.0.0/8."""

import errno
import json
import os
import pathlib
import select
import signal
import socket
import ssl
import struct
import sys
import time
from collections import Counter

import strangers
from parley1 import ALPN, PING, REFUSAL, frame, run
from remote import Ended, Session
from process import Owner
from strangers import client_context

SILENT = 10_000
"""Connections that are held at once."""
RATE = 2_000
"""Connections a second that the silent ones make: the loopback's machine has others to serve."""
GREEDY_RATE = 100
"""Sessions a second that who wants all of them tries to open."""
BREAK = struct.pack("ii", 1, 0)


class Over(Exception):
    """The siege is over."""


class Pace:
    """At most so many a second."""

    def __init__(self, rate):
        self.rate, self.began, self.taken = rate, time.monotonic(), 0

    def take(self):
        if self.taken >= (time.monotonic() - self.began) * self.rate:
            return False
        self.taken += 1
        return True


class Crowd:
    """Connections of strangers, each from the address that `address(number)` names."""

    def __init__(self, port, counts, address, most, rate):
        self.port, self.counts, self.address = port, counts, address
        self.most, self.pace, self.number = most, Pace(rate), 0
        self.poll, self.sockets = select.epoll(), {}

    def fill(self):
        while len(self.sockets) < self.most and self.pace.take():
            self.number += 1
            sock = socket.socket()
            sock.setblocking(False)
            try:
                sock.bind((self.address(self.number), 0))
                error = sock.connect_ex(("127.0.0.1", self.port))
            except OSError as failure:
                error = failure.errno
            if error not in (0, errno.EINPROGRESS):
                self.counts[errno.errorcode.get(error, str(error))] += 1
                sock.close()
                return
            self.counts["connections"] += 1
            self.sockets[sock.fileno()] = sock
            self.connecting(sock)

    def connecting(self, sock):
        self.poll.register(sock, select.EPOLLIN | select.EPOLLRDHUP)

    def turn(self):
        self.fill()
        for number, events in self.poll.poll(0.02):
            self.ready(self.sockets[number], events)
        self.counts["most at once"] = max(self.counts["most at once"], len(self.sockets))

    def ready(self, sock, events):
        """The server says something to one who is silent: it is over."""
        self.counts["turned away"] += 1
        self.drop(sock)

    def drop(self, sock):
        del self.sockets[sock.fileno()]
        sock.close()


class Hellos(Crowd):
    """Sends a hello that was recorded once, and leaves when it is answered."""

    def __init__(self, port, counts, address, most, rate):
        super().__init__(port, counts, address, most, rate)
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = client_context().wrap_bio(coming, going, server_hostname="localhost")
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello = going.read()

    def connecting(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, BREAK)
        self.poll.register(sock, select.EPOLLOUT | select.EPOLLRDHUP)

    def ready(self, sock, events):
        try:
            if events & select.EPOLLOUT and not events & select.EPOLLHUP:
                sock.send(self.hello)
                return self.poll.modify(sock, select.EPOLLIN | select.EPOLLRDHUP)
            answered = events & select.EPOLLIN and sock.recv(1)
        except OSError:
            answered = False
        self.counts["answered" if answered else "turned away"] += 1
        self.drop(sock)


def one_address(_):
    return "127.0.0.2"


def every_address(number):
    return f"127.{16 + number % SILENT // 2500}.{number % 2500 // 250}.{number % 250 + 1}"


def silent(port, counts, address):
    crowd = Crowd(port, counts, address, SILENT, RATE)
    while True:
        crowd.turn()


def hellos(port, counts, _):
    crowd = Hellos(port, counts, lambda number: f"127.0.1.{number % 8 + 1}", 64, 1_000_000)
    while True:
        crowd.turn()


class Greedy:
    """Wants every session that there is, and keeps it by pings."""

    def __init__(self, port, counts, certificate):
        self.port, self.counts, self.certificate = port, counts, certificate
        self.held, self.pace = [], Pace(GREEDY_RATE)

    def go(self):
        context = client_context(self.certificate)
        context.set_alpn_protocols([ALPN])
        pinged = time.monotonic()
        while True:
            if len(self.held) < SILENT and self.pace.take():
                self.open(context)
            else:
                time.sleep(0.005)
            if time.monotonic() > pinged + 2:
                pinged = time.monotonic()
                self.held = [stream for stream in self.held if self.ping(stream)]

    def open(self, context):
        try:
            raw = socket.create_connection(("127.0.0.1", self.port), 10, ("127.0.0.4", 0))
            stream = context.wrap_socket(raw, server_hostname="localhost")
            stream.settimeout(0)
        except OSError:
            self.counts["turned away"] += 1
            return
        self.counts["sessions"] += 1
        self.held.append(stream)
        self.counts["most at once"] = max(self.counts["most at once"], len(self.held))

    def ping(self, stream):
        try:
            stream.send(frame(PING))
            while stream.recv(65_536):
                pass
        except ssl.SSLWantReadError:
            return True
        except OSError:
            pass
        self.counts["ended by the server"] += 1
        stream.close()
        return False


def asking(port, counts, certificate, request, ahead):
    """Asks for what is refused, so many ahead, as fast as the server answers."""
    while True:
        with Owner() as owner:
            try:
                session = Session(owner, port, certificate)
                counts["sessions"] += 1
                while True:
                    session.stream.sendall(request * ahead)
                    for _ in range(ahead):
                        kind, _ = session.receive()
                        counts["refusals" if kind == REFUSAL else "others"] += 1
            except (OSError, Ended):
                counts["ended by the server"] += 1
                time.sleep(0.05)


def filler(port, counts, certificate):
    """Refusals that would be long in the trail."""
    asking(port, counts, certificate, run("nothing", *["x" * 500] * 60), 4)


def dearest(port, counts, certificate):
    """Refusals that cost most to find out: the table's pattern is of the worst kind."""
    asking(port, counts, certificate, run("dear", *["a" * 900 + "b"] * 31, "a" * 900), 4)


ATTACKS = {
    "silent-one": lambda port, counts, _: silent(port, counts, one_address),
    "silent-many": lambda port, counts, _: silent(port, counts, every_address),
    "hellos": hellos,
    "greedy": lambda port, counts, certificate: Greedy(port, counts, certificate).go(),
    "filler": filler,
    "dearest": dearest,
}
IDENTITIES = ("greedy", "filler", "dearest")
"""Those that have a certificate."""


def main():
    def end(*_):
        raise Over

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    counts = Counter()
    kind, port, authority, *certificate = sys.argv[1:]
    # The siege's, and not one that this process would make for itself.
    strangers.good = lambda: pathlib.Path(authority)
    try:
        # What they take of the machine must not decide how good clients fare.
        os.nice(10)
        ATTACKS[kind](int(port), counts, *certificate or [None])
    except Over:
        pass
    print(json.dumps({"cpu": time.process_time(), **counts}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
