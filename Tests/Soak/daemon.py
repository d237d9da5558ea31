# SPDX-License-Identifier: Apache-2.0
"""A `parleyd` of the soak: its log as it comes, and what /proc says about it."""

import collections
import re
import resource
import signal
import subprocess
import threading
import time

from support import ELSEWHERE, PARLEYD, Watched, _groups, _kill

PATIENCE = 20.0
"""Seconds in which a server must say what it is waited for."""
MOST_STRANGE = 40
"""Lines that are told, of a crash's backtrace for instance."""
READY = re.compile(r"parleyd: listening on \S+:(\d+) ")


class Daemon(Watched):
    """`judge` is asked about each line of its log and returns what is wrong with it, or None."""

    def __init__(self, name, arguments, judge, complain, descriptors=None, operator=None,
                 wrapper=()):
        self.name, self.judge, self.complain = name, judge, complain
        self.lines, self.last_words = 0, collections.deque(maxlen=6)
        self.is_ending = False
        self._news = collections.deque(maxlen=1000)
        self._changed = threading.Condition()

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.process = subprocess.Popen(
            [*wrapper, PARLEYD, *arguments], cwd=ELSEWHERE, preexec_fn=limit,
            start_new_session=True,
            stdin=subprocess.PIPE if operator else subprocess.DEVNULL,
            stdout=subprocess.PIPE if operator else subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        _groups.add(self.pid)
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        if operator:
            self._threads.append(threading.Thread(
                target=operator, args=(self.process.stdin, self.process.stdout), daemon=True))
        for thread in self._threads:
            thread.start()
        self.port = int(READY.search(self.wait("listening on", 0))[1])

    def _listen(self):
        strange = 0
        for line in self.process.stderr:
            line = line.decode("utf-8", "backslashreplace").rstrip("\n")
            with self._changed:
                self.lines += 1
                self.last_words.append(line)
                if not re.search(r": session (ended|failed)| refused: ", line):
                    self._news.append((self.lines, line))
                    self._changed.notify_all()
            wrong = self.judge(line)
            if wrong and strange < MOST_STRANGE:
                strange += 1
                self.complain(f"{self.name}: {wrong}: {line[:400]}")
        with self._changed:
            self._changed.notify_all()
        if not self.is_ending:
            status = self.process.wait()
            self.complain(f"{self.name} ended with {status}; its last words: "
                          f"{' | '.join(self.last_words)}")

    @property
    def is_running(self):
        return self.process.poll() is None

    def mark(self):
        with self._changed:
            return self.lines

    def wait(self, pattern, since):
        """The first line after `since` (of `mark`) that matches, but for those about sessions."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for number, line in self._news:
                    if number > since and re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self.is_running:
                    raise AssertionError(f"{self.name} never said {pattern!r}; its last words: "
                                         f"{' | '.join(self.last_words)}")
                self._changed.wait(min(left, 1))

    def reload(self, *patterns):
        """SIGHUP, until a line came for each pattern."""
        since = self.mark()
        self.process.send_signal(signal.SIGHUP)
        for pattern in patterns:
            self.wait(pattern, since)

    def stop(self):
        """A polite end; what is wrong with it, or None."""
        self.is_ending = True
        if not self.is_running:
            return f"it had ended with {self.process.returncode}"
        self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it still ran 20 s after SIGTERM"
        self.kill()
        return f"it ended with {status}" if status else None

    def kill(self):
        self.is_ending = True
        _kill(self.pid)
        self.process.wait()
        _groups.discard(self.pid)
        for thread in self._threads:
            thread.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass  # An operator's answer that nobody waits for any more.
