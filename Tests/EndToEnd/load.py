# SPDX-License-Identifier: Apache-2.0
"""Puts `parleyd command` under load and faults on the loopback; prints a line for each point."""

import argparse
import collections
import errno
import os
import pathlib
import queue
import random
import resource
import selectors
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ALERT, HANDSHAKE = b"\x15", b"\x16"  # TLS record types
MIB = 1 << 20
ANSWERED = 1.0  # seconds within which a well-behaved client must have its reply
HANDSHAKE_DEADLINE = 10.0  # the server's default
SETTLED = 10.0  # seconds until descriptors and memory must be back: twice the close deadline
WARM_ROUNDS = 1
SESSION_KIB = 24  # resident memory that an idle session may cost, where there are 5,000 or more
FEW_FILES = 64  # descriptors of the server that runs out of them
UNREAD_CAP = 16 * MIB  # what a peer that never reads may send: more than socket buffers hold
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER
IP_BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen at connect, so that ports can't run out


class Point:
    """One line of the output: figures, and what is wrong with them."""

    def __init__(self, name):
        self.name, self.figures, self.wrong = name, [], []

    def say(self, figure):
        self.figures.append(figure)

    def need(self, condition, complaint):
        if not condition:
            self.wrong.append(complaint)

    def all_went(self, results, what):
        """The results that are no errors."""
        failed = [result for result in results if isinstance(result, OSError)]
        self.need(not failed, f"{len(failed)} of {len(results)} {what}, the first: {failed[:1]}")
        return [result for result in results if not isinstance(result, OSError)]

    def show(self):
        verdict = "FAIL" if self.wrong else "ok  "
        wrong = "".join(f"\n       {self.name}: {complaint}" for complaint in self.wrong)
        print(f"{verdict}   {self.name}: {'; '.join(self.figures)}{wrong}", flush=True)
        return not self.wrong


