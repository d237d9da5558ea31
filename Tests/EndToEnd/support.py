# SPDX-License-Identifier: Apache-2.0
"""What every test needs: programs under watch, and waits that end."""

import atexit
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

import inherited

LIMIT = 30.0
"""Seconds that any single wait may take; a healthy program needs far less on a busy machine."""

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PROGRAMS = pathlib.Path(os.environ.get("PARLEY_BIN") or REPOSITORY / ".build" / "debug").resolve()
PARLEY = str(PROGRAMS / "parley")
PARLEYD = str(PROGRAMS / "parleyd")
PEERS = str(HERE / "peers.py")

IS_SANITIZED = b"__asan_init" in pathlib.Path(PARLEYD).read_bytes()
measures_memory = unittest.skipIf(
    IS_SANITIZED, "AddressSanitizer keeps what is freed, and sets limits of its own")
"""Marks a test that looks at how much memory a program holds, or at its limits."""

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="parley-tests-"))
ELSEWHERE = SCRATCH / "elsewhere"
"""An empty working folder: no program finds certificates by chance."""
ELSEWHERE.mkdir()

PIPE = object()
"""As `stdin`: the input stays open and the test writes to it."""


_groups = set()
"""The process groups that run."""


def _kill(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It ended before.


@atexit.register
def _leave_nothing():
    """A run that is broken off leaves no process and no file behind either."""
    for group in _groups:
        _kill(group)
    shutil.rmtree(SCRATCH, ignore_errors=True)


inherited.shed()
# unittest takes SystemExit for a failure of one test; this ends the run.
signal.signal(signal.SIGTERM, signal.default_int_handler)


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
            if not chunk:
                return

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


class Program:
    """A child process in a session of its own; killed with its descendants when `owner` is done.

    With `terminal`, standard input and output are a pseudo-terminal; standard error never is.
    """

    def __init__(self, owner, arguments, *, stdin=None, terminal=False, descriptors=None,
                 stdout=None, folder=ELSEWHERE, environment=(), sealed=False, pass_fds=()):
        self.name = os.path.basename(arguments[0])
        self._arguments = arguments
        self.screen = None
        error_read, error_write = os.pipe()
        if terminal:
            output_read, slave = pty.openpty()
            self.screen = output_read
            # The first terminal that a session leader opens becomes its controlling one.
            arguments = ["sh", "-c", 'exec "$@" <"$0" >"$0"', os.ttyname(slave), *arguments]
            standard_input, output_write = subprocess.DEVNULL, slave
        else:
            output_read, output_write = (None, stdout) if stdout is not None else os.pipe()
            standard_input = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        if descriptors is not None:
            arguments = ["sh", "-c", 'ulimit -n "$0"; exec "$@"', str(descriptors), *arguments]
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("SSL")}
        surroundings.update(LC_ALL="C.UTF-8", TERM="dumb", PYTHONUNBUFFERED="1",
                            XDG_CONFIG_HOME=str(ELSEWHERE))
        if not sealed and (os.geteuid() != 0 or IS_SANITIZED):
            # Else nobody but root sees a program's descriptors and I/O, or a sanitizer's report.
            surroundings.update(PARLEY_DUMPABLE="1")
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
        _groups.add(self.pid)
        self.stderr = Output(error_read, self)
        self.stdout = None if output_read is None else Output(output_read, self)
        (owner.addClassCleanup if isinstance(owner, type) else owner.addCleanup)(self._end)
        if stdin is not None and stdin is not PIPE:
            self.type(stdin)
            self.end_input()

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
        """The settings of the program's terminal."""
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
        return self._child.poll() is None

    def _end(self):
        _kill(self.pid)
        self._child.wait(LIMIT)
        _groups.discard(self.pid)
        if self._child.stdin is not None:
            self._child.stdin.close()
        if self._slave is not None:
            os.close(self._slave)
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.close()


def security(certs):
    """The options for `certs`: None is plaintext, a folder has all, a list names them itself."""
    if certs is None:
        return ["--plaintext"]
    return certs if isinstance(certs, list) else ["--certs", str(certs)]


