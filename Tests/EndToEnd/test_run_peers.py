# SPDX-License-Identifier: Apache-2.0
"""`parley run` and a server that dies, falls silent, or violates parley/1."""

import os
import signal
import unittest

from parley1 import (
    ERROR_OUTPUT, EXIT, INPUT, INPUT_END, INPUT_WANTED, LARGEST, OUTPUT, PING, PONG, REFUSAL, RUN,
    exited, frame, refused, wanted)
from runs import ENDS, Commands, FalseServer, Run, close_notify, silence
from support import TestCase, gone

HOSTILE = b"\x1b[31mred\x07\r\nparley: all is well\x00\xc2\x9b\xe2\x80\xae\xff\x1b]0;title\x07"


class Ends(TestCase):
    """A command without its outcome is 252, however the connection ended."""

    def test_a_server_that_is_killed_is_told(self):
        for options in ([], ["--json"]):
            with self.subTest(options):
                server = Commands(self)
                run = Run(self, server.port, "wait", options=options)
                group = run.started()
                server.signal(signal.SIGKILL)
                if options:
                    self.assertEqual(
                        (run.outcome["outcome"], run.outcome["exit"]), ("cut-short", 252))
                    self.assertStatus(run, 252)
                else:
                    self.assertFails(run, 252)
                gone(group)

    def test_a_server_that_falls_silent_is_told_at_the_idle_deadline(self):
        server = Commands(self)
        run = Run(self, server.port, "wait", options=["--idle-timeout", "1"])
        run.started()
        parts = server.parts
        for part in parts:
            os.kill(part, signal.SIGSTOP)
        self.assertFails(run, 252, "outcome is unknown")
        for part in parts:
            os.kill(part, signal.SIGCONT)

    def test_every_end_before_the_outcome_is_252(self):
        some = frame(OUTPUT, b"half\n")
        for what, frames in (
            ("nothing", b""), ("output", some), ("a cut header", some + b"\x13\x00"),
            ("a cut exit", some + exited(0)[:-1]), ("a cut output", frame(OUTPUT, b"x" * 50)[:-1]),
            ("a cut refusal", refused(1, b"no such thing")[:-3]),
        ):
            for how, end in ENDS.items():
                for options in ([], ["--json"]):
                    with self.subTest(what, how=how, options=options):
                        server = FalseServer(self, frames, end)
                        run = Run(self, server.port, "x", options=options)
                        self.assertStatus(run, 252)
                        self.assertEqual(run.stderr.text.count("\n"), 1, run.story)
                        if options:
                            self.assertEqual(run.outcome["outcome"], "cut-short")
                        # A reset may overtake what came before it.
                        if some in frames and how != "with a reset":
                            self.assertEqual(run.stdout.text, "half\n")

    def test_an_outcome_counts_however_the_connection_ends_behind_it(self):
        for how, end in list(ENDS.items())[:2]:
            with self.subTest(how):
                server = FalseServer(self, frame(OUTPUT, b"whole\n") + exited(7), end)
                run = Run(self, server.port, "x")
                self.assertStatus(run, 7)
                self.assertEqual((run.stdout.text, run.stderr.text), ("whole\n", ""))

    def test_a_server_that_never_answers_is_given_up(self):
        def listen(connection):
            server.heard = b""
            while chunk := connection.recv(4096):
                server.heard += chunk

        server = FalseServer(self, b"", listen)
        run = Run(self, server.port, "x", options=["--idle-timeout", "0.6"])
        self.assertFails(run, 252, "outcome is unknown")
        server.wait()
        self.assertIn(frame(PING), server.heard)

    def test_a_server_that_does_not_take_our_end_is_left(self):
        server = FalseServer(self, exited(0), silence)
        run = Run(self, server.port, "x", options=["--close-timeout", "0.5"])
        self.assertStatus(run, 0)


