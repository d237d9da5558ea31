# SPDX-License-Identifier: Apache-2.0
"""The server under load, and what /proc says about it."""

import collections
import os
import pathlib
import queue
import resource
import ssl
import subprocess
import sys
import threading
import time

MIB = 1 << 20
SETTLED = 10.0  # seconds until descriptors and memory must be back: twice the close deadline


class Server:
    """A `parleyd command` on a port of the kernel's choice, and what /proc says about it."""

    def __init__(self, options, files, threads):
        # AddressSanitizer keeps what is freed: memory is shown then, and not judged.
        self.is_sanitized = b"__asan_init" in pathlib.Path(options.bin, "parleyd").read_bytes()
        command = [f"{options.bin}/parleyd", "command", "--port", "0", "--quiet"]
        command += ["--certs", options.certs, *(["--threads", str(threads)] if threads else [])]
        self.trust = ssl.create_default_context(cafile=f"{options.certs}/ca.pem")
        # Else Python takes an end without close_notify for a clean one.
        self.trust.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        self.last_words = collections.deque(maxlen=8)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace",
            # Else only root could look at what it holds.
            env=dict(os.environ, PARLEY_DUMPABLE="1"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, files))
        self.ports = queue.Queue()
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        for line in self.process.stderr:
            self.last_words.append(line.rstrip())
            if "listening on" in line:
                self.ports.put(int(line.split()[3].rsplit(":", 1)[1]))
        self.ports.put(None)

    def wait_until_ready(self):
        try:
            port = self.ports.get(timeout=10)
        except queue.Empty:
            port = None
        if not port:
            sys.exit(f"load: the server does not get ready: {' '.join(self.last_words)}")
        self.address = ("127.0.0.1", port)
        self.cold_memory, self.base_files, self.base_memory = self.memory(), self.files(), 0

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))

    def has_given_back(self, memory):
        """Within 10 % of what the warm-up left."""
        return memory <= 1.1 * self.base_memory or self.is_sanitized

    def processor(self):
        """CPU seconds used so far."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


def eventually(measure, good, seconds=SETTLED):
    """Measures until it is good or the time is over; returns the last measurement."""
    until = time.monotonic() + seconds
    while not good(value := measure()) and time.monotonic() < until:
        time.sleep(0.01)
    return value


def settled(server):
    """Memory once it has not fallen for two seconds: the server gives it back after a while."""
    lowest, since = server.memory(), time.monotonic()
    while time.monotonic() < since + 2:
        time.sleep(0.1)
        memory = server.memory()
        if memory < lowest:
            lowest, since = memory, time.monotonic()
    return lowest
