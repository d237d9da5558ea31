# SPDX-License-Identifier: Apache-2.0
"""Fifty hosts on addresses of this machine's loopback, of which five have something wrong, and recipes for them."""

import concurrent.futures
import dataclasses
import random
import re
import shlex
import socket
import time

import authority
from process import Output, Program, when_done
from remote_server import TableServer, shell
from support import LIMIT, PARLEY, REPOSITORY, new_folder, until

PAGE = REPOSITORY / "docs" / "operations.md"
COUNT = 50
TIME_OUT = 3
"""Seconds after which the client gives a host up."""
PAUSE = 1.5
"""Seconds that the slowest good host needs at least."""


def recipe(tool):
    """The page's command line that begins with `tool`."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE.read_text())
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()
             if line.split()[:1] == [tool]]
    if len(lines) != 1:
        raise AssertionError(f"{PAGE.name} has {len(lines)} recipes for {tool}")
    return lines[0]


@dataclasses.dataclass
class Call:
    """One run of the client: how long it took, and its exit status."""

    seconds: float
    status: int


class Fleet:
    """Each good host has a certificate for its own address only; all listen at one port."""

    def __init__(self, owner):
        # Others may test on this machine, too.
        network = f"127.{random.randrange(64, 128)}.{random.randrange(256)}"
        names = [f"{network}.{number}" for number in range(1, COUNT + 1)]
        # Neither first nor last, so that others come before and after.
        self.dead, self.silent, self.untrusted = [names[1], names[20], names[40]], names[10], names[30]
        self.bad = {**dict.fromkeys(self.dead, (255, "Connection refused")),
                    self.silent: (255, f"handshake timed out.*within {TIME_OUT} s"),
                    self.untrusted: (254, "certificate")}
        """The exit status and the reason of each host that can't be asked."""
        self.good = {name: 3 if number % 10 == 7 else 0 for number, name in enumerate(names)
                     if name not in self.bad}
        """The exit status of the command on each of the others."""
        self._slow = names[25]
        self._owner, self._folder = owner, new_folder()
        for name in [*self.good, self.untrusted]:
            by = authority.good("other") if name == self.untrusted else None
            authority.issue(self._folder, name, names=f"IP:{name}", authority=by)
        self.port = self._serve(names[0], 0)
        with concurrent.futures.ThreadPoolExecutor(4) as several:
            list(several.map(lambda name: self._serve(name, self.port), [*list(self.good)[1:], self.untrusted]))
        # The kernel accepts, and nobody answers.
        silent = socket.create_server((self.silent, self.port))
        when_done(owner, silent.close)
        self.hosts = "".join(f"{name}\n" for name in names)

    def _serve(self, name, port):
        files = self._folder / name
        status = self.good.get(name, 0)
        says = f'sleep {PAUSE if name == self._slow else 0}; echo "{name} has $1"; '
        if status:
            says += f'echo "{name} is full" >&2; exit {status}'
        table = {"disk": shell(says, "path", arguments={"path": "/[a-z]*"})}
        server = TableServer(
            self._owner, table, host=name, port=port, certs=["--cert", f"{files}.pem", "--key", f"{files}.key"])
        return server.port

    def drive(self, owner, line, **environment):
        """Run one of the page's lines in a folder with the file `hosts`, as a user whose client knows the port."""
        folder = new_folder()
        (folder / "hosts").write_text(self.hosts)
        program = folder / "parley"
        program.write_text(f"""\
#!/bin/sh
shift
begun=$(date +%s%N)
{PARLEY} run --certs {shlex.quote(str(authority.good()))} --port {self.port} \\
    --connect-timeout {TIME_OUT} --handshake-timeout {TIME_OUT} "$@"
status=$?
echo "$1 $begun $(date +%s%N) $status" >>{folder}/calls
exit $status
""")
        program.chmod(0o700)
        return Drive(owner, line, folder, environment)


class Drive(Program):
    """A tool that asks the fleet."""

    def __init__(self, owner, line, folder, environment):
        self.folder = folder
        self._begun = time.monotonic()
        path = {"PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
        super().__init__(owner, ["sh", "-c", line], folder=folder, environment={**path, **environment})

    def listen(self, descriptor):
        return Timed(descriptor, self)

    def wait(self):
        # Ansible starts a Python for each host.
        until(lambda: not self.running, seconds=4 * LIMIT)
        status = super().wait()
        self.seconds = time.monotonic() - self._begun
        return status

    @property
    def calls(self):
        """What became of each of the client's runs, by host."""
        rows = [line.split() for line in (self.folder / "calls").read_text().splitlines()]
        return {host: Call((int(ended) - int(begun)) / 1e9, int(status)) for host, begun, ended, status in rows}

    def shown(self, pattern):
        """Seconds until the last line that has `pattern` was on standard output."""
        return max(moment for moment, line in self.stdout.lines if re.search(pattern, line)) - self._begun

    def of(self, host, mark=": "):
        """What was said with a label of this host, on both outputs."""
        label = f"{host}{mark}"
        return "".join(f"{line.removeprefix(label)}\n" for line in
                       (self.stdout.text + self.stderr.text).splitlines() if line.startswith(label))


class Timed(Output):
    """An output whose lines have the moment at which they came."""

    def __init__(self, *how):
        self.lines, self._rest = [], ""
        super().__init__(*how)

    def heard(self, chunk):
        *lines, self._rest = (self._rest + chunk.decode("utf-8", "replace")).split("\n")
        self.lines += [(time.monotonic(), line) for line in lines]
