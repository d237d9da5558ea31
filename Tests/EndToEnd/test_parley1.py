# SPDX-License-Identifier: Apache-2.0
"""The tests' own `parley/1` is that of docs/protocol.md."""

import re
import unittest

import parley1
from parley1 import (
    BUSY, BY_SIGNAL, CANCEL, EXIT, FROM_CLIENT, FROM_SERVER, INPUT_WANTED, LARGEST, OUTPUT, PING, REFUSAL,
    RUN, Decoder, Malformed, credit, exited, frame, header, refused, run, texts, wanted, words)
from support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "protocol.md").read_text().partition("# parley/1: remote sessions")[2]


def table(first):
    """The rows of the page's table whose first column is called `first`, by the number in it."""
    rows = re.search(rf"(?m)^\| {first} \|.*\n\|[- |]*\n((?:\|.*\n)+)", PAGE)[1].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {int(number): rest for number, *rest in cells}


class Page(unittest.TestCase):
    def test_the_types_are_those_of_the_page(self):
        types = table("type")
        self.assertEqual(
            {number: getattr(parley1, name.upper().replace(" ", "_"))
             for number, (_, name, _) in types.items()}, {number: number for number in types})
        for lengths, end in ((FROM_CLIENT, "client"), (FROM_SERVER, "server")):
            sent = {number: what for number, (by, _, what) in types.items() if by in (end, "both")}
            self.assertEqual(set(lengths), set(sent))
            for number, what in sent.items():
                with self.subTest(what):
                    if what == "empty":
                        self.assertEqual(lengths[number], (0, 0))
                    elif size := re.match(r"(\d) bytes", what):
                        self.assertEqual(lengths[number], (int(size[1]), int(size[1])))
                    elif number == REFUSAL:
                        most = re.search(r"1 byte: .* at most ([\d,]+) bytes", what)[1]
                        self.assertEqual(lengths[number], (1, 1 + int(most.replace(",", ""))))
                    else:
                        self.assertEqual(lengths[number], (1, LARGEST))
        self.assertIn(f"at most {LARGEST:,} ", PAGE)
        self.assertIn(f"more than {parley1.AHEAD:,} bytes of frames ahead of", PAGE)

    def test_the_codes_of_refusals_are_those_of_the_page(self):
        for number, (means,) in table("code").items():
            name = re.match("[a-z ]+", means)[0]
            name = name.removesuffix(" command").partition(" for ")[0].strip()
            self.assertEqual(getattr(parley1, name.upper().replace(" ", "_")), number)

    def test_the_kinds_of_exits_are_those_of_the_page(self):
        beginnings = [(parley1.BY_ITSELF, "by itself"), (parley1.BY_SIGNAL, "by a signal"),
                      (parley1.BY_TIME, "by the server: time limit"),
                      (parley1.BY_OUTPUT, "by the server: output"), (parley1.LEFT_RUNNING, "not ended: ")]
        kinds = table("first byte")
        self.assertEqual(len(kinds), len(beginnings))
        for kind, words_ in beginnings:
            self.assertTrue(kinds[kind][0].startswith(words_), kinds[kind])


class Encoding(unittest.TestCase):
    def test_frames_are_their_bytes(self):
        for made, expected in (
            (frame(PING), b"\x06\0\0\0"), (frame(OUTPUT, b"x" * 300), b"\x11\0\x01\x2c" + b"x" * 300),
            (header(255, 0xffffff), b"\xff\xff\xff\xff"), (words("Hi", b"\xff", ""), b"\0\2Hi\0\1\xff\0\0"),
            (run("Hi"), b"\1\0\0\4\0\2Hi"), (run("Hi", piece=3), b"\2\0\0\3\0\2H\1\0\0\1i"),
            (wanted(262_144), b"\x10\0\0\4\0\4\0\0"), (exited(3), b"\x13\0\0\2\0\3"),
            (exited(15, BY_SIGNAL), b"\x13\0\0\2\1\x0f"), (refused(BUSY, b"no"), b"\x14\0\0\3\4no"),
        ):
            self.assertEqual(made, expected)

    def test_payloads_are_what_was_encoded(self):
        self.assertEqual(texts(words("echo", "", "ä")), [b"echo", b"", "ä".encode()])
        self.assertEqual(credit(b"\0\1\0\0"), 65_536)


class Decoding(unittest.TestCase):
    def test_frames_may_come_in_any_pieces(self):
        sent = frame(PING) + frame(OUTPUT, b"x") + exited(1)
        for size in range(1, len(sent) + 1):
            decoder, found = Decoder(FROM_SERVER), []
            for at in range(0, len(sent), size):
                decoder.feed(sent[at:at + size])
                found += decoder
            self.assertEqual(found, [(PING, b""), (OUTPUT, b"x"), (EXIT, b"\0\1")])
            self.assertEqual(decoder.rest, b"")

    def test_what_is_not_whole_is_left(self):
        decoder = Decoder(FROM_SERVER)
        decoder.feed(frame(PING) + exited(1)[:-1])
        self.assertEqual(list(decoder), [(PING, b"")])
        self.assertEqual(decoder.rest, b"\x13\0\0\2\0")

    def test_a_header_that_the_other_end_never_sends_is_malformed_without_its_payload(self):
        for lengths, kind, length in (
            (FROM_SERVER, RUN, 5), (FROM_SERVER, 8, 0), (FROM_SERVER, 21, 1), (FROM_SERVER, PING, 1),
            (FROM_SERVER, EXIT, 3), (FROM_SERVER, INPUT_WANTED, 3), (FROM_SERVER, OUTPUT, LARGEST + 1),
            (FROM_SERVER, REFUSAL, 0), (FROM_SERVER, REFUSAL, 1_002), (FROM_CLIENT, OUTPUT, 1),
            (FROM_CLIENT, CANCEL, 1), (FROM_CLIENT, RUN, 0),
        ):
            with self.subTest(kind, length=length):
                decoder = Decoder(lengths)
                decoder.feed(header(kind, length)[:3])
                self.assertIsNone(decoder.take())
                decoder.feed(header(kind, length)[3:])
                self.assertRaises(Malformed, decoder.take)


if __name__ == "__main__":
    unittest.main()
