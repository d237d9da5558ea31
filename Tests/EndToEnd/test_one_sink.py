# SPDX-License-Identifier: Apache-2.0
"""Standard output and standard error in one place, as in services: nobody can forge a line there."""

import json
import os
import pathlib
import re
import signal
import tempfile

import authority
from server import READY
from strangers import client_context, connect, listening
from support import PARLEY, SCRATCH, Program, Server, TestCase, eventually, new_folder

RECORD = json.dumps({"time": "2026-11-25T20:00:00.000000Z", "event": "command-start", "session": 1,
                     "identity": "email:alice@example.org", "name": "restart", "arguments": []})
HOSTILE = f"x\n{RECORD}\nparleyd: 192.0.2.66:4711: session ended\n\x1b]0;owned\x07"
COMMANDS = '{commands: {restart: {run: ["/bin/true"], allow: ["email:alice@example.org"]}}}'


class Sunk(Server):
    """Its standard output and standard error go to `sink` together; `shown` is what has come there."""

    SHELL = {"file": 'exec "$@" >"$0" 2>&1', "terminal": 'exec "$@" 2>&1', "pipe": 'exec "$@" 1>&2'}

    def __init__(self, owner, protocol, *options, sink, **how):
        self.sink, self.path = sink, pathlib.Path(tempfile.mkstemp(dir=SCRATCH)[1])
        super().__init__(
            owner, protocol, *options, wrapper=["sh", "-c", self.SHELL[sink], str(self.path)],
            terminal=sink == "terminal", **how)

    def ready(self):
        eventually(lambda: re.search(READY, self.shown), "the server is ready")
        return re.search(READY, self.shown)

    @property
    def shown(self):
        if self.sink == "file":
            return self.path.read_text(errors="replace")
        output = self.stdout if self.sink == "terminal" else self.stderr
        return output.text.replace("\r\n", "\n")


class OneSink(TestCase):

    def says(self, port, text, certs=None):
        """Sends one message, and returns when it was answered."""
        with connect(self, port, client_context(certs / "client") if certs else None) as stream:
            stream.sendall(text.encode())
            stream.recv(100)

    def assertNothingForged(self, text):
        self.assertNotIn("\x1b", text)
        for line in text.splitlines():
            self.assertNotEqual(line, RECORD)
            self.assertFalse(line.startswith("parleyd: 192.0.2.66"), text)

    def test_a_client_forges_no_record_among_those_of_the_default_trail(self):
        certs = authority.good()
        table = authority.write(SCRATCH / "one-sink.json5", COMMANDS)
        for sink in ("pipe", "file", "terminal"):
            with self.subTest(sink):
                server = Sunk(self, "command", "--client-ca", certs / "ca.pem",
                              "--commands", table, sink=sink, certs=certs)
                self.says(server.port, HOSTILE, certs)
                eventually(lambda: '"session-end"' in server.shown, "the session's end is recorded")
                # Each line is a record or the log's: there are no console lines among them.
                for line in server.shown.splitlines():
                    if not line.startswith("parleyd: "):
                        self.assertEqual(json.loads(line)["address"][:10], "127.0.0.1:")
                self.assertNothingForged(server.shown)
                self.assertIn("there are no console lines", server.shown)

    def test_a_trail_that_is_named_is_not_mixed_with_console_lines_either(self):
        certs = authority.good()
        table = authority.write(SCRATCH / "one-sink.json5", COMMANDS)
        for name in ("/dev/stdout", "/dev/fd/1"):
            with self.subTest(name):
                server = Server(self, "command", "--client-ca", str(certs / "ca.pem"),
                                "--commands", str(table), "--audit", name, certs=certs)
                self.says(server.port, HOSTILE, certs)
                server.stdout.expect('"session-end"')
                for line in server.stdout.text.splitlines():
                    json.loads(line)

    def test_a_reload_decides_again_whether_the_trail_meets_the_console(self):
        certs = authority.good()
        folder = new_folder()
        out, audit = folder / "out", folder / "audit"
        server = Server(self, "command", "--audit", str(audit), certs=certs,
                        wrapper=["sh", "-c", 'out=$0; exec "$@" >"$out"', str(out)])
        out.chmod(0o600)

        def reload():
            server.signal(signal.SIGHUP)
            server.stderr.expect("SIGHUP: certificates reloaded")

        def lines(text):
            """What a session adds to standard output; its end is in the trail by then."""
            start = len(out.read_text())
            before = audit.read_text().count('"session-end"')
            self.says(server.port, text, certs)
            eventually(lambda: audit.read_text().count('"session-end"') > before, "the end is recorded")
            return [line for line in out.read_text()[start:].splitlines() if line[:1] != "{"]
        eventually(lambda: lines("one"), "console lines")
        audit.unlink()
        os.link(out, audit)
        reload()
        self.assertIn("there are no console lines", server.stderr.text)
        self.assertEqual(lines("two"), [])
        audit.unlink()
        reload()
        eventually(lambda: lines("three"), "console lines again")
        shown = [line for line in out.read_text().splitlines() if line[:1] != "{"]
        self.assertFalse([line for line in shown if "two" in line], shown)

    def test_a_stranger_forges_no_log_line(self):
        for certs in (None, authority.good()):
            for sink in ("pipe", "file"):
                with self.subTest(sink, tls=certs is not None):
                    server = Sunk(self, "hello", sink=sink, certs=certs)
                    self.says(server.port, HOSTILE, certs)
                    eventually(lambda: "message sent" in server.shown, "the message is answered")
                    self.assertNothingForged(server.shown)
                    self.assertIn(r"Received from client: x\x0a{", server.shown)

    def test_lines_are_escaped_over_tls_and_the_documents_in_plaintext(self):
        for certs, expected in ((authority.good(), r"client: a\x0ab\x1bc" "\n"),
                                (None, "client: a\nb\x1bc\n")):
            with self.subTest(tls=certs is not None):
                server = Server(self, "hello", certs=certs)
                self.says(server.port, "a\nb\x1bc", certs)
                server.stdout.expect("message sent")
                self.assertIn(expected, server.stdout.text)

    def test_a_long_message_stays_one_piece(self):
        # Four bytes each when they are escaped: more than a pipe takes at once.
        server = Server(self, "hello", certs=authority.good())
        self.says(server.port, "\x01" * 1_024, authority.good())
        server.stdout.expect("message sent")
        line = next(line for line in server.stdout.text.splitlines() if "Received" in line)
        self.assertLess(len(line), 4_096)

    def test_a_server_forges_no_sentence_of_the_clients(self):
        listener, port = listening(self)
        client = Program(self, ["sh", "-c", 'exec "$@" 2>&1', "sh", PARLEY, "hello", "--plaintext",
                                f"127.0.0.1:{port}"])
        peer, _ = listener.accept()
        with peer:
            peer.recv(100)
            peer.sendall(b"x\nparley: all is well\n")
        client.wait()
        self.assertIn(r"x\x0aparley: all is well\x0a", client.stdout.text)
