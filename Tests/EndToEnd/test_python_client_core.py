# SPDX-License-Identifier: Apache-2.0
"""The Python client's protocol without I/O: what a hostile server's bytes can do to it."""

import random
import sys
import unittest

import parley1
from parley1 import (
    CANCEL, ERROR_OUTPUT, FROM_CLIENT, FROM_SERVER, INPUT, INPUT_END, LARGEST, MALFORMED, OUTPUT, PING,
    PONG, RUN, RUN_PART, Decoder, exited, frame, header, refused, texts, wanted)
from support import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "clients" / "python" / "src"))
from parley_client import (  # noqa: E402
    Ended, ErrorOutput, Exited, Output, Protocol, ProtocolError, Refused, SessionRefused, _protocol)

GOOD = b"".join([
    frame(PING), wanted(262_144), frame(OUTPUT, b"out"), frame(PONG), frame(ERROR_OUTPUT, b"error"), wanted(1),
    frame(OUTPUT, b"x" * LARGEST), exited(3)])
EVENTS = [Output(b"out"), ErrorOutput(b"error"), Output(b"x" * LARGEST), Ended(Exited(3))]


def started(*words):
    core = Protocol()
    core.run(*(words or ["x"]))
    core.take_outgoing()
    return core


def sent(core):
    """What it sends now, which is whole frames that a client may send."""
    decoder, frames = Decoder(FROM_CLIENT), []
    decoder.feed(core.take_outgoing())
    while (taken := decoder.take()):
        frames.append(taken)
    assert not decoder.rest
    return frames


