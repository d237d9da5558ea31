# SPDX-License-Identifier: Apache-2.0
"""The two programs, started: a `parleyd` that has said where it listens, and a `parley` that talks to it."""

import os
import pathlib
import pwd
import signal
import subprocess

from ground import PARLEY, PARLEYD, processes
from process import Program


def security(certs):
    """The options for `certs`: None is plaintext, a folder has all, a list names them itself."""
    if certs is None:
        return ["--plaintext"]
    return certs if isinstance(certs, list) else ["--certs", str(certs)]


READY = r"parleyd: listening on (\S+):(\d+) \(([^)\n]*)\)\r?\n"


def _own():
    """Who these tests run as; one that has no name is called by its number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


IS_ROOT, OWN = os.geteuid() == 0, _own()
SOMEBODY = "nobody" if IS_ROOT else OWN
"""The user of programs whose table entry names none: Parley's own accounts don't exist here."""
AS_SOMEBODY = ["--program-user", SOMEBODY] if IS_ROOT else []
NETWORK = "daemon" if IS_ROOT else OWN
"""The user of the network process: one that every system has, and that no program runs as."""
AS_NETWORK = ["--network-user", NETWORK] if IS_ROOT else []


TRUSTING = ["--trusted-address", "127.0.0.0/8", "--max-handshakes", "100000"]
"""All clients of most tests have one address, many of them are bad ones, and some take every descriptor."""


def parleyd(protocol, *options, certs=None, host="127.0.0.1", program=PARLEYD, network=AS_NETWORK,
            trusting=TRUSTING, port=0):
    """The words of a server, which may listen or refuse to start."""
    where = ["--host", host] if host else []
    who = AS_SOMEBODY if protocol == "command" and "--program-user" not in options else []
    network = [] if "--network-user" in options else network
    return [program, protocol, "--port", str(port), *where, *security(certs), *who, *network, *trusting, *options]


def _name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None  # It ended meanwhile.


def _words(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


class Server(Program):
    """A `parleyd` on a port of the kernel's choice that has said that it listens.

    `wrapper` are words that start it, such as `setpriv` with its options; `program` is the one that is started;
    `trusting` are those that leave out limits by address.
    """

    def __init__(self, owner, protocol, *options, certs=None, host="127.0.0.1", wrapper=(), program=PARLEYD,
                 trusting=TRUSTING, port=0, **how):
        network = [] if "setpriv" in wrapper else AS_NETWORK
        words = parleyd(protocol, *options, certs=certs, host=host, program=program, network=network,
                        trusting=trusting, port=port)
        super().__init__(owner, [*wrapper, *words], **how)
        ready = self.ready()
        self.host, self.port, self.mode = ready[1], int(ready[2]), ready[3]

    @property
    def network(self):
        """The number of the process that serves the network; None where it has none any more."""
        return self.serving(self.pid)

    @property
    def warden(self):
        """The number of the process that ends commands if the server is killed; None where there is none."""
        return self.warding(self.pid)

    @staticmethod
    def serving(broker):
        for pid, state, parent, _ in processes():
            if parent == broker and state != "Z" and _name(pid) == "parleyd-network":
                return pid
        return None

    @staticmethod
    def warding(broker):
        for pid, state, parent, _ in processes():
            # It has its name only when it runs.
            if parent == broker and state != "Z" and _words(pid)[1:] == ["warden"]:
                return pid
        return None

    @property
    def parts(self):
        return [pid for pid in (self.pid, self.network, self.warden) if pid is not None]

    def ready(self):
        """The line that says where it listens, when it has come."""
        return self.stderr.expect(READY)

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
        self.place = f"{host}:{port}"
        super().__init__(
            owner,
            [PARLEY, protocol, *security(certs), *options, self.place, *words], **how)
