# SPDX-License-Identifier: Apache-2.0
"""A `parleyd command` with a table of programs, entries for tables, and assertions about outcomes."""

import json
import pathlib
import signal
import sys
import unittest

import authority
from people import client
from process import when_done
from remote import Session
from server import IS_ROOT
from support import HERE, Server, eventually, kill, members, new_folder

PYTHON = sys.executable
REPLIES = {
    "Hello": {"reply": "Greetings!"},
    "Are you there?": {"reply": "Yes, I am here!"},
    "quit": {"reply": "Closing down", "close": True},
}


def fixture(name, *arguments, **entry):
    """An entry for one of the programs in `programs`, which anybody may run."""
    script = str(HERE / "programs" / name)
    first = [PYTHON, script] if name.endswith(".py") else ["/bin/sh", script]
    return program(*first, *arguments, **entry)


def program(*words, **entry):
    return {"run": list(words), "allow": ["anyone"], **entry}


def shell(script, *arguments, pattern="[^-].*", **entry):
    """An entry that a POSIX shell runs; `arguments` are the names of its arguments."""
    patterns = {"arguments": {name: pattern for name in arguments}} if arguments else {}
    names = [f"{{{name}}}" for name in arguments]
    return program("/bin/sh", "-c", script, "sh", *names, **{**patterns, **entry})


def as_root(commands):
    """Root's programs run as root if their entries name no user: the tests' folders are closed to others."""
    return {name: {"user": "root", **entry} if "run" in entry else entry
            for name, entry in commands.items()}


def write_table(path, commands, groups=None, are_roots=IS_ROOT):
    """Replace a table as one step, so that no reader finds half of it."""
    commands = as_root(commands) if are_roots else commands
    text = json.dumps({"groups": groups or {}, "commands": commands}, indent=1)
    new = authority.write(path.with_suffix(".new"), text)
    new.rename(path)
    return path


class TableServer(Server):
    """A `parleyd command` with a table; clients must have certificates.

    Its audit trail and its table are in `folder`, which `files` may name; without `commands` the table is there already.
    """

    def __init__(self, owner, commands, *options, groups=None, audit=None, files=None, certs=None,
                 trust=None, **how):
        self.folder = pathlib.Path(files or new_folder())
        self.table = self.folder / "commands.json5"
        if commands is not None:
            write_table(self.table, commands, groups)
        self.audit = pathlib.Path(audit or self.folder / "audit.jsonl")
        super().__init__(
            owner, "command", "--quiet", "--client-ca", trust or authority.good() / "ca.pem",
            "--commands", self.table, "--audit", self.audit, *options,
            certs=certs or authority.good(), **how)

    def session(self, owner, name="client"):
        return Session(owner, self.port, client(name))

    def replace(self, commands, groups=None):
        """Another table, which the server has read when this returns."""
        write_table(self.table, commands, groups)
        self.reload()

    def reload(self):
        self.signal(signal.SIGHUP)
        # One line for the certificates, one for the table.
        return self.stderr.expect(r"(?:parleyd: SIGHUP: [^\n]*\n){2}")[0]

    def records(self, event=None):
        """What the audit trail says so far; every line must be one JSON object."""
        # A reader may come upon a line whose write is under way.
        lines = self.audit.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
        found = [json.loads(line) for line in lines]
        return [record for record in found if event in (None, record["event"])]

    def end_of(self, session):
        """The record of the end of a session's last program, which is written after its exit."""
        address = "%s:%d" % session.stream.getsockname()

        def of(event):
            return [record for record in self.records(event) if record["address"] == address]
        eventually(lambda: len(of("command-start")) == len(of("command-end")), "a record of an end")
        return of("command-end")[-1]


class RemoteServer(TableServer):
    """Must leave nothing behind when it ends: no program, no descriptor, no process group."""

    def __init__(self, owner, commands, *options, **how):
        super().__init__(owner, commands, *options, **how)
        self._descriptors = self.descriptors
        when_done(owner, self._leave_nothing)

    def _leave_nothing(self):
        """Sessions are closed by now; whatever still runs is the server's fault."""
        if not self.running:
            return
        try:
            eventually(lambda: not self.children, f"the end of all programs of {self.story}")
        finally:
            for child in self.children:
                kill(child)
        ours = set()
        if self.audit.is_file():
            ours = {end["pid"] for end in self.records("command-end") if "pid" in end}
        left = {group for group in ours if members(group)}
        for group in left:
            kill(group)
        if left:
            raise AssertionError(f"process groups were left behind: {left}")
        eventually(lambda: self.descriptors <= self._descriptors, "closed descriptors")
        self.signal(signal.SIGTERM)
        status = self.wait()
        if status:
            raise AssertionError(f"ended with {status}: {self.story}")


class Outcomes:
    """Assertions about what a command came to."""

    def assertEnded(self, outcome, how, number):
        self.assertEqual((outcome.code, outcome.ended), (None, (how, number)), outcome)

    def assertRefused(self, outcome, code, *words):
        """With `code` and a sentence for people that matches all `words`."""
        self.assertEqual((outcome.ended, outcome.code), (None, code), outcome)
        self.assertEqual((outcome.output, outcome.errors), (b"", b""))
        self.assertSentence(outcome.sentence, *words)

    def assertSentence(self, sentence, *words):
        self.assertTrue(sentence and sentence.isprintable(), sentence)
        self.assertLessEqual(len(sentence.encode()), 1_000)
        for word in words:
            self.assertRegex(sentence, f"(?i){word}")


class RemoteTestCase(Outcomes, unittest.TestCase):
    """A server for all tests of a class, which has `COMMANDS` and takes `OPTIONS`."""

    maxDiff = None
    COMMANDS = REPLIES
    GROUPS = {}
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = RemoteServer(cls, cls.COMMANDS, *cls.OPTIONS, groups=cls.GROUPS)

    def session(self, name="client"):
        return self.server.session(self, name)
