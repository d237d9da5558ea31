# SPDX-License-Identifier: Apache-2.0
"""Attackers under watch: their processes, and what a server needs that they can attack."""

import json
import math
import pathlib
import select
import subprocess
import sys
import time

from attacks import DEAR, IDENTITIES, WORST

PATIENCE = 30.0
"""Seconds that an attacker may take to get anywhere on a busy machine."""


class Attackers:
    """The processes of some attacks, of one of the scales that attacks.py has."""

    def __init__(self, owner, names, scale, port, certificates):
        import authority
        self.children = {}
        owner.callback(self.kill)
        for name in names:
            identity = [str(certificates / name)] if name in IDENTITIES else []
            self.children[name] = subprocess.Popen(
                [sys.executable, "-B", str(pathlib.Path(__file__).with_name("attacks.py")), name, scale, str(port),
                 str(authority.good()), *identity],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def await_deeds(self, stopping):
        """Waits until each has got anywhere, as long as that may take, unless the event `stopping` is set."""
        deadline = time.monotonic() + PATIENCE
        waiting = [child.stdout for child in self.children.values()]
        while waiting and time.monotonic() < deadline and not stopping.is_set():
            for stream in select.select(waiting, [], [], 0.1)[0]:
                stream.readline()  # The first word of one that has ended is the end.
                waiting.remove(stream)

    def end(self):
        """What each did, by its name."""
        for child in self.children.values():
            child.terminate()
        told = {}
        for name, child in self.children.items():
            said, _ = child.communicate(timeout=60)
            *_, last = [""] + said.splitlines()
            told[name] = json.loads(last) if last.startswith("{") else {"cpu": math.nan, "died": child.returncode}
        return told

    def kill(self):
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
                child.wait()


def dear():
    """The table entry with the most expensive refusals."""
    from remote_server import program
    words = [f"a{number}" for number in range(DEAR)]
    return program("/bin/true", *(f"{{{word}}}" for word in words), arguments={word: WORST for word in words})