def processes():
    """(pid, state, parent, group) of each process that there is."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        yield int(folder.name), fields[0], int(fields[1]), int(fields[2])


def members(group):
    """The processes of a group, but for orphans whom their new parent, mostly init, has yet to see off.

    Which process adopts orphans, and how soon it sees them off, is the machine's affair; zombies of
    a program under watch are the program's.
    """
    return [pid for pid, state, parent, its in processes()
            if its == group and (state != "Z" or parent in _groups)]


def gone(group):
    """Wait until no process of a group is left.

    The end of a command is told when its processes have been killed, which they may outlive a little.
    """
    eventually(lambda: not members(group), f"the end of process group {group}")


class Watched:
    """What can be seen of a process, whose `pid` it has, from outside."""

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def children(self):
        """The processes that it started and has not seen end, zombies among them."""
        return [pid for pid, _, parent, _ in processes() if parent == self.pid]

    @property
    def memory(self):
        """Its resident memory in KiB."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


class Server(Watched, Program):
    """A `parleyd` on a port of the kernel's choice that has said that it listens.

    `wrapper` are words that start it, such as `setpriv` with its options.
    """

    def __init__(self, owner, protocol, *options, certs=None, host="127.0.0.1", wrapper=(), **how):
        where = ["--host", host] if host else []
        words = [*wrapper, PARLEYD, protocol, "--port", "0", *where, *security(certs), *options]
        super().__init__(owner, words, **how)
        ready = self.stderr.expect(r"parleyd: listening on (\S+):(\d+) \(([^)\n]*)\)\n")
        self.host, self.port, self.mode = ready[1], int(ready[2]), ready[3]

    def _end(self):
        try:
            if "detect_leaks=1" in os.environ.get("ASAN_OPTIONS", "") and self.running:
                self._exit()
        finally:
            super()._end()

    def _exit(self):
        """Leaks are looked for when a program exits, not when it is killed."""
        self.signal(signal.SIGCONT)
        for _ in range(2):  # The second one ends it with its sessions open.
            self.signal(signal.SIGTERM)
            try:
                self._child.wait(3)
                break
            except subprocess.TimeoutExpired:
                pass
        else:
            raise AssertionError(f"two signals did not end it: {self.story}")
        self.stderr.finish()
        if "LeakSanitizer" in self.stderr.text:
            raise AssertionError(f"it leaks: {self.story}")


class Client(Program):
    """A `parley` that talks to `port`."""

    def __init__(self, owner, protocol, port, *options, certs=None, host="127.0.0.1",
                 messages=None, **how):
        words = [] if messages is None else ["--", *messages]
        super().__init__(
            owner,
            [PARLEY, protocol, *security(certs), *options, f"{host}:{port}", *words], **how)


class TestCase(unittest.TestCase):
    """Assertions about programs."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not (os.access(PARLEY, os.X_OK) and os.access(PARLEYD, os.X_OK)):
            raise AssertionError(f"no executables in {PROGRAMS}; build them or set PARLEY_BIN")

    def assertStatus(self, program, *expected):
        status = program.wait()
        self.assertIn(status, expected, f"exit status of {program.story}")

    def assertAlert(self, error):
        """The failure of a Python peer is an alert that ours has sent, not a mere end."""
        self.assertIn("ALERT", getattr(error, "reason", None) or repr(error))

    def assertFails(self, program, status, *words):
        """It ends with `status` and one sentence on standard error that matches all `words`."""
        self.assertStatus(program, status)
        self.assertEqual(len(program.complaints), 1, program.story)
        sentence = program.complaints[0]
        self.assertRegex(sentence, rf"^{program.name}: ")
        for word in words:
            self.assertRegex(sentence, f"(?i){word}")


def peer(owner, protocol, role, port=0, certs=None, **how):
    """Start one of the Python counterparts; a server's `port` is in the result."""
    options = ["--certs", str(certs)] if certs else []
    program = Program(owner, [sys.executable, PEERS, protocol, role, str(port), *options], **how)
    program.port = int(program.stderr.expect(r"port (\d+)\n")[1]) if role == "server" else port
    return program


def eventually(condition, what):
    """Wait for a `condition` that nothing announces."""
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        pause.wait(0.02)
