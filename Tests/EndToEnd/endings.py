# SPDX-License-Identifier: Apache-2.0
"""What the tests of endings share: programs that try to escape, and who of them is left."""

from parley1 import OUTPUT
from remote_server import program
from support import HERE, is_alive

FIXTURES = HERE / "programs"
ESCAPES = 6
"""How many processes escape.sh leaves or is."""


def bash(line, **entry):
    return program("/bin/bash", "-c", line, **entry)


def numbers(text):
    return [int(word) for word in text.split()]


def all_gone(pids):
    return not any(is_alive(pid) for pid in pids)


class Escapes:
    """Asks for escape.sh and reads the numbers of its processes."""

    def start(self, session, name="escape"):
        session.run(name)
        text = b""
        while len(numbers(text)) < ESCAPES:
            text += session.expect(OUTPUT)
        return numbers(text)
