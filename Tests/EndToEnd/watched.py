# SPDX-License-Identifier: Apache-2.0
"""What /proc says about a process."""

import os
import pathlib
import re
import time

from ground import eventually, processes


KEPT = re.compile(r"/parley-[0-9a-f]+(/cgroup\.events)?$")


class Watched:
    """What can be seen from outside of a process, whose `pid` it has, and of those that are a part of it."""

    @property
    def parts(self):
        """The processes that are one program together."""
        return [self.pid]

    @property
    def descriptors(self):
        """How many are open. Those of control groups that are kept for the next commands don't count."""
        return sum(not KEPT.search(_target(entry)) for pid in self.parts for entry in os.scandir(f"/proc/{pid}/fd"))

    @property
    def children(self):
        """The processes that it started and has not seen end, zombies among them."""
        parts = self.parts
        return [pid for pid, _, parent, _ in processes() if parent == self.pid and pid not in parts]

    @property
    def memory(self):
        """Its resident memory in KiB, as the kernel's counters have it; a zombie has none."""
        return self._kib("VmRSS")

    @property
    def peak(self):
        """The most resident memory that it ever had, in KiB."""
        return self._kib("VmHWM")

    @property
    def resident(self):
        """Its resident memory in bytes, added up page by page."""
        return sum(map(_resident, self.parts))

    @property
    def processor(self):
        """CPU seconds used so far."""
        return sum(map(_processor, self.parts))

    @property
    def is_asleep(self):
        """Whether none of its threads runs or would if there were a core for it."""
        return all(
            stat.read_text().rpartition(")")[2].split()[0] == "S"
            for pid in self.parts for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"))

    def _kib(self, field):
        return sum(_kib(pid, field) for pid in self.parts)


def _target(entry):
    try:
        return os.readlink(entry.path)
    except OSError:
        return ""  # It was closed meanwhile.


def _kib(pid, field):
    match = re.search(rf"{field}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) if match else 0


def _resident(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))


def _processor(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def settled(process, counter):
    """Wait until a process moves no more bytes; how many it has moved."""
    seen = []

    def stands():
        with open(f"/proc/{process}/io") as counters:
            seen.append(int(re.search(rf"{counter}: (\d+)", counters.read())[1]))
        return len(seen) > 5 and len(set(seen[-5:])) == 1

    eventually(stands, f"process {process} is held back")
    return seen[-1]


def lowest(measures, steady):
    """What is measured once nothing has fallen for `steady` seconds: a server gives memory back after a while."""
    values, since = [measure() for measure in measures], time.monotonic()
    while time.monotonic() < since + steady:
        time.sleep(0.1)
        latest = [measure() for measure in measures]
        if any(new < old for new, old in zip(latest, values)):
            values, since = list(map(min, latest, values)), time.monotonic()
    return values
