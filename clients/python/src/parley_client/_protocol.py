# SPDX-License-Identifier: Apache-2.0
"""parley/1 as docs/protocol.md has it, from the client's side and without I/O: bytes in, events out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Optional, Union

from ._outcome import (
    CODES, Exited, LeftRunning, Outcome, OutputLimit, ProtocolError, Refused, SessionRefused, Signaled,
    TimedOut, UnknownCommand)

ALPN = "parley/1"
LARGEST = 16_380
"""Bytes of a payload: with its header a frame fits one TLS record."""
MOST_ARGUMENTS, MOST_BYTES = 64, 32_768
MOST_CREDIT = 1 << 40
"""Bytes of input that a server may want ahead; one that wants more is broken."""

RUN, RUN_PART, INPUT, INPUT_END, CANCEL, PING, PONG = range(1, 8)
INPUT_WANTED, OUTPUT, ERROR_OUTPUT, EXIT, REFUSAL = range(16, 21)
LENGTHS = {
    PING: (0, 0), PONG: (0, 0), INPUT_WANTED: (4, 4), OUTPUT: (1, LARGEST), ERROR_OUTPUT: (1, LARGEST),
    EXIT: (2, 2), REFUSAL: (1, 1_001)}
"""What a server sends, with the least and the most bytes of a payload."""


@dataclass(frozen=True)
class Output:
    """Bytes of the command's standard output."""

    data: bytes


@dataclass(frozen=True)
class ErrorOutput:
    """Bytes of the command's standard error."""

    data: bytes


@dataclass(frozen=True)
class Ended:
    """The last event of each run."""

    outcome: Outcome


Event = Union[Output, ErrorOutput, Ended]


class Protocol:
    """One session with one run at a time.

    Give what arrives to `receive`, and send what `take_outgoing` returns after each other call. Neither
    the input nor the outgoing side grows beyond a frame and what the caller itself has given.
    """

    def __init__(self) -> None:
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._owes_pong = False
        self._wants_input = False
        self._input_ended = False
        self._has_output = False
        self._failure: Optional[Exception] = None
        self.is_running = False
        self.room = 0
        """Bytes of input that the server wants at present."""

    def run(self, *words: str) -> None:
        """Start a run of a command with its arguments.

        Raises ValueError where no request can have these words, RuntimeError while a run is under way.
        """
        if self._failure:
            raise self._failure
        if self.is_running:
            raise RuntimeError("a command of this session is still running; wait for its end")
        # Bytes of a file name that are no UTF-8 travel as they are.
        encoded = [word.encode("utf-8", "surrogateescape") for word in words]
        if not encoded or not encoded[0]:
            raise ValueError("missing command")
        if len(encoded) > 1 + MOST_ARGUMENTS or sum(map(len, encoded)) > MOST_BYTES:
            raise ValueError(f"a command has at most {MOST_ARGUMENTS} arguments and {MOST_BYTES} bytes in all")
        payload = b"".join(struct.pack(">H", len(word)) + word for word in encoded)
        while len(payload) > LARGEST:
            self._send(RUN_PART, payload[:LARGEST])
            payload = payload[LARGEST:]
        self._send(RUN, payload)
        self.is_running, self.room, self._has_output = True, 0, False

    def input(self, data: bytes) -> None:
        """Send input, no more than there is `room` for."""
        if not data or len(data) > self.room:
            raise ValueError("this input is not wanted")
        self.room -= len(data)
        for at in range(0, len(data), LARGEST):
            self._send(INPUT, data[at:at + LARGEST])

    def end_input(self) -> None:
        """End the run's input; nothing happens where it has none, or no more."""
        if self._wants_input:
            self._wants_input, self.room, self._input_ended = False, 0, True
            self._send(INPUT_END)

    def cancel(self) -> None:
        """End the running command; its `Ended` comes as always."""
        if self.is_running:
            self._send(CANCEL)

    def ping(self) -> None:
        self._send(PING)

    def take_outgoing(self) -> bytes:
        """What is to be sent now."""
        if self._owes_pong:  # One for all pings that have come meanwhile.
            self._owes_pong = False
            self._send(PONG)
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, data: bytes) -> List[Event]:
        """The events in what has arrived.

        Raises ProtocolError and SessionRefused, of which neither leaves a usable session.
        """
        if self._failure:
            raise self._failure
        self._incoming += data
        events: List[Event] = []
        at = 0
        try:
            # A header that no frame has is an error at once: nobody waits for its payload.
            while len(self._incoming) - at >= 4:
                kind, length = self._incoming[at], int.from_bytes(self._incoming[at + 1:at + 4], "big")
                least, most = LENGTHS.get(kind, (1, 0))
                if not least <= length <= most:
                    raise ProtocolError(f"the server sent a frame of type {kind} with {length} bytes")
                if len(self._incoming) - at < 4 + length:
                    break
                event = self._take(kind, bytes(self._incoming[at + 4:at + 4 + length]))
                if event:
                    events.append(event)
                at += 4 + length
        except (ProtocolError, SessionRefused) as error:
            # What came before it counts; it is raised by the next call.
            self._failure = error
            self._incoming.clear()
            if not events:
                raise
            return events
        del self._incoming[:at]
        return events

    def _send(self, kind: int, payload: bytes = b"") -> None:
        self._outgoing += struct.pack(">I", kind << 24 | len(payload)) + payload

    def _take(self, kind: int, payload: bytes) -> Optional[Event]:
        if kind == PING:
            self._owes_pong = True
        elif kind == REFUSAL:
            return self._refuse(payload)
        elif kind != PONG and not self.is_running:
            raise ProtocolError(f"the server sent a frame of type {kind} while no command was running")
        elif kind == INPUT_WANTED:
            self._want(int.from_bytes(payload, "big"))
        elif kind == OUTPUT:
            self._has_output = True
            return Output(payload)
        elif kind == ERROR_OUTPUT:
            self._has_output = True
            return ErrorOutput(payload)
        elif kind == EXIT:
            return self._end(_outcome(payload[0], payload[1]))
        return None

    def _want(self, count: int) -> None:
        if not count or self.room + count > MOST_CREDIT:
            raise ProtocolError(f"the server wants {count} bytes of input")
        if self._input_ended:
            return  # It was on its way when the input ended.
        self._wants_input = True
        self.room += count

    def _refuse(self, payload: bytes) -> Optional[Event]:
        code = CODES.get(payload[0])
        if code is None:
            raise ProtocolError(f"the server refused with the unknown code {payload[0]}")
        text = payload[1:].decode("utf-8", "replace")
        sentence = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        refused = (UnknownCommand if payload[0] == 1 else Refused)(code, sentence)
        if not self.is_running or (code == "malformed" and self._has_output):
            raise SessionRefused(f"the server ended the session: {sentence}", refused)
        if self._has_output or self._wants_input:
            raise ProtocolError("the server refused a command that was running")
        return self._end(refused)

    def _end(self, outcome: Outcome) -> Ended:
        self.end_input()
        self.is_running, self._input_ended = False, False
        return Ended(outcome)


def _outcome(how: int, number: int) -> Outcome:
    if how == 0:
        return Exited(number)
    if how == 1 and 1 <= number <= 64:
        return Signaled(number)
    if how in (2, 3, 4) and number == 0:
        return (TimedOut(), OutputLimit(), LeftRunning())[how - 2]
    raise ProtocolError(f"the server sent an exit of {how} and {number}")
