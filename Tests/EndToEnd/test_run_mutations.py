# SPDX-License-Identifier: Apache-2.0
"""Mutated frames from a false server: `parley run` ends as docs/protocol.md reads them."""

import random
import unittest

from parley1 import (
    BY_ITSELF, BY_OUTPUT, BY_SIGNAL, BY_TIME, ERROR_OUTPUT, EXIT, FROM_SERVER, INPUT_WANTED, OUTPUT, PING, PONG,
    REFUSAL, Decoder, Malformed, credit, exited, frame, refused)
from runs import FalseServer, Run, close_notify, fin
from support import SCRATCH, TestCase

SEED = 20_260
CASES = 50


def reading(data):
    """The status that these frames mean, and the output before it."""
    output, decoder = b"", Decoder(FROM_SERVER)
    decoder.feed(data)
    try:
        for kind, payload in decoder:
            if kind == OUTPUT:
                output += payload
            elif kind == REFUSAL:
                return 253, output
            elif kind == EXIT:
                return meaning(*payload), output
            elif kind == INPUT_WANTED and not credit(payload):
                return 255, output
    except Malformed:
        return 255, output
    return 252, output


def meaning(kind, number):
    if kind == BY_ITSELF:
        return number
    if kind == BY_SIGNAL and 1 <= number <= 64:
        return 128 + number
    return 251 if kind in (BY_TIME, BY_OUTPUT) and number == 0 else 255


def mutated(chance):
    """Some good frames, which more often than not are damaged."""
    frames = b""
    for _ in range(chance.randrange(6)):
        kind = chance.choice([PING, PONG, INPUT_WANTED, OUTPUT, OUTPUT, ERROR_OUTPUT])
        least, most = FROM_SERVER[kind]
        length = chance.choice([least, most, chance.randint(least, min(most, 200))])
        frames += frame(kind, chance.randbytes(length))
    frames += chance.choice([
        exited(chance.randrange(256)), exited(chance.randint(1, 64), BY_SIGNAL),
        exited(0, BY_TIME), exited(0, BY_OUTPUT), refused(chance.randrange(256), chance.randbytes(chance.randrange(1001)))])
    data, damage = bytearray(frames), chance.randrange(8)
    if damage < 3:
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.choice([0, 1, 255, chance.randrange(256)])
    elif damage == 3:
        del data[chance.randrange(len(data)):]
    elif damage == 4:
        place = chance.randrange(len(data))
        data[place:place] = chance.randbytes(chance.randint(1, 8))
    return bytes(data)


class Mutations(TestCase):

    def test_whatever_comes_the_outcome_is_what_the_document_says(self):
        chance = random.Random(SEED)
        path = SCRATCH / self.id()
        for number in range(CASES):
            frames, end = mutated(chance), chance.choice([close_notify, fin])
            source = chance.choice(["/dev/null", "/dev/zero"])
            with self.subTest(number, end=end.__name__, frames=frames[-60:]):
                server = FalseServer(self, frames, end)
                run = Run(self, server.port, "x", shell=f"<{source} >{path}")
                status, output = reading(frames)
                self.assertStatus(run, status)
                self.assertEqual(path.read_bytes(), output)


if __name__ == "__main__":
    unittest.main()
