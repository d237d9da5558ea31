# SPDX-License-Identifier: Apache-2.0
"""`parley pair`: both ends in one process, and a stranger who comes first."""

import random
import socket
import threading
import unittest

from support import LIMIT, PARLEY, Program, TestCase


def free_port():
    """Below those that connections get: one of theirs may be taken again before it is used."""
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as free:
            try:
                free.bind(("", port))
            except OSError:
                continue
            return port


class Strangers(TestCase):
    def test_a_stranger_who_comes_first_is_not_the_other_end(self):
        for _ in range(10):
            port = free_port()
            stranger = Stranger(port)
            pair = Program(self, [PARLEY, "pair", "hello", "--plaintext", "--port", str(port)])
            self.assertStatus(pair, 0)
            stranger.leave()
            self.assertIn("Hello from client", pair.stdout.text)
            self.assertNotIn("stranger", pair.stdout.text)


class Stranger:
    """Connects from another address of this machine as soon as there is a listener."""

    def __init__(self, port):
        self._port, self._leaving = port, threading.Event()
        self._thread = threading.Thread(target=self._knock, daemon=True)
        self._thread.start()

    def leave(self):
        self._leaving.set()
        self._thread.join(LIMIT)

    def _knock(self):
        while not self._leaving.wait(0.0005):
            with socket.socket() as stranger:
                stranger.settimeout(LIMIT)
                try:
                    stranger.bind(("127.0.0.2", 0))
                    stranger.connect(("127.0.0.1", self._port))
                    stranger.sendall(b"stranger")
                    stranger.recv(1)
                except OSError:
                    continue  # Nobody listens yet, or it was sent away.


if __name__ == "__main__":
    unittest.main()
