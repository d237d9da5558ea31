# SPDX-License-Identifier: Apache-2.0
"""Broken clients: whatever a peer can do to a connection but use it."""

import os
import socket
import struct
import subprocess
import time

import strangers
from actor import Actor
from house import BAD_ADDRESS
from ledger import token
from parley1 import ALPN, CANCEL, INPUT, INPUT_END, PING, frame, run
from support import ELSEWHERE, PARLEY

PATIENCE = 5.0
TARGETS = ("remote", "remote", "plaintext command", "hello", "plaintext hello", "greeting",
           "plaintext greeting")
WITH_HANDSHAKE = ("remote", "hello", "greeting", "chat")
"""Chats have one operator, so only what ends before their operator's turn goes to them."""


class Vandal(Actor):
    """Nothing is expected of the server but that others don't notice."""

    identity = "mallory"

    def guarded(self, what, action):
        """A server may end such a connection at any time, or not take it in time."""
        def deed():
            try:
                action()
            except (ConnectionError, TimeoutError, OSError):
                pass
            if what != "end":
                self.ledger.did(what)
        super().guarded(what, deed)

    def connection(self, server):
        return socket.create_connection(
            ("127.0.0.1", self.house[server].port), PATIENCE, (BAD_ADDRESS, 0))

    def secured(self, raw, protocols=(ALPN,)):
        context = strangers.client_context(self.house.certificate(self.identity))
        context.set_alpn_protocols(list(protocols))
        return context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)

    def remote(self):
        return self.secured(self.connection("remote"))

    def linger(self, seconds):
        self.house.stopping.wait(seconds)

    # Actions

    def reset(self, dice):
        """A connection that is reset: at once, within a session, or while a program runs."""
        kind = dice.randrange(3)
        with (self.connection(dice.choice(TARGETS)) if kind == 0 else self.remote()) as stream:
            if kind == 2:
                stream.sendall(run("wait", token(dice)))
                stream.recv(4096)
            strangers.reset(stream)

    def half_open(self, dice):
        """Its own half is closed, and it stays; or it stays and does nothing more."""
        with self.connection(dice.choice(TARGETS)) as stream:
            if dice.random() < 0.5:
                stream.shutdown(socket.SHUT_WR)
            self.linger(dice.uniform(0.2, 1.5))

    def garbage(self, dice):
        with self.connection(dice.choice((*TARGETS, "chat"))) as stream:
            stream.sendall(dice.choice((b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00"))
                           + dice.randbytes(dice.randrange(1, 2_000)))
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65_536):
                pass

    def truncate(self, dice):
        """TLS that ends without its end: between two records, or within one."""
        raw = self.connection("remote")
        with self.secured(raw) as stream:
            name = token(dice)
            stream.sendall(run("echo", name) * dice.randint(1, 3) + run("wait", name))
            if dice.random() < 0.5:
                stream.recv(4096)
            number = os.dup(stream.fileno())
        with socket.socket(fileno=number) as bare:
            if dice.random() < 0.5:
                bare.sendall(b"\x17\x03\x03" + struct.pack(">H", 400) + dice.randbytes(90))
            bare.shutdown(socket.SHUT_WR)

    def mutate(self, dice):
        """Frames of an orderly session with something wrong in them."""
        name = token(dice)
        data = bytearray(
            run("reply-01") + run("cat", name) + frame(INPUT, dice.randbytes(50))
            + frame(INPUT_END) + frame(PING) + run("echo", name) + frame(CANCEL))
        kind = dice.randrange(4)
        if kind == 0:
            for _ in range(dice.choice((1, 2, 8))):
                data[dice.randrange(len(data))] = dice.randrange(256)
        elif kind == 1:
            del data[dice.randrange(len(data)):]
        elif kind == 2:
            at = dice.randrange(len(data))
            data[at:at] = dice.randbytes(dice.randrange(1, 60))
        else:
            data = bytearray(dice.randbytes(dice.randrange(1, 3_000)))
        with self.remote() as stream:
            stream.settimeout(0.3)
            stream.sendall(bytes(data))
            while stream.recv(65_536):
                pass

    def kill_caller(self, dice):
        """A `parley run` is killed while its program runs."""
        process = subprocess.Popen(
            [PARLEY, "run", *self.house.identity(self.identity),
             f"127.0.0.1:{self.house['remote'].port}", "--", dice.choice(("wait", "endless")), token(dice)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=ELSEWHERE, start_new_session=True)
        with process:
            try:
                process.stdout.read(8)
            finally:
                process.kill()

    def abandon_run(self, dice):
        """Runs that nobody waits for: the session ends politely while they run or wait."""
        with self.remote() as stream:
            stream.sendall(run("wait", token(dice)) + run("echo", token(dice)))
            if dice.random() < 0.7:
                stream.recv(4096)
            stream.settimeout(2)
            stream.unwrap()


class Laggard(Vandal):
    """Slow ones: they hold something of the server's for a while."""

    def trickle(self, dice):
        """A ClientHello, or a message, a byte at a time."""
        with self.connection(dice.choice((*WITH_HANDSHAKE, "plaintext command"))) as stream:
            until = time.monotonic() + dice.uniform(0.5, 1.5)
            data = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(600)
            for byte in data:
                stream.send(bytes([byte]))
                self.linger(0.02)
                if time.monotonic() > until:
                    break

    def silent(self, dice):
        """One in eight stays until the server has enough of it."""
        with self.connection(dice.choice((*WITH_HANDSHAKE, *TARGETS))) as stream:
            self.linger(dice.uniform(0.5, 2.0))
            if dice.randrange(8) == 0:
                stream.settimeout(20)
                stream.recv(1)

    def half_handshake(self, dice):
        """The ClientHello is sent, the answer is never taken."""
        context = strangers.client_context()
        with self.connection(dice.choice(WITH_HANDSHAKE)) as raw:
            raw.setblocking(False)
            with context.wrap_socket(raw, server_hostname="localhost",
                                     do_handshake_on_connect=False) as stream:
                try:
                    stream.do_handshake()
                except OSError:
                    self.linger(dice.uniform(0.5, 2.0))

    def never_read(self, dice):
        """An endless output that nobody takes, or replies to more messages than anybody reads."""
        with self.remote() as stream:
            stream.settimeout(dice.uniform(0.5, 2.0))
            if dice.random() < 0.5:
                stream.sendall(run("endless", token(dice)))
                self.linger(stream.gettimeout())
            else:
                while not self.house.stopping.is_set():
                    stream.sendall(run("help") * 200)

    def slow_reader(self, dice):
        """An endless output a few bytes at a time."""
        with self.remote() as stream:
            stream.sendall(run("endless", token(dice)))
            until = time.monotonic() + dice.uniform(0.5, 2.0)
            while time.monotonic() < until:
                stream.recv(100)
                self.linger(0.01)
