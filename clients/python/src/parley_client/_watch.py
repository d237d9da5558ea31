# SPDX-License-Identifier: Apache-2.0
"""The deadlines of a run, which both APIs share."""

from __future__ import annotations

import time
from typing import Optional

from ._outcome import CommandTimeout, CutShort, Result
from ._protocol import Ended, Protocol

GRACE = 15.0
"""Seconds that the server has to tell the end of a cancelled command, whose own grace is 5 s by default."""


class Watch:
    """Pings a silent server, gives a dead one up, and cancels what exceeds the client's time."""

    def __init__(self, place: str, protocol: Protocol, keepalive: float, idle_timeout: float,
                 timeout: Optional[float]) -> None:
        self._place, self._protocol = place, protocol
        self._keepalive = min(keepalive, idle_timeout / 3)
        self._idle_timeout, self._timeout = idle_timeout, timeout
        self._heard = self._pinged = time.monotonic()
        self._deadline = None if timeout is None else self._heard + timeout
        self.is_over = False
        """Whether the client's time was over, and the command was cancelled."""

    def heard(self) -> None:
        """Something has arrived."""
        self._heard = self._pinged = time.monotonic()

    def check(self) -> Optional[float]:
        """Seconds until the next check, None without end. Raises CutShort and CommandTimeout."""
        now, due = time.monotonic(), []
        if self._deadline is not None and now >= self._deadline:
            if self.is_over:
                raise self.overdue()
            self.is_over, self._deadline = True, now + GRACE
            self._protocol.cancel()
        if self._deadline is not None:
            due.append(self._deadline)
        if self._keepalive:
            if now >= self._heard + self._idle_timeout:
                raise CutShort(f"{self._place}: the server has been silent for {self._idle_timeout:g} seconds")
            if now >= self._pinged + self._keepalive:
                self._protocol.ping()
                self._pinged = now
            due += [self._pinged + self._keepalive, self._heard + self._idle_timeout]
        return max(0.0, min(due) - now) if due else None

    def judge(self, ended: Ended) -> None:
        """Raises CommandTimeout for the end of a command that was cancelled."""
        if self.is_over:
            error = self.overdue()
            error.result = Result(ended.outcome)
            raise error

    def overdue(self) -> CommandTimeout:
        return CommandTimeout(f"{self._place}: the command was cancelled after {self._timeout:g} seconds", None)
