# SPDX-License-Identifier: Apache-2.0
"""`parley run` under test: a server with programs for it, and a false server that says anything."""

import json
import pathlib
import re
import shlex
import socket

import authority
from parley1 import ALPN, FROM_CLIENT, RUN, Decoder
from remote_server import TableServer, shell
from strangers import Stub, reset, server_context
from support import PARLEY, SCRATCH, Program, TestCase, eventually, security

PIECE = bytes(range(256)) * 256
"""64 KiB in which every byte is another than its neighbours."""


COMMANDS = {
    "Hello": {"reply": "Greetings!"},
    "quit": {"reply": "Closing down", "close": True},
    "cat": shell("exec cat", input=True, output=1 << 40),
    "status": shell('exit "$1"', "number"),
    "signal": shell('kill -"$1" $$', "number"),
    "say": shell('printf %s "$1"', "text"),
    "complain": shell('printf %s "$1" >&2; exit "$2"', "text", "number"),
    "apart": shell('while read -r line; do echo "$line"; echo "$line" >&2; done', input=True),
    "head": shell("head -c 5; exec <&-", input=True),
    # They say their process group, so that a test sees it gone.
    "wait": shell("echo $$; exec sleep 600"),
    "stay": shell("trap 'echo no' TERM; echo $$; while :; do sleep 0.1; done", timeout=900),
    # Said by the child: a signal that comes between its fork and its exec is lost to the shell's trap.
    "tidy": shell("trap 'echo tidied; kill $!; exit 3' TERM; "
                  "sh -c 'echo $PPID; exec sleep 600' & wait"),
    "late": shell("sleep 600", timeout=0.2),
    "much": shell("head -c 100000 /dev/zero", output=5000),
    "endless": shell("echo $$ >&2; exec yes", output=1 << 50),
    "noisy": shell("echo $$; exec yes >&2", output=1 << 50),
    "stall": shell("echo $$; exec sleep 600", input=True),
    "one": shell("echo $$; exec sleep 600", concurrency=1),
    "quiet": shell('sleep "$1"; echo done', "seconds"),
    "hold": shell('echo held; read -r line <"$1"', "fifo"),
    "path": shell('printf %s "$1"', "path", arguments={"path": "/[a-z]*"}),
    "nobody": {"run": ["/bin/true"]},
}


class Commands(TableServer):
    """A `parleyd command` whose table is `commands`."""

    def __init__(self, owner, *options, commands=COMMANDS, **how):
        super().__init__(owner, commands, *options, **how)


class Run(Program):
    """A `parley run` that talks to `port`; `shell` are redirections in a shell's words."""

    def __init__(self, owner, port, *command, options=(), certs=None, shell="", **how):
        words = ["--", *command] if command else []
        arguments = [PARLEY, "run", *security(certs or authority.good()), *options,
                     f"127.0.0.1:{port}", *words]
        self.line = shlex.join(arguments)
        self.place = f"127.0.0.1:{port}"
        if shell:
            arguments = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *arguments]
        super().__init__(owner, arguments, **how)
        self.name = "parley"

    @property
    def outcome(self):
        """The one object of `--json`, which is the last line of standard error."""
        self.wait()
        return json.loads(self.stderr.text.splitlines()[-1])

    @property
    def outcomes(self):
        self.wait()
        return [json.loads(line) for line in self.stderr.text.splitlines()]

    def started(self):
        """The process group of the program that it runs, which says it first."""
        return int(self.stdout.expect(r"(?m)^(\d+)\r?$")[1])

    def interrupt(self):
        """Type Ctrl-C; when this returns it was taken, so that a next one is another."""
        self.type("\x03")
        self.stdout.expect(r"\^C")
        pending = pathlib.Path(f"/proc/{self.pid}/status")
        eventually(
            lambda: not self.running or not re.search(
                r"(?m)^ShdPnd:.*[2367abef].$", pending.read_text()), "the interrupt")


PACKETS = "seq 2000000 | head -c 12288000 | dd bs=4096 iflag=fullblock oflag=direct status=none"
"""Writes lines into a pipe that keeps each write as a packet: whoever reads less at a time loses the rest of it."""


def in_packets():
    """What that writes."""
    return "".join(f"{number}\n" for number in range(1, 2_000_001))[:12_288_000]


# How a connection can end.

def close_notify(connection):
    connection.unwrap()


def fin(connection):
    """TCP's end without TLS's."""
    connection.shutdown(socket.SHUT_RDWR)


def silence(connection):
    """Nothing more, until the client has enough."""
    while connection.recv(4096):
        pass


class RunTestCase(TestCase):
    """With one server for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls)

    def run_it(self, *command, **how):
        return Run(self, self.server.port, *command, **how)

    def file(self, content=b""):
        path = SCRATCH / self.id()
        path.write_bytes(content)
        return path


class FalseServer(Stub):
    """Reads one run and answers it with `frames`, whatever they are, and then `end`s."""

    def __init__(self, owner, frames, end=close_notify, protocols=(ALPN,)):
        context = server_context(client_ca=authority.good() / "ca.pem")
        context.set_alpn_protocols(list(protocols))

        def handle(connection):
            decoder = Decoder(FROM_CLIENT)
            while not (asked := decoder.take()):
                chunk = connection.recv(decoder.missing)
                if not chunk:
                    raise ConnectionError("the client ended within a frame")
                decoder.feed(chunk)
            assert asked[0] == RUN, asked
            connection.sendall(frames)
            end(connection)

        super().__init__(owner, handle, context)


ENDS = {"with close_notify": close_notify, "without close_notify": fin, "with a reset": reset}
