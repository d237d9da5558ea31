# SPDX-License-Identifier: Apache-2.0
"""The audit trail in systemd's journal, which is a socket of the test's here, at the journal's own path."""

import json
import shlex
import signal
import socket
import struct
import unittest

import authority
from conditions import only_root, works
from parley1 import UNAVAILABLE
from remote_server import TableServer, program, write_table
from server import AS_NETWORK, AS_SOMEBODY
from support import LIMIT, PARLEYD, Program, TestCase, new_folder

COMMANDS = {"echo": program("/bin/echo", "{word}", arguments={"word": "([a-z]|[[:space:]])+"}), "true": program("/bin/true")}

def fields(datagram):
    """An entry's fields, as the journal's native protocol has them."""
    found = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if not is_text:
            size, = struct.unpack("<Q", rest[:8])
            value, rest = rest[8:8 + size], rest[8 + size:]
            assert rest[:1] == b"\n", datagram
            rest = rest[1:]
        assert name not in found, datagram
        found[name.decode()] = value.decode()
        datagram = rest
    return found


class Journal:
    """Takes entries; `wrapper` starts a program for which it is the machine's."""

    def __init__(self, owner):
        self._owner, self._folder = owner, new_folder()
        self._socket = None
        self.wrapper = ["unshare", "--mount", "sh", "-c", " && ".join((
            "mount -t tmpfs none /run", "mkdir -p /run/systemd/journal",
            f"mount --bind {shlex.quote(str(self._folder))} /run/systemd/journal", 'exec "$0" "$@"'))]
        if not works(*self.wrapper, "true"):
            owner.skipTest("nothing may be mounted here")

    def begin(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._owner.addCleanup(self._socket.close)
        self._socket.bind(str(self._folder / "socket"))
        self._socket.settimeout(LIMIT)
        return self

    def end(self):
        self._socket.close()
        (self._folder / "socket").unlink()

    def until(self, event):
        """The next entry of that event; those before it are left out."""
        while True:
            entry = fields(self._socket.recv(1 << 20))
            if entry["PARLEY_EVENT"] == event:
                return entry


@only_root("can have a journal of its own")
class InTheJournal(TestCase):

    def server(self, journal):
        return TableServer(self, COMMANDS, "--audit", "journal", wrapper=journal.wrapper)

    def test_a_command_is_in_the_file_and_in_the_journal(self):
        journal = Journal(self).begin()
        server = self.server(journal)
        session = server.session(self)
        self.assertEqual(session.ask("echo", "a\nb").lines, ["a", "b"])
        end = server.end_of(session)
        start = server.records("command-start")[0]
        for record in (start, end):
            entry = journal.until(record["event"])
            given = {name: value for name, value in entry.items() if name.startswith("PARLEY_")}
            self.assertEqual(set(given), {f"PARLEY_{name.upper()}" for name in record})
            for name, value in record.items():
                found = given[f"PARLEY_{name.upper()}"]
                self.assertEqual(found if isinstance(value, str) else json.loads(found), value)
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "parleyd")
            self.assertIn("'echo' [\"a\\u000ab\"]", entry["MESSAGE"])
        # SIGHUP is the file's business.
        server.reload()
        self.assertEqual(journal.until("reload")["PARLEY_OUTCOME"], "in-force")

    def test_nothing_starts_while_the_journal_is_away(self):
        journal = Journal(self).begin()
        server = self.server(journal)
        session = server.session(self)
        session.ask("true")
        journal.until("command-end")
        journal.end()
        for _ in range(2):
            self.assertEqual(session.ask("true").code, UNAVAILABLE)
        server.stderr.expect("an audit record is not in the journal: it accepts no entries")
        journal.begin()
        self.assertEqual(session.ask("echo", "back").lines, ["back"])
        self.assertEqual(journal.until("command-start")["PARLEY_LOST_BEFORE"], "2")
        self.assertEqual(server.stderr.text.count("not in the journal"), 1)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        journal.until("session-end")

    def test_a_start_and_a_check_without_a_journal_say_so(self):
        journal = Journal(self)
        table = write_table(new_folder() / "commands.json5", COMMANDS)
        certs = authority.good()
        words = [*journal.wrapper, PARLEYD]
        options = ["command", *AS_NETWORK, *AS_SOMEBODY, "--port", "0", "--certs", str(certs), "--client-ca",
                   str(certs / "ca.pem"), "--commands", str(table), "--audit", "journal"]
        for verb in ((), ("check",)):
            refused = Program(self, [*words, *verb, *options])
            self.assertStatus(refused, 78)
            self.assertRegex(
                refused.stderr.text, r"^parleyd: the audit trail cannot be sent to the journal at /run/systemd/journal/socket "
                                     r"\(No such file or directory\); specify a file with --audit\n$")
        journal.begin()
        check = Program(self, [*words, "check", *options])
        self.assertStatus(check, 0)
        check.stdout.finish()
        self.assertIn("The audit trail goes to the journal.", check.stdout.text)
        self.assertNotIn("of its disk", check.stdout.text)


if __name__ == "__main__":
    unittest.main()
