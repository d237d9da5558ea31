# SPDX-License-Identifier: Apache-2.0
"""A client for `parley/1`, written from docs/protocol.md alone."""

import dataclasses
import socket

from parley1 import (
    ALPN, ERROR_OUTPUT, EXIT, FROM_SERVER, INPUT, INPUT_END, INPUT_WANTED, LARGEST, OUTPUT, PING,
    PONG, REFUSAL, Decoder, Malformed, credit, frame, run)
from strangers import client_context

PATIENCE = 10.0
"""Seconds that a client waits for anything of its server; far less is needed."""


@dataclasses.dataclass
class Outcome:
    """What one run came to: `ended` (how, number) or `code` and `sentence`."""

    output: bytes = b""
    errors: bytes = b""
    ended: tuple = None
    code: int = None
    sentence: str = None
    was_asked_for_input: bool = False

    @property
    def lines(self):
        return self.output.decode().splitlines()


class Ended(Exception):
    """The server ended the session; `politely` with close_notify and at a frame's end."""

    def __init__(self, politely):
        super().__init__("politely" if politely else "cut short")
        self.politely = politely


class Session:
    """One connection, from `address` where it matters; pings are answered as they come, and counted."""

    def __init__(self, owner, port, certificate, address=""):
        context = client_context(certificate)
        context.set_alpn_protocols([ALPN])
        connection = socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0))
        owner.addCleanup(self.close)
        self.stream = context.wrap_socket(
            connection, server_hostname="localhost", suppress_ragged_eofs=False)
        if self.stream.selected_alpn_protocol() != ALPN:
            raise AssertionError("the server does not speak parley/1")
        self.pings = 0
        self._decoder = Decoder(FROM_SERVER)

    @property
    def unread(self):
        """What has been received beyond the last frame that was read."""
        return self._decoder.rest

    def send(self, kind, payload=b""):
        self.stream.sendall(frame(kind, payload))

    def run(self, *texts):
        self.stream.sendall(run(*texts))

    def _take(self):
        """The next frame of any type."""
        while True:
            try:
                taken = self._decoder.take()
            except Malformed as what:
                raise AssertionError(f"a server never sends {what}") from None
            if taken:
                return taken
            try:
                chunk = self.stream.recv(65_536)
            except TimeoutError:
                raise
            except OSError as error:  # The truncation of TLS is one, too.
                raise Ended(False) from error
            if not chunk:
                raise Ended(not self.unread)
            self._decoder.feed(chunk)

    def receive(self):
        """The next frame that is not a ping."""
        while True:
            kind, payload = self._take()
            if kind != PING:
                return kind, payload
            self.pings += 1
            self.send(PONG)

    def expect(self, kind):
        """The payload of the next frame, which is of this type."""
        got, payload = self.receive()
        if got != kind:
            raise AssertionError(f"type {got} ({payload[:80]!r}) in place of {kind}")
        return payload

    def outcome(self, data=b""):
        """Read to the end of the oldest run, giving it `data` as far as it wants input."""
        outcome, left, sent, is_open = Outcome(), 0, 0, False
        while outcome.ended is None and outcome.code is None:
            kind, payload = self.receive()
            if kind == OUTPUT:
                outcome.output += payload
            elif kind == ERROR_OUTPUT:
                outcome.errors += payload
            elif kind == INPUT_WANTED:
                is_open = is_open or not outcome.was_asked_for_input
                outcome.was_asked_for_input = True
                left += credit(payload)
            elif kind == EXIT:
                outcome.ended = tuple(payload)
            elif kind == REFUSAL:
                outcome.code, outcome.sentence = payload[0], payload[1:].decode()
            else:
                raise AssertionError("a pong that was not asked for")
            while is_open and left and sent < len(data) and outcome.ended is None:
                piece = data[sent:sent + min(left, LARGEST)]
                self.send(INPUT, piece)
                sent, left = sent + len(piece), left - len(piece)
            if is_open and (sent == len(data) or outcome.ended is not None):
                self.send(INPUT_END)
                is_open = False
        return outcome

    def ask(self, *texts, data=b""):
        self.run(*texts)
        return self.outcome(data)

    def end(self):
        """Whatever comes up to the server's close_notify, which must come; the frames."""
        frames = []
        try:
            while True:
                frames.append(self.receive())
        except Ended as ended:
            if not ended.politely:
                raise
            return frames

    def close(self):
        if hasattr(self, "stream"):
            self.stream.close()
