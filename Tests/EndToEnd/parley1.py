# SPDX-License-Identifier: Apache-2.0
"""`parley/1` on the wire, in the words of docs/protocol.md: types, codes, and frames in both directions."""

import struct

RUN, RUN_PART, INPUT, INPUT_END, CANCEL, PING, PONG = range(1, 8)
INPUT_WANTED, OUTPUT, ERROR_OUTPUT, EXIT, REFUSAL = range(16, 21)
BY_ITSELF, BY_SIGNAL, BY_TIME, BY_OUTPUT, LEFT_RUNNING = range(5)
"""How a command ended: the first byte of an exit."""
(UNKNOWN, NOT_ALLOWED, BAD_ARGUMENT, BUSY, TOO_LARGE, MALFORMED, SHUTTING_DOWN, UNAVAILABLE,
 CANCELLED) = range(1, 10)
"""Why one did not start: the first byte of a refusal."""
HEADER = 4
LARGEST = 16_380
"""Bytes of a payload."""
SENTENCE = 1_000
"""Bytes that the sentence of a refusal may have."""
AHEAD = 65_536
"""Bytes of frames that a server reads ahead of the running command."""
ALPN = "parley/1"

FROM_BOTH = {PING: (0, 0), PONG: (0, 0)}
FROM_CLIENT = {
    RUN: (1, LARGEST), RUN_PART: (1, LARGEST), INPUT: (1, LARGEST), INPUT_END: (0, 0),
    CANCEL: (0, 0), **FROM_BOTH}
FROM_SERVER = {
    **FROM_BOTH, INPUT_WANTED: (4, 4), OUTPUT: (1, LARGEST), ERROR_OUTPUT: (1, LARGEST),
    EXIT: (2, 2), REFUSAL: (1, 1 + SENTENCE)}
"""The types that each end sends, with the least and the most bytes of a payload."""


# Encoding

def header(kind, length):
    """A frame's first bytes, which may announce what no frame may have."""
    return struct.pack(">I", kind << 24 | length)


def frame(kind, payload=b""):
    return header(kind, len(payload)) + payload


def words(*texts):
    """The payload of a run."""
    encoded = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return b"".join(struct.pack(">H", len(text)) + text for text in encoded)


def run(*texts, piece=LARGEST):
    """The frames of a run, cut into pieces of `piece` bytes where it takes more than one."""
    payload = words(*texts)
    pieces = [payload[at:at + piece] for at in range(0, len(payload), piece)]
    return b"".join([*(frame(RUN_PART, part) for part in pieces[:-1]), frame(RUN, pieces[-1])])


def wanted(count):
    return frame(INPUT_WANTED, struct.pack(">I", count))


def exited(number, how=BY_ITSELF):
    return frame(EXIT, bytes([how, number]))


def refused(code, sentence):
    return frame(REFUSAL, bytes([code]) + sentence)


# Decoding

def credit(payload):
    """How many bytes more an input wanted asks for."""
    return struct.unpack(">I", payload)[0]


def texts(payload):
    """The words of a run."""
    found = []
    while payload:
        length = struct.unpack(">H", payload[:2])[0]
        found.append(payload[2:2 + length])
        payload = payload[2 + length:]
    return found


class Malformed(Exception):
    """A type that the other end never sends, or a length that its type can't have."""


class Decoder:
    """Frames out of bytes that come in any pieces; `lengths` are those of the other end's types."""

    def __init__(self, lengths):
        self._lengths = lengths
        self._bytes = bytearray()

    @property
    def rest(self):
        """What has come beyond the last whole frame that was taken."""
        return bytes(self._bytes)

    def feed(self, data):
        self._bytes += data

    def take(self):
        """The next frame's type and payload, or None where it is not whole yet.

        A header that no frame has is malformed at once: nobody waits for its payload.
        """
        if len(self._bytes) < HEADER:
            return None
        first = struct.unpack_from(">I", self._bytes)[0]
        kind, length = first >> 24, first & 0xffffff
        least, most = self._lengths.get(kind, (1, 0))
        if not least <= length <= most:
            raise Malformed(f"type {kind} of {length} bytes")
        if len(self._bytes) < HEADER + length:
            return None
        payload = bytes(self._bytes[HEADER:HEADER + length])
        del self._bytes[:HEADER + length]
        return kind, payload

    @property
    def missing(self):
        """How many bytes more the next step takes: those of a header, or of its payload."""
        have = len(self._bytes)
        if have < HEADER:
            return HEADER - have
        return HEADER + (struct.unpack_from(">I", self._bytes)[0] & 0xffffff) - have

    def __iter__(self):
        """The frames that are whole by now."""
        return iter(self.take, None)
