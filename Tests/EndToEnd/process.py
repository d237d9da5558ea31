# SPDX-License-Identifier: Apache-2.0
"""Programs under watch: what they say is collected, and none outlives its owner."""

import contextlib
import os
import pty
import re
import subprocess
import termios
import threading
import time

from ground import ELSEWHERE, HAS_THREAD_SANITIZER, IS_SANITIZED, LIMIT, groups, kill
from watched import Watched

PIPE = object()
"""As `stdin`: the input stays open and the test writes to it."""


class Owner(contextlib.ExitStack):
    """Stands in for a test case, where there is none: collects clean-up functions."""

    def addCleanup(self, function, *arguments):  # noqa: unittest's name
        self.callback(function, *arguments)


def when_done(owner, function):
    """Have a test case, a class of tests or an `Owner` call a function at its end."""
    (owner.addClassCleanup if isinstance(owner, type) else owner.addCleanup)(function)


class Output:
    """Everything that one descriptor of a program has given so far, collected by a thread."""

    def __init__(self, descriptor, process):
        self._descriptor = descriptor
        self._process = process
        self._bytes = bytearray()
        self._position = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self):
        while True:
            try:
                chunk = os.read(self._descriptor, 65536)
            except OSError:  # A pty reports EIO where a pipe reports its end.
                chunk = b""
            with self._changed:
                self._bytes += chunk
                self._ended = not chunk
                self._changed.notify_all()
            self.heard(chunk)
            if not chunk:
                return

    def heard(self, chunk):
        """What is done with each piece as it comes; the last one is empty."""

    def expect(self, pattern):
        """Wait for `pattern` (a regular expression) after the last match and return the match."""
        deadline = time.monotonic() + LIMIT
        with self._changed:
            while True:
                match = re.compile(pattern).search(self.text, self._position)
                if match:
                    self._position = match.end()
                    return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(
                        f"{self._process} never said {pattern!r}\n{self._process.story}")
                self._changed.wait(left)

    @property
    def text(self):
        return self._bytes.decode("utf-8", "backslashreplace")

    def finish(self):
        """Wait until the last program that could write has ended."""
        self._thread.join(LIMIT)

    def close(self):
        self.finish()
        if not self._thread.is_alive():
            os.close(self._descriptor)


class Program(Watched):
    """A child process in its own session; killed with its descendants when `owner` is done.

    With `terminal`, standard input and output are a pseudo-terminal; standard error never is.
    `descriptors` are how many it may have: a number, or the soft limit and the hard one.
    """

    def __init__(self, owner, arguments, *, stdin=None, terminal=False, descriptors=None,
                 stdout=None, folder=ELSEWHERE, environment=(), sealed=False, pass_fds=()):
        if sealed and HAS_THREAD_SANITIZER:
            owner.skipTest("ThreadSanitizer's thread makes calls that a confined process may not make")
        arguments = list(map(str, arguments))
        self.name = os.path.basename(arguments[0])
        self._arguments = arguments
        self.screen = self.stdout = self.stderr = self.before = None
        error_read, error_write = os.pipe()
        if terminal:
            output_read, slave = pty.openpty()
            self.screen = output_read
            # Not later: on a busy machine the program may have the terminal by then.
            self.before = termios.tcgetattr(slave)
            # The first terminal that a session leader opens becomes its controlling one.
            arguments = ["sh", "-c", 'exec "$@" <"$0" >"$0"', os.ttyname(slave), *arguments]
            standard_input, output_write = subprocess.DEVNULL, slave
        else:
            output_read, output_write = (None, stdout) if stdout is not None else os.pipe()
            standard_input = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        if descriptors is not None:
            soft, hard = descriptors if isinstance(descriptors, tuple) else [descriptors] * 2
            limit = f"ulimit -Sn {soft}; ulimit -Hn {hard}; " 'exec "$0" "$@"'
            arguments = ["sh", "-c", limit, *arguments]
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("SSL") and k != "PARLEY_CONFIG"}
        surroundings.update(LC_ALL="C.UTF-8", TERM="dumb", PYTHONUNBUFFERED="1",
                            XDG_CONFIG_HOME=str(ELSEWHERE))
        if not sealed and (os.geteuid() != 0 or IS_SANITIZED):
            # Else nobody but root sees a program's descriptors and I/O, or a sanitizer's report.
            surroundings.update(PARLEY_DUMPABLE="1")
        if IS_SANITIZED:
            # A sanitizer makes system calls of its own, which end a process that is confined.
            surroundings.update(PARLEY_TRACED="1")
        if sealed:
            surroundings.pop("PARLEY_DUMPABLE", None)
        surroundings.update(environment)
        try:
            self._child = subprocess.Popen(
                arguments, stdin=standard_input, stdout=output_write, stderr=error_write,
                cwd=folder, env=surroundings, start_new_session=True, bufsize=0,
                pass_fds=pass_fds)
        finally:
            os.close(error_write)
            # The slave stays open so that its attributes can be read when the program is gone.
            self._slave = output_write if terminal else None
            if not terminal and stdout is None:
                os.close(output_write)
        self.pid = self._child.pid
        groups.add(self.pid)
        self.stderr = self.listen(error_read)
        self.stdout = None if output_read is None else self.listen(output_read)
        when_done(owner, self._end)
        if stdin is not None and stdin is not PIPE:
            self.type(stdin)
            self.end_input()

    def listen(self, descriptor):
        """What collects one of the outputs."""
        return Output(descriptor, self)

    def __str__(self):
        return " ".join(word[:80] for word in self._arguments)

    @property
    def story(self):
        """Both outputs so far, for the message of a failed assertion."""
        out = "" if self.stdout is None else self.stdout.text
        return f"{self}\n--- stdout\n{out}\n--- stderr\n{self.stderr.text}"

    def type(self, text):
        """Give the program input, at its terminal or its pipe."""
        data = text.encode() if isinstance(text, str) else text
        try:
            if self.screen is not None:
                os.write(self.screen, data)
            else:
                self._child.stdin.write(data)
        except BrokenPipeError:
            pass  # It ended without reading all; what it said tells why.

    def end_input(self):
        if self.screen is not None:
            self.type("\x04")
        else:
            self._child.stdin.close()

    def signal(self, number):
        os.kill(self.pid, number)

    @property
    def complaints(self):
        """What it said on standard error but for the news that it is connected."""
        return [line for line in self.stderr.text.splitlines()
                if not line.startswith("parley: connected to ")]

    def attributes(self):
        """The settings of the program's terminal now; `before` are those that it was given with."""
        return termios.tcgetattr(self._slave)

    def wait(self):
        """Wait for the program's end; the exit status, negative where a signal was the end."""
        try:
            status = self._child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"never ended: {self.story}") from None
        self.stderr.finish()
        if self.stdout is not None and self.screen is None:
            self.stdout.finish()
        return status

    @property
    def running(self):
        return self.status is None

    @property
    def status(self):
        """How it ended, negative where a signal was the end; None where it runs."""
        return self._child.poll()

    def _end(self):
        kill(self.pid)
        self._child.wait(LIMIT)
        groups.discard(self.pid)
        if self._child.stdin is not None:
            self._child.stdin.close()
        if self._slave is not None:
            os.close(self._slave)
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.close()
