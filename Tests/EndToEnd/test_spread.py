# SPDX-License-Identifier: Apache-2.0
"""How sessions spread over the loops: epoll alone would give nearly all of them to one."""

import pathlib
import re
import socket
import unittest

from conditions import only_root
from support import Server, TestCase, eventually

CONNECTIONS = 60


@only_root("can look at the server's descriptors")
class Spread(TestCase):
    def test_quiet_connections_are_shared_by_two_loops(self):
        server = Server(self, "command", "--threads", "2")
        network = server.network
        before = sum(watched(network))
        for number in range(1, CONNECTIONS + 1):
            connection = socket.create_connection(("127.0.0.1", server.port))
            self.addCleanup(connection.close)
            # The loops are idle again when the next one comes: the kernel wakes the same one.
            eventually(
                lambda wanted=before + number: sum(watched(network)) >= wanted, "a session on its loop")
        counts = sorted(watched(network))[-2:]
        # A loop gives away what it has more than an eighth above the other's.
        self.assertGreater(counts[0], CONNECTIONS // 3, counts)


def watched(pid):
    """How many descriptors each event loop watches (proc(5), fdinfo)."""
    counts = []
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            descriptors = re.findall(r"^tfd:", info.read_text(), re.MULTILINE)
        except OSError:
            continue  # It was closed meanwhile.
        if descriptors:
            counts.append(len(descriptors))
    return counts


if __name__ == "__main__":
    unittest.main()
