# SPDX-License-Identifier: Apache-2.0
"""What the benchmark runs on: cores, limits, versions, and how busy others keep it."""

import datetime
import os
import pathlib
import re
import resource
import shutil
import subprocess


class Unavailable(Exception):
    """What can't be measured here, and why."""


class Machine:
    def __init__(self):
        self.cores = sorted(os.sched_getaffinity(0))
        self.server = {self.cores[-1]}
        self.load = {self.cores[0]}
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # What a server and the load need in addition to their sessions.
        self.most_sessions = (1 << 20 if hard == resource.RLIM_INFINITY else hard) - 200

    @property
    def is_shared(self):
        """Whether server and load must share a core."""
        return len(self.cores) == 1

    @property
    def own_pair(self):
        """Two cores for a server alone."""
        if len(self.cores) < 3:
            raise Unavailable("can't be had here: it needs 3 processors, two for the server and one for the load, and "
                              f"there {'are' if len(self.cores) > 1 else 'is'} {len(self.cores)}")
        return set(self.cores[1:3])

    @staticmethod
    def busy():
        """CPU seconds in which any core was busy; proc(5)."""
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = [int(word) for word in stat.readline().split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def own():
        """CPU seconds of this process and the children that have ended."""
        return sum(os.times()[:4])

    def description(self):
        """Lines of what, and which."""
        cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
        release = dict(
            line.rstrip().split("=", 1)
            for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
        where = ("server and load share the only core" if self.is_shared else
                 f"server on core {min(self.server)}, load on core {min(self.load)}")
        yield "machine", (f"{cpu[1] if cpu else os.uname().machine}, {len(self.cores)} cores, "
                          f"{int(memory[1]) // 1024 // 1024} GiB; {where}")
        yield "system", (f"{release.get('PRETTY_NAME', 'Linux').strip(chr(34))}, "
                         f"Linux {os.uname().release}")

    @staticmethod
    def versions(binaries):
        """Names and versions of the programs that are installed."""
        for name, command in [
                ("Parley", [f"{binaries}/parleyd", "--version"]),
                ("OpenSSL", ["openssl", "version"]),
                ("Swift", ["swift", "--version"]), ("redis", ["redis-server", "--version"]),
                ("nginx", ["nginx", "-v"]), ("stunnel", ["stunnel4", "-version"]),
                ("Go", ["go", "version"]), ("socat", ["socat", "-V"]),
                ("OpenSSH", ["ssh", "-V"]), ("NRPE", ["nrpe", "-V"]), ("remctl", ["remctld", "-v"]),
                ("valgrind", ["valgrind", "--version"])]:
            path = which(command[0])
            if not path:
                continue
            try:
                said = subprocess.run(
                    [path, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, errors="replace", timeout=20, check=False)
            except (OSError, subprocess.SubprocessError):
                continue
            if version := re.search(r"\d+\.\d+(\.\d+)*[\w-]*", said.stdout):
                yield name, version[0]

    @staticmethod
    def today():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def which(program):
    """Debian keeps servers where a user's PATH may not lead."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

