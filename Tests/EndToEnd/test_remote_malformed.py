# SPDX-License-Identifier: Apache-2.0
"""What breaks the rules of `parley/1`, and what becomes of a session that does."""

import unittest

from parley1 import (
    BAD_ARGUMENT, CANCEL, EXIT, INPUT, INPUT_END, INPUT_WANTED, LARGEST, MALFORMED, OUTPUT, PING,
    PONG, REFUSAL, RUN, RUN_PART, UNKNOWN, credit, frame, header, run, words)
from remote_server import REPLIES, RemoteTestCase, program

COMMANDS = {
    **REPLIES,
    "cat": program("/bin/cat", input=True),
    "echo": program("/bin/echo", "{text}", arguments={"text": ".*"}),
    "reads nothing": program("/bin/sleep", "30", input=True),
    "wait": program("/bin/sleep", "30"),
}


class Broken(RemoteTestCase):
    """A client that breaks a rule is told so, and the session ends."""

    COMMANDS = COMMANDS

    def assertMalformed(self, sent, behind=()):
        """`sent` is answered with the types in `behind` and then with the refusal."""
        session = self.session()
        session.stream.sendall(sent)
        frames = session.end()
        self.assertEqual([kind for kind, _ in frames], [*behind, REFUSAL], frames)
        self.assertEqual(frames[-1][1][0], MALFORMED)
        self.assertSentence(frames[-1][1][1:].decode())

    def test_types_that_no_client_sends(self):
        for kind in (0, *range(8, 22), 127, 128, 255):
            for payload in (b"", b"\0\0\0\1"):
                with self.subTest(kind, payload=payload):
                    self.assertMalformed(frame(kind, payload))

    def test_lengths_that_no_frame_has(self):
        for kind in (RUN, RUN_PART, INPUT, INPUT_END, CANCEL, PING, PONG):
            for length in (LARGEST + 1, 0xffffff):
                with self.subTest(kind, length=length):
                    # The header alone decides: the server does not wait for that many bytes.
                    self.assertMalformed(header(kind, length))

    def test_payloads_where_none_belongs_and_none_where_one_does(self):
        for kind in (INPUT_END, CANCEL, PING, PONG):
            with self.subTest(kind):
                self.assertMalformed(frame(kind, b"x"))
        for kind in (RUN, RUN_PART, INPUT):
            with self.subTest(kind):
                self.assertMalformed(frame(kind))

    def test_runs_that_are_none(self):
        for what, payload in {
                "no name": b"\0\0", "no name but an argument": words("", "x"),
                "half a length": words("echo") + b"\0",
                "more than is there": words("echo") + b"\0\2x",
                "one byte too many": words("echo", "x") + b"x"}.items():
            with self.subTest(what):
                self.assertMalformed(frame(RUN, payload))
                self.assertMalformed(frame(RUN_PART, payload[:1]) + frame(RUN, payload[1:]))

    def test_texts_that_are_no_utf_8_run_nothing(self):
        session = self.session()
        for what in (b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
            with self.subTest(what):
                self.assertRefused(session.ask(b"echo" + what), UNKNOWN, "UTF-8")
                self.assertRefused(session.ask("echo", what), BAD_ARGUMENT, "argument 1.*UTF-8")
        cut = words("echo", b"\xc3", b"\xa4")
        session.send(RUN, cut)
        self.assertRefused(session.outcome(), BAD_ARGUMENT)

    def test_input_that_was_not_wanted(self):
        self.assertMalformed(frame(INPUT, b"x"))
        self.assertMalformed(frame(INPUT_END))
        self.assertMalformed(run("Hello") + frame(INPUT, b"x"), [OUTPUT, EXIT])

    def test_more_input_than_was_wanted(self):
        session = self.session()
        session.run("reads nothing")
        wanted = credit(session.expect(INPUT_WANTED))
        # What went into the program's pipe may be requested again.
        pieces = (wanted + 65_536) // LARGEST + 1
        session.stream.sendall(frame(INPUT, b"x" * LARGEST) * pieces)
        kind, payload = session.end()[-1]
        self.assertEqual((kind, payload[0]), (REFUSAL, MALFORMED))

    def test_input_behind_its_end(self):
        session = self.session()
        session.run("cat")
        session.expect(INPUT_WANTED)
        session.stream.sendall(frame(INPUT_END) + frame(INPUT, b"x"))
        kind, payload = session.end()[-1]
        self.assertEqual((kind, payload[0]), (REFUSAL, MALFORMED))

    def test_what_was_answered_before_stays_answered(self):
        self.assertMalformed(run("Hello") * 3 + frame(0), [OUTPUT, EXIT] * 3)

    def test_it_ends_what_runs(self):
        session = self.session()
        session.run("wait")
        session.send(PING)
        session.expect(PONG)
        session.send(99)
        kind, payload = session.end()[-1]
        self.assertEqual((kind, payload[0]), (REFUSAL, MALFORMED))

    def test_a_frame_cut_off_by_the_end_gets_no_answer(self):
        whole = run("echo", "never")
        for count in range(1, len(whole)):
            session = self.session()
            session.stream.sendall(whole[:count])
            session.stream.unwrap()
        session = self.session()
        session.stream.sendall(frame(RUN_PART, whole[4:]))
        session.stream.unwrap()
        self.assertEqual(self.session().ask("echo", "alive").lines, ["alive"])
        self.assertNotIn("never", self.server.audit.read_text())


if __name__ == "__main__":
    unittest.main()
