# SPDX-License-Identifier: Apache-2.0
"""The audit trail: what each line says, what it never lets through, and where it can't be kept."""

import json
import re
import resource
import unittest

import authority
from parley1 import (
    BAD_ARGUMENT, BY_ITSELF, BY_SIGNAL, CANCEL, MALFORMED, OUTPUT, TOO_LARGE, UNAVAILABLE, UNKNOWN,
    run)
from people import client, serial
from remote import Session
from remote_server import REPLIES, RemoteServer, RemoteTestCase, program
from strangers import client_context, connect, read_to_end
from support import SCRATCH, eventually

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"
HOSTILE = ('","event":"command-start","x":"', 'line\n{"event":"session-end"}\n',
           "\x1b[2J\x1b]0;t\x07", "\r\x00\x7f\x85\x9b",
           "\u2028\u2029\u202e\ufeff", "𝄞é", "\\u0000\\", "x" * 5_000)
COMMANDS = {
    **REPLIES,
    "cat": program("/bin/cat", input=True),
    "echo": program("/bin/echo", "{text}", arguments={"text": "(.|[[:space:]])*"}),
    "login": program("/bin/echo", "{user}", "{password}", arguments={
        "user": ".*", "password": {"pattern": "[^ ]*", "secret": True}}),
    "wait": program("/bin/sh", "-c", "echo $$; exec sleep 30"),
}


