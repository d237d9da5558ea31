# SPDX-License-Identifier: Apache-2.0
"""Blocking sessions."""

from __future__ import annotations

import time
from types import TracebackType
from typing import BinaryIO, Callable, Iterable, Iterator, Optional, Type, Union

from . import _tls
from ._collect import Collector, cut_short, named
from ._dial import dial
from ._outcome import CommandTimeout, ParleyError, Result
from ._protocol import Ended, Event, Protocol
from ._server import Pins
from ._stream import PIECE, Stream
from ._tls import Credentials, Passphrase, PathLike
from ._watch import Watch

Input = Union[None, bytes, BinaryIO, Iterable[bytes]]


class Session:
    """A connection to one server, for any number of commands, one at a time; see `connect`.

    Not for use by several threads at once. Closing it ends what runs.
    """

    def __init__(self, place: str, stream: Stream, keepalive: float, idle_timeout: float) -> None:
        self._place, self._stream = place, stream
        self._keepalive, self._idle_timeout = keepalive, idle_timeout
        self._protocol = Protocol()
        self._is_closed = False

    def run(self, *words: str, input: Input = None, timeout: Optional[float] = None, check: bool = False,
            stdout: Optional[BinaryIO] = None, stderr: Optional[BinaryIO] = None,
            max_output: int = 64 << 20) -> Result:
        """Run a command with its arguments and wait for its end.

        Output goes to `stdout` and `stderr` as it comes where they are given, else into the result.
        `input` is bytes, a binary file or an iterable of bytes; nothing is taken from it unless the
        command takes input, and while it blocks, nothing else goes on. After `timeout` seconds the
        command is cancelled.

        Raises CommandTimeout, CutShort, NotTrusted, ProtocolError, SessionRefused, TooMuchOutput (more
        than `max_output` bytes to be collected), with `check` CommandFailed; ValueError for words that
        no request can have. Any other exception, such as KeyboardInterrupt, ends the command on the
        server and closes the session.
        """
        collector = Collector(self._place, stdout, stderr, max_output)
        events = self.stream(*words, input=input, timeout=timeout)
        try:
            for event in events:
                collector.take(event)
        except CommandTimeout as error:
            raise collector.overdue(error) from None
        except BaseException:
            self._abandon()
            raise
        return collector.result(words[0], check)

    def stream(self, *words: str, input: Input = None, timeout: Optional[float] = None) -> Iterator[Event]:
        """Run a command and give each `Output` and `ErrorOutput` as it comes, and `Ended` at last.

        As `run`, but for `check`. Leaving the loop before `Ended` closes the session, which ends the command.
        A caller that takes no event for the server's idle deadline (300 s by default) loses the session.
        """
        if self._is_closed:
            raise ValueError(f"{self._place}: the session is closed")
        self._protocol.run(*words)
        return self._events(_Source(input), timeout)

    def cancel(self) -> None:
        """End the running command from within a loop over `stream`; its `Ended` comes as always."""
        self._protocol.cancel()

    def close(self) -> None:
        """End the session, and with it what runs. Can be called again."""
        if not self._is_closed:
            self._is_closed = True
            self._stream.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def _events(self, source: _Source, timeout: Optional[float]) -> Iterator[Event]:
        protocol = self._protocol
        watch = Watch(self._place, protocol, self._keepalive, self._idle_timeout, timeout)
        try:
            while True:
                pause = watch.check()
                if protocol.room and self._stream.unsent < PIECE:
                    piece = source.read(min(protocol.room, PIECE))
                    if piece:
                        protocol.input(piece)
                    else:
                        protocol.end_input()
                self._send()
                data = self._receive()
                if not data:
                    if not protocol.room or self._stream.unsent:
                        self._stream.wait(pause)
                    continue
                watch.heard()
                for event in protocol.receive(data):
                    if isinstance(event, Ended):
                        self._send()
                        watch.judge(event)
                    yield event
                    if isinstance(event, Ended):
                        return
        except ParleyError as error:
            self._abandon()
            raise named(self._place, error) from None
        finally:
            self._abandon()

    def _abandon(self) -> None:
        if self._protocol.is_running:
            self.close()

    def _send(self) -> None:
        try:
            self._stream.write(self._protocol.take_outgoing())
            self._stream.flush()
        except OSError:
            self._stream.drop()  # What the server said before it closed is still to be read; reading tells the end.

    def _receive(self) -> bytes:
        """What has arrived, if anything."""
        try:
            data = self._stream.read()
        except OSError as error:
            raise cut_short(self._place, error) from error
        if data == b"":
            raise cut_short(self._place, None)
        return data or b""


