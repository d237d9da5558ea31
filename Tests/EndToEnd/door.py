# SPDX-License-Identifier: Apache-2.0
"""Strangers with addresses of their own, and what a balancer says of its clients."""

import selectors
import socket
import struct
import time

from support import LIMIT

BAD = bytes.fromhex("1603010004ff000000")
"""A record with an unknown message, which is answered by an alert."""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def knock(owner, port, address="127.0.0.1"):
    """A connection from one of the addresses of this machine's loopback."""
    connection = socket.create_connection(("127.0.0.1", port), LIMIT, source_address=(address, 0))
    owner.addCleanup(connection.close)
    return connection


def is_closed(connection):
    """Whether the server closes it without a byte."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def is_open(connection):
    """Whether the server has not closed it so far."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def fail(owner, port, address):
    """A handshake that fails at once; the bytes with which the server says so."""
    connection = knock(owner, port, address)
    try:
        connection.sendall(BAD)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)
    except OSError:  # It may be closed before anything is sent.
        return b""
    finally:
        connection.close()


def proxied(client, port=4660, command=0x21, family=0x11, rest=b""):
    """The header of a balancer that passes on a client's connection."""
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") if client else b""
    body = addresses + struct.pack(">HH", port, 443) + rest if client else rest
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


class Crowd:
    """Silent connections, opened as fast as the server takes them; those that it closes are counted."""

    def __init__(self, owner, port, addresses):
        self.open, self.closed = set(), 0
        self._selector = selectors.DefaultSelector()
        owner.addCleanup(self._end)
        for address in addresses:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, 0))
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            self.open.add(one)
            self._selector.register(one, selectors.EVENT_READ)

    def watch(self, seconds):
        """Notice who was closed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._selector.unregister(key.fileobj)
                key.fileobj.close()
                self.open.discard(key.fileobj)
                self.closed += 1

    def _end(self):
        self._selector.close()
        for one in self.open:
            one.close()
