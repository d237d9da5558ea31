# SPDX-License-Identifier: Apache-2.0
"""A valid ClientHello, and broken ones."""

import ssl
import struct


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
    elif kind == 1:  # another length: of the record, message, session ID, or whatever is there
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