class Lines(RemoteTestCase):
    """Every line is one JSON object that says who, from where, what, when and how it ended."""

    COMMANDS = COMMANDS

    def of(self, session, event, count=1):
        """At least that many of a session's records, as soon as they exist."""
        address = "%s:%d" % self.names[session]

        def found():
            return [record for record in self.server.records(event)
                    if record.get("address") == address]
        eventually(lambda: len(found()) >= count, f"{count} of {event} from {address}")
        return found()

    def session(self, name="client"):
        session = super().session(name)
        self.names[session] = session.stream.getsockname()
        return session

    def setUp(self):
        self.names = {}

    def test_the_log_and_the_trail_and_whoami_name_a_client_alike(self):
        folder = SCRATCH / "mixed"
        folder.mkdir()
        authority.issue(folder, "mixed", names="DNS:10.0.0.1,DNS:a/b,DNS:MIXED.example", purpose="clientAuth")
        session = Session(self, self.server.port, folder / "mixed")
        self.names[session] = session.stream.getsockname()
        self.assertIn(b"dns:mixed.example", session.ask("whoami").output)
        record = self.of(session, "session-start")[0]
        self.assertEqual((record["identity"], record["names"]), ("dns:mixed.example", ["dns:mixed.example"]))
        address = "%s:%d" % self.names[session]
        session.stream.unwrap()
        self.server.stderr.expect(re.escape(f"parleyd: {address} dns:mixed.example TLSv1.3 "))

    def test_a_command_leaves_its_start_and_its_end(self):
        session = self.session("many")
        session.ask("cat", data=b"12345")
        session.ask("echo", "two words")
        starts, ends = self.of(session, "command-start", 2), self.of(session, "command-end", 2)
        first = self.of(session, "session-start")[0]
        names = ["uri:spiffe://example.org/many", "email:many@example.org", "dns:many.example"]
        key = "key:sha256:" + authority.pin(f"{client('many')}.pem").removeprefix("sha256//")
        for record in (first, *starts, *ends):
            self.assertRegex(record["time"], TIME)
            self.assertEqual(record["session"], first["session"])
            self.assertEqual((record["identity"], record["names"], record["key"]),
                             (names[0], names, key))
            self.assertEqual(record["serial"].lower(), serial("many").lower())
        for number, (start, end) in enumerate(zip(starts, ends), 1):
            for record in (start, end):
                self.assertEqual(record["command"], number)
                self.assertEqual(record["name"], ("cat", "echo")[number - 1])
                self.assertEqual(record["arguments"], ([], ["two words"])[number - 1])
                self.assertEqual(record["program"], ("/bin/cat", "/bin/echo")[number - 1])
            self.assertEqual((end["outcome"], end["status"]), ("exit", 0))
            self.assertGreater(end["pid"], 1)
            self.assertGreater(end["seconds"], 0)
            self.assertLessEqual(start["time"], end["time"])
        self.assertEqual([(end["bytes_in"], end["bytes_out"]) for end in ends], [(5, 5), (0, 10)])
        session.stream.unwrap()
        end = self.of(session, "session-end")[0]
        self.assertGreater(min(end["bytes_in"], end["bytes_out"], end["seconds"]), 0)

    def test_replies_leave_their_number(self):
        session = self.session()
        session.stream.sendall(run("Hello") * 7 + run("Are you there?") + run("Hello"))
        for _ in range(9):
            session.outcome()
        session.stream.unwrap()
        self.of(session, "session-end")
        counts = {}
        for record in self.of(session, "reply"):
            counts[record["name"]] = counts.get(record["name"], 0) + record["times"]
        self.assertEqual(counts, {"Hello": 8, "Are you there?": 1})

    def test_a_message_session_leaves_its_start_and_its_end(self):
        connection = connect(self, self.server.port, client_context(client("client")))
        self.names[connection] = connection.getsockname()
        connection.sendall(b"nope")
        self.assertEqual(connection.recv(1_024), b"Unknown command.")
        connection.sendall(b"quit")
        read_to_end(connection)
        end = self.of(connection, "session-end")[0]
        start = self.of(connection, "session-start")[0]
        self.assertEqual((start["protocol"], start["identity"]), ("command", "dns:client"))
        self.assertIn("2 messages", end["reason"])
        self.assertEqual([record["name"] for record in self.of(connection, "refusal")], ["nope"])
        self.assertEqual([record["name"] for record in self.of(connection, "reply")], ["quit"])

    def test_refusals_leave_their_code_and_reason(self):
        session = self.session()
        for texts, code in ((("nope", "a"), UNKNOWN), (("echo",), BAD_ARGUMENT),
                            (("echo", *["x"] * 65), TOO_LARGE)):
            self.assertEqual(session.ask(*texts).code, code)
        session.send(99)
        self.assertEqual(session.end()[-1][1][0], MALFORMED)
        refusals = self.of(session, "refusal", 4)
        self.assertEqual([record["code"] for record in refusals],
                         ["unknownCommand", "badArgument", "tooLarge", "malformed"])
        self.assertTrue(all(record["reason"] for record in refusals))
        self.assertRegex(self.of(session, "session-end")[0]["reason"], "99")

    def test_what_a_peer_sends_can_not_forge_a_line(self):
        session = self.session()
        before = len(self.server.records())
        for text in HOSTILE:
            session.ask(text)
            session.ask("Hello", text)
            session.ask("echo", text)
        self.of(session, "refusal", 2 * len(HOSTILE))
        self.server.end_of(session)
        text = self.server.audit.read_bytes()
        self.assertEqual(re.findall(rb"[^\n\x20-\x7e]", text), [])
        records = self.server.records()
        self.assertTrue(all(isinstance(record, dict) for record in records))
        mine = [record for record in records[before:] if record.get("name") == "echo"]
        taken = [record["arguments"][0] for record in mine if record["event"] == "command-start"]
        self.assertEqual(taken, [text for text in HOSTILE if "\0" not in text])
        # What follows a start has the beginning of what is long.
        ends = [record["arguments"][0] for record in mine if record["event"] == "command-end"]
        self.assertEqual(ends, [text if len(text.encode()) <= 256 else {"text": text[:256], "bytes": len(text)}
                                for text in taken])

    def test_a_secret_is_written_as_its_length(self):
        session = self.session()
        outcome = session.ask("login", "ann", "Geheimnis€")
        self.assertEqual(outcome.lines, ["ann Geheimnis€"])
        self.assertEqual(self.server.end_of(session)["arguments"], ["ann", 12])
        self.assertRefused(session.ask("login", "ann", "Ge heimnis"), BAD_ARGUMENT, "password")
        self.assertRefused(session.ask("login", "ann", "-Geheimnis"), BAD_ARGUMENT, "password")
        self.assertRefused(session.ask("login", "Geheimnis"), BAD_ARGUMENT)
        self.assertRefused(session.ask("login", "ann", "Geheimnis", "Geheimnis"), BAD_ARGUMENT)
        self.of(session, "refusal", 4)
        self.assertNotIn("eheimnis", self.server.audit.read_text() + self.server.stderr.text)

    def test_the_start_is_written_before_the_program_starts(self):
        session = self.session()
        session.run("wait")
        group = int(session.expect(OUTPUT))
        self.assertEqual(self.of(session, "command-start")[-1]["name"], "wait")
        session.send(CANCEL)
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        end = self.server.end_of(session)
        self.assertEqual((end["pid"], end["outcome"], end["signal"]), (group, "signal", 15))

    def test_a_handshake_that_fails_leaves_its_reason(self):
        connection = connect(self, self.server.port, client_context())
        self.names[connection] = connection.getsockname()
        read_to_end(connection)
        record = self.of(connection, "handshake-failure")[0]
        self.assertRegex(record["reason"], "certificate")