class BrokenRules(TestCase):
    """A frame that docs/protocol.md does not allow is 255, and never a success."""

    def test_what_is_no_frame_of_a_server_is_told(self):
        for what, frames in (
            ("type 0", frame(0)), ("type 8", frame(8)), ("type 21", frame(21, b"x")),
            ("type 255", b"\xff\xff\xff\xff"),
            *((f"a client's type {kind}", frame(kind, b"\x00\x01x")) for kind in range(RUN, PING)),
            ("a ping with a payload", frame(PING, b"x")), ("a pong with one", frame(PONG, b"x")),
            ("an empty output", frame(OUTPUT)), ("an empty error output", frame(ERROR_OUTPUT)),
            ("an output too long", frame(OUTPUT, b"x" * (LARGEST + 1))),
            ("16 MiB announced", b"\x11\xff\xff\xff"),
            ("a short exit", frame(EXIT, b"\0")), ("a long exit", frame(EXIT, b"\0\0\0")),
            ("an exit of unknown kind", exited(0, 5)), ("of another", exited(0, 255)),
            ("an exit by signal 0", exited(0, 1)), ("by signal 65", exited(65, 1)),
            ("a time-out with a number", exited(1, 2)), ("a limit with one", exited(1, 3)),
            ("an empty refusal", frame(REFUSAL)), ("a long one", refused(1, b"x" * 1001)),
            ("input wanted of 3 bytes", frame(INPUT_WANTED, b"\0\0\1")),
            ("input wanted of 5 bytes", frame(INPUT_WANTED, b"\0\0\0\0\1")),
            ("no input wanted", frame(INPUT_WANTED, b"\0\0\0\0")),
            ("no TLS frame at all", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ):
            with self.subTest(what):
                server = FalseServer(self, frames + exited(0), silence)
                run = Run(self, server.port, "x")
                self.assertFails(run, 255, "parley/1")
                self.assertEqual((run.stdout.text, run.stderr.text.count("\n")), ("", 1))
        run = Run(self, FalseServer(self, frame(0), silence).port, "x", options=["--json"])
        self.assertStatus(run, 255)
        self.assertEqual((run.outcome["outcome"], run.outcome["code"]), ("failed", "malformed"))

    def test_a_server_that_chooses_another_protocol_is_refused(self):
        server = FalseServer(self, exited(0), protocols=("parley/2",))
        run = Run(self, server.port, "x")
        self.assertStatus(run, 255)


class Hostility(TestCase):
    """What an allowed frame can carry."""

    def test_a_sentence_cannot_forge_a_line_or_reach_a_terminal_raw(self):
        for code in (1, 2, 6, 9, 99):
            with self.subTest(code):
                server = FalseServer(self, refused(code, HOSTILE))
                run = Run(self, server.port, "x")
                self.assertFails(run, 253, "x: refused: ", "red", r"\\x1b")
                self.assertNotRegex(run.stderr.text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

    def test_an_object_holds_a_hostile_sentence_on_one_line(self):
        server = FalseServer(self, refused(1, HOSTILE))
        run = Run(self, server.port, "x", options=["--json"])
        self.assertEqual(run.outcome["message"], HOSTILE.decode("utf-8", "replace"))
        self.assertEqual(run.stderr.text.count("\n"), 1)
        self.assertNotRegex(run.stderr.text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

    def test_a_sentence_of_a_thousand_bytes_is_shown_whole(self):
        server = FalseServer(self, refused(4, b"long " * 200))
        run = Run(self, server.port, "x")
        self.assertFails(run, 253, "(long ){199}long")

    def test_an_empty_sentence_is_a_refusal_all_the_same(self):
        self.assertFails(Run(self, FalseServer(self, refused(2, b"")).port, "x"), 253, "refused")

    def test_output_is_passed_on_byte_for_byte(self):
        server = FalseServer(
            self, frame(OUTPUT, HOSTILE) + frame(ERROR_OUTPUT, HOSTILE) + exited(0))
        run = Run(self, server.port, "x")
        self.assertStatus(run, 0)
        expected = HOSTILE.decode("utf-8", "backslashreplace")
        self.assertEqual((run.stdout.text, run.stderr.text), (expected, expected))

    def test_frames_may_come_in_any_pieces(self):
        frames = frame(PING) + frame(OUTPUT, b"one ") + frame(PONG) + frame(OUTPUT, b"two") + exited(5)

        def drip(connection):
            for byte in frames:
                connection.sendall(bytes([byte]))
            close_notify(connection)

        run = Run(self, FalseServer(self, b"", drip).port, "x")
        self.assertStatus(run, 5)
        self.assertEqual(run.stdout.text, "one two")

    def test_input_is_sent_no_further_than_it_is_wanted(self):
        def take(connection):
            server.taken = b""
            while len(server.taken) < 4 + 5:
                server.taken += connection.recv(4096)
            connection.sendall(exited(0))
            while chunk := connection.recv(4096):
                server.taken += chunk

        server = FalseServer(self, wanted(5), take)
        run = Run(self, server.port, "x", stdin="123456789")
        self.assertStatus(run, 0)
        server.wait()
        # The end of the input may be left out, since the session ends.
        self.assertIn(server.taken, (given := frame(INPUT, b"12345"), given + frame(INPUT_END)))

    def test_a_flood_of_pings_is_no_reason_to_grow(self):
        def flood(connection):
            for _ in range(200):
                connection.sendall(frame(PING) * 4000)
                received = 0
                while received < 16_000:
                    received += len(connection.recv(65536))
            connection.sendall(exited(3))
            close_notify(connection)

        self.assertStatus(Run(self, FalseServer(self, b"", flood).port, "x"), 3)


if __name__ == "__main__":
    unittest.main()
