# SPDX-License-Identifier: Apache-2.0
"""A `parleyd` of the soak: its log as it comes, line by line, for as long as a run may be."""

import collections
import re
import signal
import subprocess
import time

from ground import LIMIT
from process import PIPE, Output
from server import Server

PATIENCE = 20.0
"""Seconds in which a server must say what it is waited for."""
MOST_STRANGE = 40
"""Lines that are told, of a crash's backtrace for instance."""
KEPT = 1 << 16
"""Bytes of an output that are kept: a soak may be a day long."""


class Lines(Output):
    """Gives each line to `said`, and calls `over` at the end; remembers the last of them."""

    def __init__(self, descriptor, process, said, over):
        self.count, self._said, self._over, self._begun = 0, said, over, b""
        self._news = collections.deque(maxlen=1000)
        super().__init__(descriptor, process)

    def heard(self, chunk):
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        for line in lines:
            line = line.decode("utf-8", "backslashreplace")
            with self._changed:
                self.count += 1
                if not re.search(r": session (ended|failed)| refused: ", line):
                    self._news.append((self.count, line))
                    self._changed.notify_all()
            self._said(line)
        with self._changed:
            surplus = max(0, len(self._bytes) - KEPT)
            del self._bytes[:surplus]
            self._position = max(0, self._position - surplus)
        if not chunk:
            self._over(self)

    @property
    def last_words(self):
        return " | ".join(self.text.splitlines()[-6:])

    def wait(self, pattern, since):
        """The first line after number `since` that matches, but for those about sessions."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for number, line in self._news:
                    if number > since and re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"{self._process.title} never said {pattern!r}; its last "
                                         f"words: {self.last_words}")
                self._changed.wait(left)


class Daemon(Server):
    """`judge` is asked about each line of its log and returns what is wrong with it, or None.

    An `operator` is asked about each line of its console, and returns what to type or None.
    """

    def __init__(self, owner, title, protocol, *options, judge, complain, operator=None, **how):
        self.title, self.judge, self.complain, self.operator = title, judge, complain, operator
        self.is_ending, self._strange = False, 0
        if not operator:
            how["stdout"] = subprocess.DEVNULL
        super().__init__(owner, protocol, *options, stdin=PIPE if operator else None, **how)

    def listen(self, descriptor):
        if self.stderr is None:
            return Lines(descriptor, self, self._log, self._see_the_end)
        return Lines(descriptor, self, self._answer, lambda _: None)

    def _log(self, line):
        wrong = self.judge(line)
        if wrong and self._strange < MOST_STRANGE:
            self._strange += 1
            self.complain(f"{self.title}: {wrong}: {line[:400]}")

    def _answer(self, line):
        if (answer := self.operator(line)) is not None:
            try:
                self.type(answer)
            except (ValueError, OSError):
                pass  # The run ends, and the input is closed.

    def _see_the_end(self, log):
        if not self.is_ending:
            status = self._child.wait()
            self.complain(f"{self.title} ended with {status}; its last words: {log.last_words}")

    def mark(self):
        return self.stderr.count

    def wait_for(self, pattern, since):
        return self.stderr.wait(pattern, since)

    def reload(self, *patterns):
        """SIGHUP, until a line came for each pattern."""
        since = self.mark()
        self.signal(signal.SIGHUP)
        for pattern in patterns:
            self.wait_for(pattern, since)

    def stop(self):
        """A polite end; what is wrong with it, or None."""
        self.is_ending = True
        if not self.running:
            return f"it had ended with {self.status}"
        self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except AssertionError:
            return f"it still ran {LIMIT:.0f} s after SIGTERM"
        return f"it ended with {status}" if status else None

    def _end(self):
        self.is_ending = True
        super()._end()