class Core(unittest.TestCase):
    def test_events_are_the_same_however_bytes_come(self):
        for size in (1, 3, 1000, len(GOOD)):
            core, events = started(), []
            for at in range(0, len(GOOD), size):
                events += core.receive(GOOD[at:at + size])
            self.assertEqual(events, EVENTS)

    def test_many_pings_get_one_pong(self):
        core = started()
        core.receive(frame(PING) * 100_000)
        self.assertEqual(sent(core), [(PONG, b"")])
        self.assertEqual(sent(core), [])

    def test_a_long_request_is_split(self):
        core = Protocol()
        words = ["long", "a" * 16_763, "ä" * 8_000, "", "\udcff"]
        core.run(*words)
        frames = sent(core)
        self.assertEqual([kind for kind, _ in frames], [RUN_PART, RUN_PART, RUN])
        self.assertEqual(texts(b"".join(payload for _, payload in frames)),
                         [word.encode("utf-8", "surrogateescape") for word in words])

    def test_input_has_the_size_that_is_wanted_and_one_end(self):
        core = started()
        self.assertRaises(ValueError, core.input, b"x")
        core.end_input()
        self.assertEqual(sent(core), [])  # It was not wanted.
        core.receive(wanted(20_000))
        self.assertRaises(ValueError, core.input, b"x" * 20_001)
        core.input(b"x" * 20_000)
        self.assertEqual([(kind, len(payload)) for kind, payload in sent(core)], [(INPUT, LARGEST), (INPUT, 3_620)])
        core.receive(exited(0))
        self.assertEqual(sent(core), [(INPUT_END, b"")])
        core.run("x")
        core.receive(wanted(9))
        core.end_input()
        core.receive(wanted(9))  # It was on its way.
        self.assertEqual((core.room, [kind for kind, _ in sent(core)]), (0, [RUN, INPUT_END]))
        core.receive(exited(0))
        self.assertEqual(sent(core), [])

    def test_cancel_is_for_what_runs(self):
        core = started()
        core.cancel()
        self.assertEqual(sent(core), [(CANCEL, b"")])
        core.receive(exited(15, 1))
        core.cancel()
        self.assertEqual(sent(core), [])

    def test_no_header_makes_it_wait_for_what_no_frame_has(self):
        for kind in range(256):
            least, most = FROM_SERVER.get(kind, (1, 0))
            for length in (0, 1, 2, 3, 4, 5, 1001, 1002, LARGEST, LARGEST + 1, 0xffffff):
                core = started()
                if least <= length <= most:
                    if length:
                        self.assertEqual(core.receive(header(kind, length)), [])
                else:
                    self.assertRaises(ProtocolError, core.receive, header(kind, length))
                    self.assertRaises(ProtocolError, core.receive, GOOD)  # The first failure is permanent.

    def test_events_before_a_fault_count(self):
        core = started()
        self.assertEqual(core.receive(frame(OUTPUT, b"x") + b"\xff" * 9), [Output(b"x")])
        self.assertRaises(ProtocolError, core.receive, b"")
        self.assertRaises(ProtocolError, core.run, "x")

    def test_what_is_out_of_place_is_an_error(self):
        for bad in (exited(0), frame(OUTPUT, b"x"), frame(ERROR_OUTPUT, b"x"), wanted(1)):
            self.assertRaises(ProtocolError, Protocol().receive, bad)
            ended = started()
            ended.receive(exited(0))
            self.assertRaises(ProtocolError, ended.receive, bad)
        for before in (frame(OUTPUT, b"x"), wanted(1)):
            core = started()
            core.receive(before)
            self.assertRaises(ProtocolError, core.receive, refused(2, b"late"))
        for how, number in ((1, 0), (1, 65), (2, 1), (3, 1), (4, 1), (5, 0), (255, 255)):
            self.assertRaises(ProtocolError, started().receive, exited(number, how))
        core = started()
        with self.assertRaises(ProtocolError):
            for _ in range(300):
                core.receive(wanted(0xffffffff))

    def test_a_refusal_of_the_session_is_no_answer(self):
        self.assertRaises(SessionRefused, Protocol().receive, refused(4, b"no place"))
        core = started()
        core.receive(frame(OUTPUT, b"x"))
        with self.assertRaises(SessionRefused) as caught:
            core.receive(refused(MALFORMED, b"your fault"))
        self.assertEqual(caught.exception.refusal, Refused("malformed", "your fault"))

    def test_a_sentence_has_nothing_that_moves_a_terminal(self):
        event, = started().receive(refused(2, "a\nb\x1b[2Jc\u202ed\xff".encode() + b"\xff"))
        self.assertTrue(event.outcome.sentence.isprintable())

    def test_mutated_bytes_end_in_events_or_an_error(self):
        chance, errors = random.Random(1), 0
        for _ in range(20_000):
            data = bytearray(GOOD[:200] + GOOD[-6:] if chance.random() < 0.5 else GOOD[:60])
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(data))
                data[at:at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3)) or b"\0"
            core, size = started(), chance.randint(1, 300)
            try:
                for at in range(0, len(data), size):
                    for event in core.receive(bytes(data[at:at + size])):
                        if not isinstance(event, Ended):
                            self.assertLessEqual(len(event.data), LARGEST)
                        elif event.outcome != Exited(3):
                            self.assertIsNotNone(event.outcome.name)
                    self.assertLess(len(core._incoming), 4 + LARGEST)
                    if core.room:
                        core.input(b"x")
                sent(core)
            except (ProtocolError, SessionRefused):
                errors += 1
        self.assertGreater(errors, 1000)

    def test_cut_bytes_are_no_end(self):
        for at in range(0, len(GOOD), 7):
            self.assertFalse(any(isinstance(event, Ended) for event in started().receive(GOOD[:at])))

    def test_its_numbers_are_those_of_the_page(self):
        # test_parley1 compares these with docs/protocol.md.
        self.assertEqual(_protocol.LENGTHS, FROM_SERVER)
        names = ("RUN", "RUN_PART", "INPUT", "INPUT_END", "CANCEL", "PING", "PONG", "LARGEST", "ALPN")
        self.assertEqual([getattr(_protocol, name) for name in names], [getattr(parley1, name) for name in names])
