# SPDX-License-Identifier: Apache-2.0
"""A connection to one of a host's addresses, for the blocking API; asyncio has its own."""

from __future__ import annotations

import errno
import itertools
import os
import selectors
import socket
import time
from typing import Any, List, Optional, Sequence, Tuple

DELAY = 0.25
"""Seconds after which an address that does not answer is joined by the next (RFC 8305)."""

Address = Tuple[int, int, int, str, Any]


def dial(host: str, port: int, seconds: float) -> socket.socket:
    """The first connection that a server takes within `seconds`. Raises OSError, TimeoutError among it."""
    left = _alternating(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    begun = due = time.monotonic()
    failure: Optional[OSError] = None
    pending: List[socket.socket] = []
    with selectors.DefaultSelector() as selector:
        try:
            while left or pending:
                now = time.monotonic()
                if now >= begun + seconds:
                    raise TimeoutError("the server does not answer")
                if left and (now >= due or not pending):
                    due = now + DELAY
                    try:
                        pending.append(_attempt(left.pop(0)))
                        selector.register(pending[-1], selectors.EVENT_WRITE)
                    except OSError as error:
                        failure, due = error, now
                    continue
                for key, _ in selector.select((min(due, begun + seconds) if left else begun + seconds) - now):
                    tcp = next(tcp for tcp in pending if tcp is key.fileobj)
                    selector.unregister(tcp)
                    pending.remove(tcp)
                    number = tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if number == 0:
                        return tcp
                    tcp.close()
                    failure = OSError(number, os.strerror(number))
            assert failure
            raise failure
        finally:
            for tcp in pending:
                tcp.close()


def _attempt(address: Address) -> socket.socket:
    """A connection under way."""
    tcp = socket.socket(*address[:3])
    try:
        tcp.setblocking(False)
        number = tcp.connect_ex(address[4])
        if number not in (0, errno.EINPROGRESS):
            raise OSError(number, os.strerror(number))
    except BaseException:
        tcp.close()
        raise
    return tcp


def _alternating(found: Sequence[Address]) -> List[Address]:
    """IPv6 and IPv4 by turns, in the resolver's order otherwise: often one of the two does not work at all."""
    kinds = [[one for one in found if one[0] == family] for family in dict.fromkeys(one[0] for one in found)]
    return [one for row in itertools.zip_longest(*kinds) for one in row if one]