class Places(RemoteTestCase):
    """Where the lines go, and what follows where they can't."""

    COMMANDS = {**COMMANDS, "touch": program("/usr/bin/touch", str(SCRATCH / "not recorded"))}

    def test_a_start_that_can_not_be_recorded_is_refused(self):
        server = RemoteServer(self, self.COMMANDS, audit="/dev/full")
        session = server.session(self)
        self.assertRefused(session.ask("touch"), UNAVAILABLE, "record|audit")
        self.assertFalse((SCRATCH / "not recorded").exists())
        self.assertEqual(session.ask("Hello").lines, ["Greetings!"])
        server.stderr.expect("audit record was lost.*No space")

    def test_the_file_is_private_and_opened_again_after_a_rename(self):
        for options in ((), ("--audit-fsync",)):
            with self.subTest(options):
                server = RemoteServer(self, self.COMMANDS, *options)
                session = server.session(self)
                session.ask("echo", "before")
                server.end_of(session)
                self.assertEqual(server.audit.stat().st_mode & 0o777, 0o600)
                old = server.audit.rename(server.folder / "audit.1")
                session.ask("echo", "between")
                eventually(lambda old=old: self.ended(old, "between"), "a record in the old file")
                server.reload()
                eventually(server.audit.is_file, "a new file")
                session.ask("echo", "after")
                eventually(lambda server=server: self.ended(server.audit, "after"), "a record")
                self.assertNotIn("after", old.read_text())
                self.assertIn("between", old.read_text())
                self.assertNotIn("between", server.audit.read_text())

    def test_a_record_that_was_begun_is_completed_or_whole_in_the_new_file(self):
        server = RemoteServer(self, self.COMMANDS)
        session = server.session(self)
        session.ask("echo", "before")
        server.end_of(session)
        for name in ("same file", "new file"):
            with self.subTest(name):
                old = server.audit
                room = old.stat().st_size + 20
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
                self.assertRefused(session.ask("touch"), UNAVAILABLE, "record|audit")
                server.stderr.expect("trail cannot be written")
                if name == "new file":
                    old = server.audit.rename(server.folder / "audit.1")
                    server.reload()
                    eventually(server.audit.is_file, "a file")
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                session.ask("echo", name)
                eventually(lambda name=name: self.ended(server.audit, name), "a record")
                lines = old.read_text().splitlines()
                torn = [line for line in lines if not line.endswith("}")]
                self.assertEqual([len(line) for line in torn], [20] if name == "new file" else [])
                # It has begun in the trail, so it has an end there.
                records = [json.loads(line) for line in whole(server.audit)]
                events = [(record["event"], record.get("code")) for record in records if record.get("name") == "touch"]
                self.assertEqual(events, [("command-start", None), ("command-end", "unavailable")])
        self.assertFalse((SCRATCH / "not recorded").exists())

    def ended(self, path, text):
        """Whether a file has the end of `echo text`."""
        return any(record["event"] == "command-end" and record["arguments"] == [text]
                   for record in map(json.loads, whole(path)))

    def test_standard_error_takes_them_where_nothing_else_is_said(self):
        server = RemoteServer(self, self.COMMANDS, audit="-")
        session = server.session(self)
        self.assertEnded(session.ask("echo", "there"), BY_ITSELF, 0)
        server.stderr.expect(r'"event":"command-end"[^\n]*"arguments":\["there"\][^\n]*\n')


def whole(path):
    """The lines that are not torn."""
    return [line for line in path.read_text().splitlines() if line.endswith("}")]


if __name__ == "__main__":
    unittest.main()