def connect(host: str, port: Optional[int] = None, *, server_name: Optional[str] = None,
            pin: Optional[Pins] = None, certs: Optional[PathLike] = None, ca: Optional[PathLike] = None,
            cert: Optional[PathLike] = None, key: Optional[PathLike] = None,
            passphrase: Optional[Passphrase] = None, crl: Optional[PathLike] = None,
            connect_timeout: float = 10.0, keepalive: float = 15.0, idle_timeout: float = 300.0) -> Session:
    """A session with the server at HOST, HOST:PORT or [IPV6]:PORT, by default port 12345.

    The server's certificate must be valid, chain to the CA and have `server_name`, by default the host,
    among its DNS names or addresses, or its URIs for `uri:` and a URI. With `pin`, one or several of
    `sha256//…`, it must also have that key. With `crl`, a file of CRLs in PEM, it must not be revoked:
    one list must be from its issuer; with several lists, each CA of the chain needs one.

    Files that are not named are ca.pem, client.pem and client.key of `certs`, else of
    $XDG_CONFIG_HOME/parley, else of /etc/parley; without a ca.pem in the latter two, the system's CAs
    count. `passphrase` is the key's, or a function that is called for it if the key has one.

    Times are in seconds; `connect_timeout` holds for TCP and for the handshake each, and `keepalive=0`
    sends no pings and gives no silent server up. An address that does not answer is joined by the next
    after 250 ms (RFC 8305).

    Raises ConnectError, CredentialError, NotTrusted; ValueError for a host, name or pin that cannot be one.
    """
    to = _tls.target(host, port, server_name, pin, Credentials(certs, ca, cert, key, passphrase, crl))
    tcp = None
    try:
        tcp = dial(to.address, to.port, connect_timeout)
        stream = Stream(tcp, to.context, to.name)
        stream.shake_hands(time.monotonic() + connect_timeout)
        _tls.check_protocol(to.place, stream.protocol)
    except BaseException as error:
        if tcp:
            tcp.close()
        if isinstance(error, OSError):
            raise _tls.translate(to.place, error) from error
        raise
    return Session(to.place, stream, keepalive, idle_timeout)


def run(host: str, *words: str, input: Input = None, timeout: Optional[float] = None, check: bool = False,
        port: Optional[int] = None, server_name: Optional[str] = None, pin: Optional[Pins] = None,
        certs: Optional[PathLike] = None, ca: Optional[PathLike] = None, cert: Optional[PathLike] = None,
        key: Optional[PathLike] = None, passphrase: Optional[Passphrase] = None,
        crl: Optional[PathLike] = None, connect_timeout: float = 10.0) -> Result:
    """One command in a session of its own: `connect` and `Session.run`."""
    with connect(host, port, server_name=server_name, pin=pin, certs=certs, ca=ca, cert=cert, key=key,
                 passphrase=passphrase, crl=crl, connect_timeout=connect_timeout) as session:
        return session.run(*words, input=input, timeout=timeout, check=check)


class _Source:
    """Input in pieces of the size that is wanted."""

    def __init__(self, source: Input) -> None:
        self._read: Optional[Callable[[int], bytes]] = getattr(source, "read", None)
        self._rest = memoryview(b"")  # Of bytes, what is left would be copied for each piece.
        self._pieces: Iterator[bytes] = iter(())
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._rest = memoryview(bytes(source))
        elif source is not None and not self._read:
            self._pieces = iter(source)

    def read(self, most: int) -> bytes:
        """Up to `most` bytes, none at the end."""
        if self._read:
            return bytes(self._read(most))
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(bytes(piece))
        taken, self._rest = self._rest[:most], self._rest[most:]
        return bytes(taken)
