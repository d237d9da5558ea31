# SPDX-License-Identifier: Apache-2.0
"""The metrics file: it agrees with the audit trail, is whole or not there, and costs no session."""

import collections
import os
import re
import signal
import socket
import subprocess
import unittest

import authority
from parley1 import BAD_ARGUMENT, UNKNOWN
from people import client
from remote_server import REPLIES, TableServer, program
from support import LIMIT, PARLEYD, Server, TestCase, eventually, new_folder

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
COMMANDS = {
    **REPLIES, "true": program("/bin/true"), "false": program("/bin/false"),
    "cat": program("/bin/cat", input=True), "echo": program("/bin/echo", "{text}", arguments={"text": "[a-z]*"}),
    "wait": program("/bin/sh", "-c", "echo $$; exec sleep 30", timeout=60),
}


def samples(text):
    """Each series with its value; every line must be one of the format's."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.match(r"# (HELP|TYPE) parley_\w+ \S", line), line
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, *(pair[1] for pair in LABEL.findall(labels or "")))
        assert key not in found, f"twice: {line}"
        found[key] = float(value)
    return found


class Watched(TestCase):

    def setUp(self):
        self.folder = new_folder()
        self.file = self.folder / "metrics.prom"

    def serve(self, commands=None, *options, **how):
        return TableServer(self, COMMANDS if commands is None else commands, "--metrics", self.file, *options, **how)

    def metrics(self):
        return samples(self.file.read_text())

    def last(self, server):
        """What the file says when the server has ended."""
        server.signal(signal.SIGTERM)
        self.assertStatus(server, 0)
        return self.metrics()

    def status(self, *words, cwd=None, **environment):
        return subprocess.run([PARLEYD, "status", *map(str, words)], capture_output=True, text=True, timeout=LIMIT,
                              cwd=cwd, env={**os.environ, **environment}, check=False)


class Counts(Watched):

    def test_they_agree_with_the_audit_trail(self):
        server = self.serve()
        session = server.session(self)
        for _ in range(3):
            session.ask("true")
        session.ask("false")
        session.ask("cat", data=b"12345")
        self.assertEqual(session.ask("nope").code, UNKNOWN)
        self.assertEqual(session.ask("echo", "1").code, BAD_ARGUMENT)
        session.ask("Hello")
        session.ask("whoami")
        session.stream.unwrap().close()
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.recv(100)
        eventually(lambda: server.records("handshake-failure") and server.records("session-end"), "all records")
        found = self.last(server)
        records = server.records()

        def count(event, *fields):
            return collections.Counter(tuple(record[field] for field in fields)
                                       for record in records if record["event"] == event)
        for (name, outcome), number in count("command-end", "name", "outcome").items():
            self.assertEqual(found["parley_commands_total", name, outcome], number)
            self.assertEqual(found["parley_command_seconds_count", name], number)
        self.assertEqual(sum(value for key, value in found.items() if key[0] == "parley_commands_total"), 7)
        self.assertEqual(found["parley_command_failures_total", "false"], 1)
        self.assertEqual(found["parley_command_failures_total", "true"], 0)
        for name in ("true", "cat"):
            seconds = [record["seconds"] for record in records
                       if record["event"] == "command-end" and record["name"] == name]
            self.assertAlmostEqual(found["parley_command_seconds_sum", name], sum(seconds), places=4)
            for limit in ("0.1", "1", "60"):
                self.assertEqual(found["parley_command_seconds_bucket", name, limit],
                                 len([each for each in seconds if each <= float(limit)]))
        self.assertEqual((found["parley_command_bytes_total", "cat", "in"],
                          found["parley_command_bytes_total", "cat", "out"]), (5, 5))
        for (code,), number in count("refusal", "code").items():
            self.assertEqual(found["parley_refusals_total", code], number)
        for (code,), number in count("handshake-failure", "code").items():
            self.assertEqual(found["parley_handshake_failures_total", code], number)
        for name in ("Hello", "whoami"):
            self.assertEqual(found["parley_commands_total", name, "reply"], 1)
        end = [record for record in records if record["event"] == "session-end"]
        self.assertEqual((found["parley_sessions_started_total",], found["parley_sessions_total", "ended"],
                          found["parley_sessions_total", "failed"]), (1, len(end), 0))
        self.assertEqual(found["parley_session_received_bytes_total",], sum(record["bytes_in"] for record in end))
        self.assertEqual(found["parley_session_sent_bytes_total",], sum(record["bytes_out"] for record in end))

    def test_a_file_is_written_at_once_after_reloads_and_at_the_end(self):
        server = self.serve()
        eventually(self.file.exists, "the first version")
        found = self.metrics()
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        self.assertEqual(found["parley_up",], 1)
        self.assertEqual(found["parley_sessions_limit",], 10_000)
        self.assertEqual(found["parley_reload_successful", "certificates"], 1)
        for role in ("server", "client-ca"):
            ends = [value for key, value in found.items()
                    if key[:2] == ("parley_certificate_expiry_timestamp_seconds", role)]
            self.assertEqual(len(ends), 1)
            self.assertGreater(ends[0], found["parley_metrics_timestamp_seconds",])
        read = found["parley_reload_success_timestamp_seconds", "command-table"]
        server.table.write_text("{")
        server.reload()
        eventually(lambda: self.metrics()["parley_reload_successful", "command-table"] == 0, "the failed reload")
        found = self.metrics()
        self.assertEqual(found["parley_reloads_total", "command-table", "old-stays"], 1)
        self.assertEqual(found["parley_reloads_total", "certificates", "in-force"], 1)
        self.assertEqual(found["parley_reload_success_timestamp_seconds", "command-table"], read)
        self.assertIn("THE LAST RELOAD FAILED", self.status(self.file).stdout)
        server.replace(COMMANDS)
        eventually(lambda: self.metrics()["parley_reload_successful", "command-table"] == 1, "the next one")
        found = self.last(server)
        self.assertEqual((found["parley_up",], found["parley_sessions",]), (0, 0))
        self.assertEqual(sorted(os.listdir(self.folder)), ["metrics.prom"])

    def test_a_session_that_breaks_has_failed(self):
        server = self.serve()
        server.session(self).close()
        eventually(lambda: server.records("session-end"), "its end")
        self.assertNotIn("session ended", server.records("session-end")[0]["reason"])
        found = self.last(server)
        self.assertEqual(
            (found["parley_sessions_total", "ended"], found["parley_sessions_total", "failed"]), (0, 1))

    def test_open_sessions_and_running_programs_are_gauges(self):
        server = self.serve()
        session = server.session(self)
        session.run("wait")
        session.receive()
        server.reload()
        eventually(lambda: self.metrics()["parley_programs_running",] == 1, "the program")
        self.assertEqual(self.metrics()["parley_sessions",], 1)
        ended = self.status(self.file)
        self.assertEqual(ended.returncode, 0)
        self.assertRegex(ended.stdout, r"(?m)^sessions +1 open of at most 10000; 1 begun, 0 failed$")
        self.assertRegex(ended.stdout, r"(?m)^programs +1 running$")
        self.assertRegex(ended.stdout, r"(?m)^certificate +expires on ")

    def test_a_command_that_a_reload_removed_leaves_no_series(self):
        server = self.serve({"one": program("/bin/true")})
        for number in range(5):
            session = server.session(self)
            session.ask("one" if number == 0 else f"c{number}")
            server.end_of(session)
            session.stream.unwrap().close()
            server.replace({f"c{number + 1}": program("/bin/true")})
        found = self.last(server)
        self.assertEqual({key[1] for key in found if key[0] == "parley_commands_total"}, {"", "c5"})
        self.assertEqual(found["parley_commands_total", "", "exit"], 5)
        self.assertEqual(found["parley_command_seconds_count", ""], 5)

    def test_refusals_without_number_do_not_make_it_grow(self):
        server = self.serve({"true": program("/bin/true")}, "--max-identity-refusals", "1000000")
        eventually(self.file.exists, "the first version")
        size, series = self.file.stat().st_size, len(self.metrics())
        session = server.session(self)
        count = 0
        while count < 10_000:
            for _ in range(100):
                session.run(f"name-{count}-\"}}\n")
                count += 1
            for _ in range(100):
                self.assertEqual(session.outcome().code, UNKNOWN)
        session.stream.unwrap().close()
        found = self.last(server)
        self.assertEqual(found["parley_refusals_total", "unknownCommand"], 10_000)
        self.assertEqual(len(found), series)
        self.assertLess(self.file.stat().st_size, size + 300)
        self.assertGreater(found["parley_audit_omitted_records_total",], 0)

    def test_it_needs_no_trail_and_no_table(self):
        server = Server(self, "hello", "--metrics", self.file, certs=authority.good())
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.recv(100)
        server.stderr.expect("refused: ")
        found = self.last(server)
        self.assertEqual(found["parley_handshake_failures_total", "peerSpeaksNoTLS"], 1)


class Status(Watched):

    def test_a_file_that_is_missing_or_foreign_has_a_sentence(self):
        os.mkfifo(self.folder / "pipe")
        (self.folder / "foreign").write_text("# HELP node_up x\n")
        (self.folder / "half").write_text("# HELP parley_up x\n")
        for name, words in (("none", "No such file"), ("pipe", "is not a metrics file"), ("", "is a folder"),
                            ("foreign", "is not a metrics file"), ("half", "is not a metrics file")):
            with self.subTest(name):
                ended = self.status(self.folder / name)
                self.assertEqual((ended.returncode, ended.stdout), (78, ""))
                self.assertRegex(ended.stderr, rf"\Aparleyd: [^\n]*{words}[^\n]*\n\Z")
        for words in (("a", "b"), ("a", "--", "b"), ("--", "a", "b")):
            ended = self.status(*words)
            self.assertEqual(ended.returncode, 64)
            self.assertIn("unexpected argument 'b'", ended.stderr)

    def test_a_file_after_two_hyphens(self):
        file = self.folder / "--help"
        file.write_text("# HELP parley_up x\nparley_up 0\nparley_metrics_timestamp_seconds 1\n")
        ended = self.status("--", "--help", cwd=self.folder)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("the server ended ", ended.stderr)

    def test_a_file_that_is_too_large(self):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("# HELP parley_up x\nparley_up 1\nparley_metrics_timestamp_seconds 1\n")
            file.truncate(1 << 40)
        ended = self.status(self.file)
        self.assertEqual((ended.returncode, ended.stdout), (78, ""))
        self.assertRegex(ended.stderr, r"\Aparleyd: [^\n]*larger than 64 MiB[^\n]*\n\Z")

    def test_a_stale_file_and_an_ended_server(self):
        server = self.serve()
        eventually(self.file.exists, "the file")
        found = self.last(server)
        ended = self.status(RUNTIME_DIRECTORY=str(self.folder))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("the server ended ", ended.stderr)
        self.assertIn("limits reached", ended.stdout)
        now = "%d" % found["parley_metrics_timestamp_seconds",]
        text = self.file.read_text().replace("parley_up 0", "parley_up 1")
        self.file.write_text(text.replace(f"timestamp_seconds {now}", f"timestamp_seconds {int(now) - 600}"))
        ended = self.status(self.file)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("has not written this for 10 minutes", ended.stderr)
        lines = ended.stdout.splitlines()
        self.assertEqual(len({re.match(r"[A-Za-z ]*?  +", line).end() for line in lines}), 1)
        # Of a server that was killed before the clock was set back, for instance.
        self.file.write_text(text.replace(f"timestamp_seconds {now}", f"timestamp_seconds {int(now) + 3000}"))
        ended = self.status(self.file)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, "this is dated [0-9]+ minutes from now")


if __name__ == "__main__":
    unittest.main()
