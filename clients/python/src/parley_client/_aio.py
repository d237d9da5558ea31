# SPDX-License-Identifier: Apache-2.0
"""Sessions for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import AsyncGenerator, AsyncIterable, AsyncIterator, BinaryIO, Iterable, Optional, Type, Union

from . import _tls
from ._collect import Collector, cut_short, named
from ._outcome import CommandTimeout, ParleyError, Result
from ._protocol import Ended, Event, Protocol
from ._server import Pins
from ._tls import Credentials, Passphrase, PathLike
from ._watch import Watch

AsyncInput = Union[None, bytes, Iterable[bytes], AsyncIterable[bytes]]
PIECE = 65_536


class AsyncSession:
    """As `Session`, for one event loop. Cancelling the task ends the command on the server and closes the session."""

    def __init__(self, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                 keepalive: float, idle_timeout: float) -> None:
        self._place, self._reader, self._writer = place, reader, writer
        self._keepalive, self._idle_timeout = keepalive, idle_timeout
        self._protocol = Protocol()
        self._is_closed = False

    async def run(self, *words: str, input: AsyncInput = None, timeout: Optional[float] = None,
                  check: bool = False, stdout: Optional[BinaryIO] = None, stderr: Optional[BinaryIO] = None,
                  max_output: int = 64 << 20) -> Result:
        """As `Session.run`; `input` is bytes or an iterable of bytes, asynchronous or not."""
        collector = Collector(self._place, stdout, stderr, max_output)
        events = self.stream(*words, input=input, timeout=timeout)
        try:
            async for event in events:
                collector.take(event)
        except CommandTimeout as error:
            raise collector.overdue(error) from None
        finally:
            await events.aclose()
        return collector.result(words[0], check)

    def stream(self, *words: str, input: AsyncInput = None,
               timeout: Optional[float] = None) -> AsyncGenerator[Event, None]:
        """As `Session.stream`."""
        if self._is_closed:
            raise ValueError(f"{self._place}: the session is closed")
        self._protocol.run(*words)
        return self._events(input, timeout)

    def cancel(self) -> None:
        """End the running command; its `Ended` comes as always."""
        self._protocol.cancel()
        self._send()

    async def close(self) -> None:
        """End the session, and with it what runs. Can be called again."""
        if not self._is_closed:
            self._is_closed = True
            self._writer.close()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), 5)

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close()

    async def _events(self, source: AsyncInput, timeout: Optional[float]) -> AsyncGenerator[Event, None]:
        watch = Watch(self._place, self._protocol, self._keepalive, self._idle_timeout, timeout)
        wanted = asyncio.Event()
        feeding: asyncio.Task[object] = asyncio.ensure_future(self._feed(source, wanted))
        reading: asyncio.Task[bytes] = asyncio.ensure_future(self._reader.read(PIECE))
        try:
            while True:
                pause = watch.check()
                self._send()
                active = {task for task in (reading, feeding) if task is reading or not task.done()}
                await asyncio.wait(active, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()  # What reading the input raised.
                if not reading.done():
                    continue
                data = self._received(reading)
                watch.heard()
                events = self._protocol.receive(data)
                if self._protocol.room:
                    wanted.set()
                self._send()
                for event in events:
                    if isinstance(event, Ended):
                        watch.judge(event)
                    yield event
                    if isinstance(event, Ended):
                        return
                reading = asyncio.ensure_future(self._reader.read(PIECE))
        except ParleyError as error:
            raise named(self._place, error) from None
        finally:
            feeding.cancel()
            reading.cancel()
            self._abandon()

    async def _feed(self, source: AsyncInput, wanted: asyncio.Event) -> None:
        """Pass the input on as far as it is wanted, and then its end."""
        await wanted.wait()
        async for piece in _pieces(source):
            rest = memoryview(piece)  # Of bytes, what is left would be copied for each part.
            while rest:
                while not self._protocol.room:
                    wanted.clear()
                    await wanted.wait()
                size = min(PIECE, self._protocol.room)
                part, rest = bytes(rest[:size]), rest[size:]
                self._protocol.input(part)
                self._send()
                with contextlib.suppress(OSError):  # Reading tells the end.
                    await self._writer.drain()
        self._protocol.end_input()
        self._send()

    def _abandon(self) -> None:
        if self._protocol.is_running and not self._is_closed:
            self._is_closed = True
            self._writer.transport.abort()

    def _send(self) -> None:
        data = self._protocol.take_outgoing()
        if data and not self._writer.transport.is_closing():
            self._writer.write(data)

    def _received(self, reading: asyncio.Task[bytes]) -> bytes:
        try:
            data = reading.result()
        except OSError as error:
            raise cut_short(self._place, error) from error
        if not data:
            raise cut_short(self._place, None)
        return data


async def connect_async(host: str, port: Optional[int] = None, *, server_name: Optional[str] = None,
                        pin: Optional[Pins] = None, certs: Optional[PathLike] = None,
                        ca: Optional[PathLike] = None, cert: Optional[PathLike] = None,
                        key: Optional[PathLike] = None, passphrase: Optional[Passphrase] = None,
                        crl: Optional[PathLike] = None, connect_timeout: float = 10.0,
                        keepalive: float = 15.0, idle_timeout: float = 300.0) -> AsyncSession:
    """As `connect`; TCP may take twice `connect_timeout`, less what the handshake takes."""
    to = _tls.target(host, port, server_name, pin, Credentials(certs, ca, cert, key, passphrase, crl))
    try:
        # Without a name to verify, asyncio would take the host for one; the empty name stands for none.
        reader, writer = await asyncio.wait_for(asyncio.open_connection(
            to.address, to.port, ssl=to.context, server_hostname=to.name or "",
            ssl_handshake_timeout=connect_timeout, happy_eyeballs_delay=0.25), 2 * connect_timeout)
    except asyncio.TimeoutError as error:
        raise _tls.translate(to.place, TimeoutError("the server does not answer")) from error
    except OSError as error:
        raise _tls.translate(to.place, error) from error
    try:
        tls = writer.get_extra_info("ssl_object")
        assert isinstance(tls, ssl.SSLObject)
        _tls.check_protocol(to.place, tls.selected_alpn_protocol())
    except BaseException:
        writer.transport.abort()
        raise
    return AsyncSession(to.place, reader, writer, keepalive, idle_timeout)


async def run_async(host: str, *words: str, input: AsyncInput = None, timeout: Optional[float] = None,
                    check: bool = False, port: Optional[int] = None, server_name: Optional[str] = None,
                    pin: Optional[Pins] = None, certs: Optional[PathLike] = None,
                    ca: Optional[PathLike] = None, cert: Optional[PathLike] = None,
                    key: Optional[PathLike] = None, passphrase: Optional[Passphrase] = None,
                    crl: Optional[PathLike] = None, connect_timeout: float = 10.0) -> Result:
    """One command in a session of its own: `connect_async` and `AsyncSession.run`."""
    async with await connect_async(host, port, server_name=server_name, pin=pin, certs=certs, ca=ca, cert=cert,
                                   key=key, passphrase=passphrase, crl=crl,
                                   connect_timeout=connect_timeout) as session:
        return await session.run(*words, input=input, timeout=timeout, check=check)


async def _pieces(source: AsyncInput) -> AsyncIterator[bytes]:
    if source is None:
        return
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield bytes(source)
    elif hasattr(source, "__aiter__"):
        async for piece in source:
            yield bytes(piece)
    else:
        for piece in source:
            yield bytes(piece)
