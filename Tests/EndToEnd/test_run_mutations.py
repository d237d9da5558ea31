# SPDX-License-Identifier: Apache-2.0
"""Mutated frames from a false server: `parley run` ends as docs/protocol.md reads them."""

import random
import unittest

from runs import (
    ERROR_OUTPUT, EXIT, INPUT_WANTED, OUTPUT, PING, REFUSAL, FalseServer, Run, close_notify, exited,
    fin, frame, refused)
from support import SCRATCH, TestCase

SEED = 20_260
CASES = 50
LENGTHS = {PING: (0, 0), 7: (0, 0), INPUT_WANTED: (4, 4), OUTPUT: (1, 16_380),
           ERROR_OUTPUT: (1, 16_380), EXIT: (2, 2), REFUSAL: (1, 1001)}


def reading(data):
    """The status that these frames stand for, and the output in front of it."""
    output = b""
    while len(data) >= 4:
        kind, length = data[0], int.from_bytes(data[1:4], "big")
        least, most = LENGTHS.get(kind, (1, 0))
        if not least <= length <= most:
            return 255, output
        if len(data) < 4 + length:
            break
        payload, data = data[4:4 + length], data[4 + length:]
        if kind == OUTPUT:
            output += payload
        elif kind == REFUSAL:
            return 253, output
        elif kind == EXIT:
            return meaning(*payload), output
        elif kind == INPUT_WANTED and not any(payload):
            return 255, output
    return 252, output


def meaning(kind, number):
    if kind == 0:
        return number
    if kind == 1 and 1 <= number <= 64:
        return 128 + number
    return 251 if kind in (2, 3) and number == 0 else 255


def mutated(chance):
    """Some good frames, which more often than not are damaged."""
    frames = b""
    for _ in range(chance.randrange(6)):
        kind = chance.choice([PING, 7, INPUT_WANTED, OUTPUT, OUTPUT, ERROR_OUTPUT])
        least, most = LENGTHS[kind]
        length = chance.choice([least, most, chance.randint(least, min(most, 200))])
        frames += frame(kind, chance.randbytes(length))
    frames += chance.choice([
        exited(chance.randrange(256)), exited(chance.randint(1, 64), 1), exited(0, 2),
        exited(0, 3), refused(chance.randrange(256), chance.randbytes(chance.randrange(1001)))])
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