class Server:
    """A `parleyd command` on a port of the kernel's choice, and what /proc says about it."""

    def __init__(self, options, files, threads):
        # AddressSanitizer keeps what is freed: memory is shown then, and not judged.
        self.is_sanitized = b"__asan_init" in pathlib.Path(options.bin, "parleyd").read_bytes()
        command = [f"{options.bin}/parleyd", "command", "--port", "0", "--quiet"]
        command += ["--certs", options.certs, *(["--threads", str(threads)] if threads else [])]
        self.trust = ssl.create_default_context(cafile=f"{options.certs}/ca.pem")
        # Else Python takes an end without close_notify for a clean one.
        self.trust.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        self.last_words = collections.deque(maxlen=8)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, files))
        self.ports = queue.Queue()
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        for line in self.process.stderr:
            self.last_words.append(line.rstrip())
            if "listening on" in line:
                self.ports.put(int(line.split()[3].rsplit(":", 1)[1]))
        self.ports.put(None)

    def wait_until_ready(self):
        try:
            port = self.ports.get(timeout=10)
        except queue.Empty:
            port = None
        if not port:
            sys.exit(f"load: the server does not get ready: {' '.join(self.last_words)}")
        self.address = ("127.0.0.1", port)
        self.cold_memory, self.base_files, self.base_memory = self.memory(), self.files(), 0

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))

    def has_given_back(self, memory):
        """Within 10 % of what the warm-up left."""
        return memory <= 1.1 * self.base_memory or self.is_sanitized

    def processor(self):
        """CPU seconds used so far."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


# Conversations are generators that yield (socket, events) where they would block.


def connected(server, number=0, receive_buffer=None):
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    # Else what a client says after its Finished waits 40 ms for the server's delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((f"127.0.1.{1 + number % 16}", 0))
    sock.connect_ex(server.address)
    yield sock, WRITE
    refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if refused:
        raise OSError(refused, os.strerror(refused))
    return sock


def session(server, number=0, receive_buffer=None):
    sock = yield from connected(server, number, receive_buffer)
    tls = server.trust.wrap_socket(sock, server_hostname="localhost",
                                   do_handshake_on_connect=False, suppress_ragged_eofs=False)
    yield from completed(tls, tls.do_handshake)
    return tls


def completed(sock, operation, *arguments):
    while True:
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            yield sock, READ
        except ssl.SSLWantWriteError:
            yield sock, WRITE


def asked(tls, message=b"Hello", reply=b"Greetings!"):
    yield from completed(tls, tls.send, message)
    answer = yield from completed(tls, tls.recv, 1024)
    if answer != reply:
        raise OSError(errno.EPROTO, f"{message!r} was answered {answer!r}")


def quit_politely(tls):
    yield from asked(tls, b"quit", b"Closing down")
    if (yield from completed(tls, tls.recv, 1)):  # an end without close_notify raises
        raise OSError(errno.EPROTO, "the server goes on after its last reply")
    end(tls)


def end(tls):
    try:
        tls.unwrap()  # sends close_notify; would block for the server's, which nobody waits for
    except OSError:
        pass
    tls.close()


def drive(jobs, window=64, seconds=60.0):
    """What each conversation returned, or the OSError that ended it, `window` of them at once."""
    results, running, waiting = [], set(), collections.deque(jobs)
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:

        def advance(job):
            running.discard(job)
            try:
                selector.register(*next(job), job)
                running.add(job)
            except StopIteration as returned:
                results.append(returned.value)
            except OSError as error:
                results.append(error.with_traceback(None))  # its frames would hold a descriptor

        while (waiting or running) and time.monotonic() < until:
            while waiting and len(running) < window:
                advance(waiting.popleft())
            for key, _ in selector.select(0.1) if running else ():
                selector.unregister(key.fileobj)
                advance(key.data)
        for job in [*running, *waiting]:
            job.close()
            results.append(TimeoutError(errno.ETIMEDOUT, f"not done after {seconds:.0f} s"))
    return results


def eventually(measure, good, seconds=SETTLED):
    """Measures until it is good or the time is over; returns the last measurement."""
    until = time.monotonic() + seconds
    while not good(value := measure()) and time.monotonic() < until:
        time.sleep(0.01)
    return value


def ask(point, server):
    """The seconds until a new, verifying, well-behaved client has its reply."""

    def visit():
        with (yield from session(server)) as tls:
            yield from asked(tls, b"Are you there?", b"Yes, I am here!")
            took = time.monotonic() - begun
            yield from quit_politely(tls)
        return took

    begun = time.monotonic()
    took = drive([visit()], seconds=2 * ANSWERED)[0]
    good = not isinstance(took, OSError) and took <= ANSWERED
    point.need(good, f"a well-behaved client had no reply within 1 s: {took}")
    return took if good else time.monotonic() - begun


def settle(point, server):
    """After each fault: the server is prompt, and uses what it used before."""
    latency = ask(point, server)
    files = eventually(server.files, lambda value: value <= server.base_files)
    memory = eventually(server.memory, server.has_given_back)
    point.say(f"then a reply in {latency * 1000:.0f} ms, {files} descriptors (before: "
              f"{server.base_files}), {memory / MIB:.1f} MiB ({server.base_memory / MIB:.1f})")
    point.need(files <= server.base_files, "descriptors are not back")
    point.need(server.has_given_back(memory), "resident memory is not back within 10 %")


# The faults.


def sessions(point, server, scale):
    """Many sessions open at once, idle, then each asked again."""
    begun = time.monotonic()
    opened = drive((session(server, number) for number in range(scale.sessions)), seconds=240)
    took = time.monotonic() - begun
    opened = point.all_went(opened, "not opened")
    files = eventually(server.files, lambda value: value >= len(opened), 1)
    each = (server.memory() - server.cold_memory) / max(len(opened), 1) / 1024
    begun = time.monotonic()
    point.all_went(drive(asked(tls) for tls in opened), "not answered")
    point.say(f"{len(opened)} open at once in {took:.1f} s, {each:.1f} KiB each; "
              f"all asked again in {time.monotonic() - begun:.1f} s")
    point.need(files >= len(opened), f"{files} descriptors can't be {len(opened)} sessions")
    point.need(len(opened) < 5000 or each <= SESSION_KIB or server.is_sanitized,
               f"over {SESSION_KIB} KiB a session")
    for tls in opened:
        end(tls)


def warm_up(point, server, scale):
    """Fills memory pools as often as needed; notes what the server must come back to.

    Each loop has a pool of its own, and which one takes a connection is chance.
    """
    sessions(point, server, scale)
    for _ in range(WARM_ROUNDS):
        eventually(server.files, lambda value: value <= server.base_files)
        silent = (connected(server, number) for number in range(scale.silent))
        silent = point.all_went(drive(silent, window=scale.silent), "not connected")
        eventually(server.files, lambda value: value >= len(silent) + server.base_files, 1)
        for sock in silent:
            sock.close()
        ask(point, server)
        files = eventually(server.files, lambda value: value <= server.base_files)
        server.base_memory = max(server.base_memory, settled(server))
    point.say(f"{WARM_ROUNDS} times {scale.silent} silent ones; then {files} descriptors "
              f"({server.base_files} at first), at most {server.base_memory / MIB:.1f} MiB")
    server.base_files = files


def settled(server):
    """Memory once it has not fallen for two seconds: the server gives it back after a while."""
    lowest, since = server.memory(), time.monotonic()
    while time.monotonic() < since + 2:
        time.sleep(0.1)
        memory = server.memory()
        if memory < lowest:
            lowest, since = memory, time.monotonic()
    return lowest


def resets(point, server, scale):
    """Connections that are opened and reset without a byte."""

    def reset(number):
        with (yield from connected(server, number)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    begun = time.monotonic()
    point.all_went(drive(map(reset, range(scale.silent)), window=200), "not connected")
    point.say(f"{scale.silent} connections reset in {time.monotonic() - begun:.2f} s")


def trickle(point, server, scale):
    """A ClientHello at a byte a second by many peers, while others are served."""

    def over(operation, argument):
        try:
            return operation(argument) == b""
        except ConnectionError:
            return True

    hello, begun, ends, latencies, sent = client_hello(server), time.monotonic(), [], [], 0
    peers = (connected(server, number) for number in range(scale.tricklers))
    peers = set(point.all_went(drive(peers, window=scale.tricklers), "not connected"))
    with selectors.DefaultSelector() as selector:
        for sock in peers:
            selector.register(sock, READ)
        while peers and time.monotonic() < begun + 1.5 * HANDSHAKE_DEADLINE:
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
    point.need(not peers and last < HANDSHAKE_DEADLINE + 2, "not ended by the handshake deadline")


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


def client_hello(server):
    outgoing = ssl.MemoryBIO()
    try:
        server.trust.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def mutated(hello, dice):
    data, at, kind = bytearray(hello), dice.randrange(len(hello)), dice.randrange(8)

    def noise(most):
        return bytes(dice.randrange(256) for _ in range(dice.randrange(most)))

    if kind == 0:  # other bytes
        for _ in range(dice.choice((1, 2, 8, 64))):
            data[dice.randrange(len(data))] = dice.randrange(256)
    elif kind == 1:  # another length: of the record, message, session ID, or whatever stands there
        start, size = dice.choice(((3, 2), (6, 3), (43, 1), (at, 2)))
        value = dice.choice((0, 1, 256 ** size - 1))
        data[start:start + size] = value.to_bytes(size, "big")
    elif kind == 2:  # cut short
        del data[at:]
    elif kind == 3:  # something taken out, something put in
        data[at:at + dice.randrange(40)] = noise(40)
    elif kind == 4:  # its end over and over
        data += data[at:] * dice.randrange(1, 100)
    elif kind == 5:  # in records of few bytes, or of none
        size = dice.randrange(9)
        starts = range(5, len(data), size) if size else [len(data)] * 1000
        parts = [data[start:start + size] for start in starts]
        data = b"".join(data[:3] + struct.pack(">H", len(part)) + part for part in parts)
    elif kind == 6:  # another type and version of record
        data[:3] = bytes((dice.randrange(19, 26), 3, dice.randrange(5)))
    else:  # no ClientHello at all
        start = dice.choice((b"", b"GET / HTTP/1.1\r\n\r\n", b"Hello", b"\x80\x2e\x01"))
        data = start + noise(600)
    return bytes(data)


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
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

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
        progress = time.monotonic()
        while time.monotonic() < progress + 1 and max(sent.values()) * 27 < UNREAD_CAP:
            for key, _ in selector.select(0.1):
                try:
                    for _ in range(1000):
                        key.fileobj.send(b"Hello")  # a record of 27 bytes; the reply's has 32
                        sent[key.fileobj] += 1
                        progress = time.monotonic()
                except ssl.SSLWantWriteError:
                    pass
    held, latency = server.memory(), ask(point, server)
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
    files = eventually(server.files, lambda value: value >= FEW_FILES, 2)
    before = server.processor()
    time.sleep(0.5)  # a measurement: a server without descriptors must wait, not spin
    busy = (server.processor() - before) / 0.5
    answers = drive((asked(tls) for tls in held), seconds=ANSWERED)
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
    server.process.terminate()
    try:
        status = server.process.wait(12)
        point.say(f"status {status} in {time.monotonic() - begun:.2f} s")
        point.need(status == 0, "not a clean end")
    except subprocess.TimeoutExpired:
        point.need(False, "still running 12 s after SIGTERM")


FAULTS = {fault.__name__: fault
          for fault in (sessions, resets, trickle, hellos, rude, unread, exhaustion)}
ALONE = ("unread", "exhaustion")  # on a small server of its own, where growth shows


def main(arguments=None):
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--bin", help="folder with parleyd (default: PARLEY_BIN, or release build)",
                        default=os.environ.get("PARLEY_BIN") or root / ".build" / "release")
    parser.add_argument("--certs", required=True, help="folder made by scripts/generate-certs")
    parser.add_argument("--sessions", type=int, metavar="N",
                        help="at once (default: the server's limit, 10000; 500 with --short)")
    parser.add_argument("--short", action="store_true", help="smaller numbers, under 30 s")
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME",
                        help=f"only this fault, may be repeated: {', '.join(FAULTS)}")
    parser.add_argument("--threads", type=int, metavar="N", help="the server's event loops")
    parser.add_argument("--seed", type=int, metavar="N", help="makes the same random hellos again",
                        default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    if not os.access(f"{options.bin}/parleyd", os.X_OK):
        parser.error(f"there is no parleyd in {options.bin}")
    scale = argparse.Namespace(sessions=10000, silent=2000, tricklers=200, hellos=1000, rude=1000)
    if options.short:
        scale = argparse.Namespace(sessions=500, silent=200, tricklers=20, hellos=200, rude=200)
    scale.sessions, scale.seed = options.sessions or scale.sessions, options.seed
    small = argparse.Namespace(sessions=32, silent=48, unread=3 if options.short else 8)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    for what in "sessions", "silent":
        wanted, room = getattr(scale, what), files - 100
        if wanted > room:
            print(f"note   only {room} of {wanted} {what} at once: `ulimit -Hn` is {hard}")
            setattr(scale, what, room)

    def run(names, scale, files=(min(1024, files), hard), threads=options.threads):
        """The faults in turn on one server, by default with a login's limits; are all well?"""
        good = True
        with Server(options, files, threads) as server:
            server.wait_until_ready()
            for name in ["warm-up", *names, "SIGTERM"]:
                point = Point(name)
                try:
                    {"warm-up": warm_up, **FAULTS, "SIGTERM": stop}[name](point, server, scale)
                    if name in FAULTS:
                        settle(point, server)
                except Exception as failure:  # of what it was before the server ended, or of load
                    point.need(False, f"{type(failure).__name__}: {failure}")
                gone = server.process.poll() is not None
                point.need(name == "SIGTERM" or not gone,
                           f"the server ended with {server.process.returncode}")
                if point.wrong:
                    point.wrong += [f"last words: {line}" for line in server.last_words]
                good = point.show() and good
                if gone:
                    break
        return good

    names = [name for name in FAULTS if name in (options.only or FAULTS)]
    together = [name for name in names if name not in ALONE]
    good = []
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120 if options.short else 900)
    try:
        if together:
            good.append(run(together, scale))
        if "unread" in names:
            good.append(run(["unread"], small))
        if "exhaustion" in names:  # with few loops, since each has descriptors of its own
            loops = min(options.threads or 2, 2)
            good.append(run(["exhaustion"], small, (FEW_FILES, FEW_FILES), loops))
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return 0 if all(good) else 1


def give_up(number, _):
    sys.exit(f"load: ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, give_up)
    sys.exit(main())
