# SPDX-License-Identifier: Apache-2.0
"""One attacker, in a process of its own: `attacks.py KIND SCALE PORT AUTHORITY [CERTIFICATE]` attacks until
SIGTERM, says `begun` when it has got anywhere, and at its end as JSON what it did and the CPU seconds that it took. Its addresses are of 127.0.0.0/8."""

import collections
import dataclasses
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

import strangers
from parley1 import ALPN, PING, REFUSAL, frame, run
from remote import Ended, Session
from process import Owner
from strangers import client_context

BREAK = struct.pack("ii", 1, 0)


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much of each attack there is; rates are by the second."""

    silent: int
    """Connections that are held at once."""
    silent_rate: int
    """Connections that the silent ones make: the loopback's machine has others to serve."""
    hellos: int
    """Hellos that wait for their answers."""
    hello_rate: int
    sessions: int
    """Those that one client wants."""
    session_rate: int
    greed: str
    """What that client has when it has got anywhere: a session, or, where that does not take long, a refusal."""
    request_rate: int
    """What is asked for that is refused."""
    is_idle: bool
    """Whether they run in the machine's idle time only: as many as there can be must not decide how good clients fare, and
    real ones are on machines of their own. Few would get nowhere on a busy machine."""


SCALES = {
    "siege": Scale(silent=10_000, silent_rate=2_000, hellos=64, hello_rate=1_000_000,
                   sessions=10_000, session_rate=100, greed="sessions",
                   request_rate=1_000_000, is_idle=True),
    # Beside good clients, each of whose answers is looked at, and faults.
    "soak": Scale(silent=24, silent_rate=60, hellos=8, hello_rate=100, sessions=60, session_rate=30,
                  greed="refusals", request_rate=800, is_idle=False),
}


class Over(Exception):
    """The siege is over."""


class Counts(collections.Counter):
    """What an attacker has done; says so the first time that it is `deed`."""

    def __init__(self, deed):
        super().__init__()
        self.deed = deed

    def __setitem__(self, what, count):
        super().__setitem__(what, count)
        if what == self.deed and count == 1:
            print("begun", flush=True)


class Pace:
    """At most that many per second."""

    def __init__(self, rate):
        self.rate, self.began, self.taken = rate, time.monotonic(), 0

    def take(self):
        if self.taken >= (time.monotonic() - self.began) * self.rate:
            return False
        self.taken += 1
        return True

    def wait(self):
        while not self.take():
            time.sleep(0.002)


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
    return f"127.{16 + number % 10_000 // 2500}.{number % 2500 // 250}.{number % 250 + 1}"


def silent(port, counts, scale, address):
    crowd = Crowd(port, counts, address, scale.silent, scale.silent_rate)
    while True:
        crowd.turn()


def hellos(port, counts, scale, _):
    crowd = Hellos(port, counts, lambda number: f"127.0.1.{number % 8 + 1}", scale.hellos, scale.hello_rate)
    while True:
        crowd.turn()


class Greedy:
    """Wants every session that there is, and keeps it by pings."""

    def __init__(self, port, counts, scale, certificate):
        self.port, self.counts, self.certificate = port, counts, certificate
        self.held, self.most, self.pace = [], scale.sessions, Pace(scale.session_rate)

    def go(self):
        context = client_context(self.certificate)
        context.set_alpn_protocols([ALPN])
        pinged = time.monotonic()
        while True:
            if len(self.held) < self.most and self.pace.take():
                self.open(context)
            else:
                time.sleep(0.005)
            # Soon told of a refusal; thousands take their time.
            if time.monotonic() > pinged + (0.3 if len(self.held) < 100 else 2):
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
            # Of a session that was refused, the refusal is the first frame; ours may fail already.
            if stream.recv(65_536)[:1] == bytes([REFUSAL]):
                self.counts["refusals"] += 1
        except OSError:
            pass
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


AHEAD = 4


def asking(port, counts, scale, certificate, address, request):
    """Asks for what is refused, `AHEAD` at a time, as fast as the server answers."""
    pace = Pace(scale.request_rate / AHEAD)
    while True:
        with Owner() as owner:
            try:
                session = Session(owner, port, certificate, address)
                counts["sessions"] += 1
                while True:
                    pace.wait()
                    session.stream.sendall(request * AHEAD)
                    for _ in range(AHEAD):
                        kind, _ = session.receive()
                        counts["refusals" if kind == REFUSAL else "others"] += 1
            except (OSError, Ended):
                counts["ended by the server"] += 1
                time.sleep(0.05)


def filler(port, counts, scale, certificate):
    """Refusals that would be long in the trail."""
    asking(port, counts, scale, certificate, "127.0.0.5", run("nothing", *["x" * 500] * 60))


def dearest(port, counts, scale, certificate):
    """Refusals that cost most to find out: the table's pattern is of the worst kind."""
    asking(port, counts, scale, certificate, "127.0.0.6",
           run("dear", *["a" * 900 + "b"] * (DEAR - 1), "a" * 900))


DEAR = 32
"""Arguments of the command that costs most to refuse."""
WORST = "(a?){1000}(a?){999}b"
"""A pattern that is alive in as many places as one may be."""
ATTACKS = {
    "silent-one": lambda port, counts, scale, _: silent(port, counts, scale, one_address),
    "silent-many": lambda port, counts, scale, _: silent(port, counts, scale, every_address),
    "hellos": hellos,
    "greedy": lambda *how: Greedy(*how).go(),
    "filler": filler,
    "dearest": dearest,
}
DEEDS = {"silent-one": "turned away", "silent-many": "connections", "hellos": "answered", "greedy": "sessions",
         "filler": "refusals", "dearest": "refusals"}
"""What each has got of the server when it has got anywhere."""
IDENTITIES = ("greedy", "filler", "dearest")
"""Those that have a certificate."""


def main():
    def end(*_):
        raise Over

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, scale, port, authority, *certificate = sys.argv[1:]
    counts = Counts(SCALES[scale].greed if kind == "greedy" else DEEDS[kind])
    # That of the server, and not one that this process would make for itself.
    strangers.good = lambda: pathlib.Path(authority)
    try:
        if SCALES[scale].is_idle:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        ATTACKS[kind](int(port), counts, SCALES[scale], *certificate or [None])
    except Over:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(json.dumps({"cpu": time.process_time(), **counts}), flush=True)


if __name__ == "__main__":
    main()
