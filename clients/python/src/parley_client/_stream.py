# SPDX-License-Identifier: Apache-2.0
"""TLS over a socket for the blocking API, in which nothing of the client's is sent to a server that is not accepted."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import time
from typing import Optional

PIECE = 65_536


class Stream:
    """The client's end of TLS. It owns the socket, a non-blocking one, and only `wait` and `shake_hands` block."""

    def __init__(self, tcp: socket.socket, context: ssl.SSLContext, name: Optional[str]) -> None:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tcp = tcp
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._held = b""

    @property
    def unsent(self) -> int:
        """Bytes of TLS that the socket has not taken yet."""
        return len(self._held) + self._outgoing.pending

    @property
    def protocol(self) -> Optional[str]:
        """What ALPN has chosen."""
        return self._tls.selected_alpn_protocol()

    def shake_hands(self, deadline: float) -> None:
        """Raises OSError, of which TimeoutError at `deadline`, a time of `time.monotonic`."""
        is_done = False
        while True:
            try:
                if not is_done:
                    self._tls.do_handshake()
                    is_done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self.flush()  # The alert.
                raise
            self.flush()
            if is_done and not self.unsent:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the handshake takes too long")
            self.wait(left)
            if not is_done:
                self._take()

    def write(self, data: bytes) -> None:
        """Keep it until `flush` can send it."""
        while data:
            data = data[self._tls.write(data):]

    def flush(self) -> None:
        """Send what the socket takes now. Raises OSError."""
        while self.unsent:
            self._held = self._held or self._outgoing.read()
            try:
                self._held = self._held[self._tcp.send(self._held):]
            except BlockingIOError:
                return

    def drop(self) -> None:
        """Forget what is unsent."""
        self._held = b""
        self._outgoing.read()

    def read(self) -> Optional[bytes]:
        """What has arrived: None if nothing, no bytes at the end. Raises OSError."""
        while True:
            try:
                return self._tls.read(PIECE)
            except ssl.SSLWantReadError:
                if not self._take():
                    return None

    def wait(self, seconds: Optional[float]) -> None:
        """Until something arrives, or the socket takes what is unsent."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._tcp, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0))
            selector.select(seconds)

    def close(self) -> None:
        """Sends close_notify and does not wait for the server's."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self.flush()
        self._tcp.close()

    def _take(self) -> bool:
        """Pass on what the socket has, also its end; whether there was anything."""
        try:
            data = self._tcp.recv(PIECE)
        except BlockingIOError:
            return False
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return True
