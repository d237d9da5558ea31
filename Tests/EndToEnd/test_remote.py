# SPDX-License-Identifier: Apache-2.0
"""`parley/1` as a stranger speaks it: frames, their order, cancel, and who gets them at all."""

import ssl
import unittest

from ground import eventually
from parley1 import (
    AHEAD, BAD_ARGUMENT, BY_ITSELF, BY_SIGNAL, CANCEL, CANCELLED, EXIT, INPUT_END, INPUT_WANTED,
    OUTPUT, PING, PONG, RUN, RUN_PART, TOO_LARGE, UNKNOWN, frame, run, words)
from people import client
from remote_server import PYTHON, REPLIES, RemoteTestCase, program
from strangers import ask, client_context, connect

MOST_ARGUMENTS = 64
MOST_BYTES = 32_768
NAMES = [f"a{number}" for number in range(MOST_ARGUMENTS)]
COUNT = "import sys; print(len(sys.argv) - 1, sum(map(len, sys.argv[1:])))"
COMMANDS = {
    **REPLIES,
    "cat": program("/bin/cat", input=True),
    "echo": program("/bin/echo", "{text}", arguments={"text": ".*"}),
    "many": program(PYTHON, "-c", COUNT, *(f"{{{name}}}" for name in NAMES),
                    arguments={name: ".*" for name in NAMES}),
    "wait": program("/bin/sleep", "30"),
}


