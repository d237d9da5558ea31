# SPDX-License-Identifier: Apache-2.0
"""When which fault was in force, and what a good client may then be told."""

import bisect
import contextlib
import dataclasses
import threading
import time

from parley1 import UNAVAILABLE

REFUSED = 253
"""What `parley` ends with where a command was refused."""
PROGRAMS = {"program", "process"}
"""Kinds of requests that start a program."""

LATE = 2.0
"""Seconds that a line of the log may take to us on a busy machine."""


@dataclasses.dataclass
class Window:
    """A fault from its first step to the end of its last.

    Between `held` and `released` it is in force for certain.
    """

    kind: str
    begin: float
    end: float = None
    held: float = None
    released: float = None

    def start(self):
        return self.begin

    def overlaps(self, begin, end):
        return self.begin <= end and (self.end is None or begin <= self.end)

    def holds(self, begin, end):
        """Whether a request's whole time lies where the fault is in force."""
        return self.held is not None and self.held <= begin and (
            self.released is None or end <= self.released)

    def hold(self):
        self.held = time.monotonic()

    def release(self):
        self.released = time.monotonic()


class Windows:
    """The faults so far. Outside of them no failure of a good client is allowed.

    `exhaustion` and `full_disk` allow one failure: that a program is refused as unavailable. All
    other faults allow none: reloads, good and broken ones, replaced certificates and the
    revocation of others must pass unnoticed.
    """

    ALLOWING = ("exhaustion", "full_disk")

    def __init__(self):
        self.all = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self, kind):
        window = Window(kind, time.monotonic())
        with self._lock:
            self.all.append(window)
        try:
            yield window
        finally:
            window.end = time.monotonic()

    def may_be_told(self, kind):
        """Whether the log may speak of such a fault, which it may do a moment late."""
        now = time.monotonic()
        return any(window.kind == kind and window.overlaps(now - LATE, now)
                   for window in self.all[-10:])

    def during(self, begin, end, kinds=None):
        found = []
        for place in range(bisect.bisect_right(self.all, end, key=Window.start) - 1, -1, -1):
            window = self.all[place]
            if not window.overlaps(begin, end):
                break  # There is one director, so the windows don't overlap each other.
            if kinds is None or window.kind in kinds:
                found.append(window)
        return found

    def allow(self, request):
        """Whether a request's stated failure is one that its time allows."""
        failure = request.failure
        is_unavailable = (failure.how, failure.code) in (
            ("refusal", UNAVAILABLE), ("status", REFUSED))
        if request.kind not in PROGRAMS or not is_unavailable:
            return False
        return bool(self.during(request.began, request.ended, self.ALLOWING))

    def must_refuse(self, request):
        """Whether the disk was full for all of a program's time: then it must not have run."""
        return request.kind in PROGRAMS and any(
            window.holds(request.began, request.ended)
            for window in self.during(request.began, request.ended, ("full_disk",)))


class Versions:
    """What a reload replaces, with the times from which each may and must be seen."""

    def __init__(self, first):
        self._all = [[first, 0.0, 0.0]]

    def begin(self, value):
        self._all.append([value, time.monotonic(), None])

    def settle(self):
        """The last one is in force."""
        self._all[-1][2] = time.monotonic()

    @property
    def last(self):
        return self._all[-1][0]

    def possible(self, begin, end):
        """What a client may have met that asked at `begin` and was answered at `end`."""
        latest = max(place for place, (_, _, settled) in enumerate(self._all)
                     if settled is not None and settled <= begin)
        return {value for value, began, _ in self._all[latest:] if began <= end}
