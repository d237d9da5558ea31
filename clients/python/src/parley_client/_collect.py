# SPDX-License-Identifier: Apache-2.0
"""From events to a result, and from failures to errors that name the host, for both APIs."""

from __future__ import annotations

from typing import BinaryIO, Optional

from ._outcome import (
    CommandFailed, CommandTimeout, CutShort, NotTrusted, Outcome, ParleyError, ProtocolError, Result,
    SessionRefused, TooMuchOutput)
from ._protocol import Ended, Event, Output
from ._tls import is_about_trust


class Collector:
    """Output and outcome of one run; files take output in place of memory."""

    def __init__(self, place: str, stdout: Optional[BinaryIO], stderr: Optional[BinaryIO], most: int) -> None:
        self._place, self._stdout, self._stderr, self._left = place, stdout, stderr, most
        self._most = most
        self._output, self._errors = bytearray(), bytearray()
        self._outcome: Optional[Outcome] = None

    def take(self, event: Event) -> None:
        if isinstance(event, Ended):
            self._outcome = event.outcome
            return
        is_output = isinstance(event, Output)
        file = self._stdout if is_output else self._stderr
        if file:
            file.write(event.data)
            return
        self._left -= len(event.data)
        if self._left < 0:
            raise TooMuchOutput(f"{self._place}: the command printed more than {self._most} bytes")
        (self._output if is_output else self._errors).extend(event.data)

    def result(self, command: str, check: bool) -> Result:
        assert self._outcome is not None
        result = Result(self._outcome, bytes(self._output), bytes(self._errors))
        if check and not result.ok:
            raise CommandFailed(f"{self._place}: {command}: {self._outcome}", result)
        return result

    def overdue(self, error: CommandTimeout) -> CommandTimeout:
        """The error with the output up to now."""
        if error.result:
            error.result = Result(error.result.outcome, bytes(self._output), bytes(self._errors))
        return error


def named(place: str, error: ParleyError) -> ParleyError:
    """An error of the protocol, which knows no host, with the host."""
    if isinstance(error, SessionRefused):
        return SessionRefused(f"{place}: {error}", error.refusal)
    if isinstance(error, ProtocolError):
        return ProtocolError(f"{place}: {error}")
    return error


def cut_short(place: str, error: Optional[BaseException]) -> ParleyError:
    """What the end of a connection is while a command runs; without an error it was a clean one."""
    if error is not None and is_about_trust(error):
        return NotTrusted(f"{place}: the server did not accept this client's certificate: "
                          f"{getattr(error, 'reason', error)}")
    how = "closed the session" if error is None else f"lost the connection ({error})"
    return CutShort(f"{place}: the server {how} before the command's end was told")