class Runs(RemoteTestCase):
    """Each run has one answer, in the order of the runs."""

    COMMANDS = COMMANDS

    def test_fixed_replies_are_output_and_status_0(self):
        session = self.session()
        for word in ("Hello", "Are you there?"):
            outcome = session.ask(word)
            self.assertEnded(outcome, BY_ITSELF, 0)
            self.assertEqual(outcome.lines, [REPLIES[word]["reply"]])
            self.assertRefused(session.ask(word, "more"), BAD_ARGUMENT, "no arguments")

    def test_a_reply_that_closes_is_the_sessions_last(self):
        session = self.session()
        session.stream.sendall(run("Hello") + run("quit") + run("Hello"))
        frames = session.end()
        self.assertEqual([kind for kind, _ in frames], [OUTPUT, EXIT] * 2)
        self.assertEqual(frames[2][1].decode().strip(), "Closing down")

    def test_pipelined_runs_are_answered_in_order(self):
        self.pipelined(("Hello", "unknown", "Are you there?"))

    def test_pipelined_replies_share_records(self):
        records, answers = self.pipelined(("Hello", "Are you there?"))
        self.assertLess(records, answers / 10)

    def pipelined(self, names):
        """Asks for them again and again, all at once; how many records came, and answers in them."""
        session = self.session()
        expected = []
        request = b""
        while len(request) < AHEAD - 100:
            name = names[len(expected) % len(names)]
            expected.append(name)
            request += run(name)
        session.stream.sendall(request)
        records = self.count_records(session)
        for name in expected:
            outcome = session.outcome()
            if name == "unknown":
                self.assertRefused(outcome, UNKNOWN, "help")
            else:
                self.assertEqual(outcome.lines, [REPLIES[name]["reply"]])
        return records[0], len(expected)

    def count_records(self, session):
        counted, receive = [0], session.stream.recv

        def count(size):
            counted[0] += 1
            return receive(size)
        session.stream.recv = count
        return counted

    def test_programs_and_replies_keep_the_order_of_their_runs(self):
        session = self.session()
        texts = [f"number {number}" for number in range(20)]
        session.stream.sendall(b"".join(run("echo", text) + run("Hello") for text in texts))
        for text in texts:
            self.assertEqual(session.outcome().lines, [text])
            self.assertEqual(session.outcome().lines, ["Greetings!"])

    def test_frames_may_begin_and_end_anywhere_in_a_record(self):
        session = self.session()
        for byte in run("echo", "slowly"):
            session.stream.sendall(bytes([byte]))
        self.assertEqual(session.outcome().lines, ["slowly"])

    def test_a_run_may_be_cut_anywhere(self):
        session = self.session()
        for texts, line in ((("echo", "in pieces"), "in pieces"), (("Hello",), "Greetings!")):
            for piece in range(1, len(words(*texts))):
                session.stream.sendall(run(*texts, piece=piece))
                outcome = session.outcome()
                self.assertEqual(outcome.lines, [line], (texts, piece, outcome))

    def test_the_largest_runs_are_taken_and_larger_ones_refused(self):
        session = self.session()
        room = MOST_BYTES - len("many")
        sizes = [room // MOST_ARGUMENTS] * MOST_ARGUMENTS
        sizes[-1] += room - sum(sizes)
        texts = ["x" * size for size in sizes]
        outcome = session.ask("many", *texts)
        self.assertEqual(outcome.lines, [f"{MOST_ARGUMENTS} {room}"], outcome)
        texts[0] += "x"
        self.assertRefused(session.ask("many", *texts), TOO_LARGE, "32,?768")
        self.assertRefused(session.ask("many", *["x"] * 65), TOO_LARGE, "64")
        self.assertRefused(session.ask("echo", *["x"] * 64), BAD_ARGUMENT, "64.* takes 1")
        self.assertEqual(session.ask("echo", "y" * (MOST_BYTES - 4)).lines, ["y" * 32_764])
        self.assertRefused(session.ask("echo", "y" * (MOST_BYTES - 3)), TOO_LARGE)
        self.assertRefused(session.ask("x" * 65_535), TOO_LARGE)
        self.assertRefused(session.ask("echo", *["y" * 65_535] * 16), TOO_LARGE)
        self.assertEqual(session.ask("echo", "still here").lines, ["still here"])

    def test_the_bytes_of_arguments_reach_the_program(self):
        session = self.session()
        for text in ("", "ä€𝄞", "two words", "'\"`$(id);|&", "\u202e\x1b[31m"):
            with self.subTest(text):
                self.assertEqual(session.ask("echo", text).output.decode(), text + "\n")
        self.assertRefused(session.ask("echo", "a\0b"), BAD_ARGUMENT, "text.*NUL")

    def test_pings_are_answered_anywhere(self):
        session = self.session()
        session.send(PING)
        session.expect(PONG)
        session.run("wait")
        payload = words("echo", "pinged")
        for at in (PING, PONG, PING, CANCEL):
            session.send(at)
            if at == PING:
                session.expect(PONG)
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        session.send(RUN_PART, payload[:3])
        session.send(PING)
        session.expect(PONG)
        session.send(PONG)
        session.send(CANCEL)
        session.send(RUN, payload[3:])
        self.assertEqual(session.outcome().lines, ["pinged"])


class Cancel(RemoteTestCase):
    """Cancel ends what was sent before it, and the session goes on."""

    COMMANDS = COMMANDS

    def test_it_ends_the_running_command_and_refuses_the_waiting_ones(self):
        session = self.session()
        session.stream.sendall(run("wait") + run("wait") + run("Hello") + run("cat")
                               + frame(CANCEL) + run("echo", "after"))
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        for _ in range(3):
            self.assertRefused(session.outcome(), CANCELLED)
        self.assertEqual(session.outcome().lines, ["after"])

    def test_it_is_read_behind_as_many_runs_as_a_server_reads_ahead(self):
        session = self.session()
        ahead = run("wait")
        count = (AHEAD - len(ahead)) // len(run("Hello"))
        ahead += run("Hello") * count
        session.stream.sendall(ahead + frame(CANCEL))
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        for _ in range(count):
            self.assertRefused(session.outcome(), CANCELLED)
        self.assertEqual(session.ask("Hello").lines, ["Greetings!"])

    def test_with_nothing_to_end_it_does_nothing(self):
        session = self.session()
        session.stream.sendall(frame(CANCEL) * 3 + run("Hello") + frame(CANCEL))
        self.assertIn(session.outcome().lines, (["Greetings!"], []))
        session.send(CANCEL)
        self.assertEqual(session.ask("echo", "on").lines, ["on"])

    def test_a_program_that_waits_for_input_is_ended_too(self):
        session = self.session()
        session.run("cat")
        session.expect(INPUT_WANTED)
        session.stream.sendall(frame(CANCEL))
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        session.send(INPUT_END)
        self.assertEqual(session.ask("cat", data=b"next").output, b"next")


class Negotiation(RemoteTestCase):
    """Frames are for those who ask for them over TLS 1.3 with a certificate."""

    OPTIONS = ("--tls-min", "1.2")

    def connect(self, *protocols, maximum=None):
        context = client_context(client("client"), maximum=maximum)
        if protocols:
            context.set_alpn_protocols(protocols)
        return connect(self, self.server.port, context)

    def test_it_is_found_among_other_offers(self):
        connection = self.connect("h2", "parley/1", "http/1.1")
        self.assertEqual(connection.selected_alpn_protocol(), "parley/1")

    def test_other_offers_are_passed_over(self):
        for protocols in ((), ("h2",), ("parley/2", "parley/", "PARLEY/1")):
            with self.subTest(protocols):
                connection = self.connect(*protocols)
                self.assertIsNone(connection.selected_alpn_protocol())
                self.assertEqual(ask(connection, "Hello"), "Greetings!")

    def test_an_older_version_of_tls_never_carries_it(self):
        connection = self.connect("parley/1", maximum=ssl.TLSVersion.TLSv1_2)
        self.assertEqual(connection.version(), "TLSv1.2")
        self.assertIsNone(connection.selected_alpn_protocol())
        self.assertEqual(ask(connection, "Hello"), "Greetings!")

    def test_the_trail_names_who_has_proved_to_be_there(self):
        """A TLS 1.2 handshake proves nothing to the process that keeps the trail."""
        for protocols, maximum, conversation, isNamed in (
                (("parley/1",), None, "parley/1", True), ((), None, "command", True),
                ((), ssl.TLSVersion.TLSv1_2, "command", False)):
            with self.subTest((protocols, maximum)):
                connection = self.connect(*protocols, maximum=maximum)
                address = "%s:%d" % connection.getsockname()[:2]

                def start():
                    return [record for record in self.server.records("session-start")
                            if record["address"] == address]
                eventually(start, "the record of the session")
                self.assertEqual(start()[0]["protocol"], conversation)
                self.assertEqual("identity" in start()[0], isNamed)


if __name__ == "__main__":
    unittest.main()
