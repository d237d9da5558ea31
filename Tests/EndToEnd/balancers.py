# SPDX-License-Identifier: Apache-2.0
"""HAProxy and nginx as packaging/examples sets them up, in front of servers of this machine."""

import csv
import os
import pathlib
import re
import signal
import socket

from conditions import found
from process import Program
from support import LIMIT, REPOSITORY, eventually, new_folder, processes

EXAMPLES = REPOSITORY / "packaging" / "examples"
STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def example(name, replacements):
    """An example in which each pattern has been replaced."""
    text = (EXAMPLES / name).read_text()
    for pattern, new in replacements.items():
        text, count = re.subn(pattern, new, text)
        if not count:
            raise AssertionError(f"{name} has no {pattern}")
    return text


def established(port):
    """How many connections a server's port has (proc(5), /proc/net/tcp)."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


class Balancer(Program):
    """One that listens at a port of the kernel's choice, which is open before it runs."""

    def __init__(self, owner, ports, words, **how):
        self.ports, self.folder = dict(zip(("web1", "web2"), ports)), new_folder()
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port, self._descriptor = listener.getsockname()[1], listener.fileno()
        self.configure()
        super().__init__(owner, words(self), folder=self.folder, pass_fds=[self._descriptor],
                         environment=how.get("environment", lambda _: {})(self))
        listener.close()

    def configure(self):
        """Write its files."""


class HAProxy(Balancer):
    def __init__(self, owner, ports):
        super().__init__(owner, ports, lambda self: [found("haproxy"), "-db", "-f", "haproxy.cfg"])
        eventually((self.folder / "admin.sock").exists, "HAProxy's socket")

    def configure(self):
        (self.folder / "haproxy.cfg").write_text(example("haproxy.cfg", {
            "/run/haproxy": str(self.folder), "(?m)^    bind :12345$": f"    bind fd@{self._descriptor}",
            "check inter 2s": "check inter 100ms", "192.0.2.1:12345": f"127.0.0.1:{self.ports['web1']}",
            "192.0.2.2:12345": f"127.0.0.1:{self.ports['web2']}"}))

    def order(self, line):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(LIMIT)
            admin.connect(str(self.folder / "admin.sock"))
            admin.sendall(f"{line}\n".encode())
            return "".join(iter(lambda: admin.recv(65536).decode(), ""))

    def state(self, name):
        rows = csv.DictReader(self.order("show stat").removeprefix("# ").splitlines())
        return next(row["status"] for row in rows if row["svname"] == name)

    def take_out(self, name):
        self.order(f"set server parley/{name} state drain")
        eventually(lambda: not established(self.ports[name]), f"the end of {name}'s sessions")

    def take_back(self, name):
        self.order(f"set server parley/{name} state ready")
        eventually(lambda: self.state(name) == "UP", f"{name} being up")


class Nginx(Balancer):
    """`settings` are more lines for its `server`."""

    def __init__(self, owner, ports, settings=""):
        self._settings, self._out = settings, set()
        super().__init__(
            owner, ports, lambda self: [found("nginx"), "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "stderr"],
            environment=lambda self: {"NGINX": f"{self._descriptor};"})
        eventually(self._workers, "nginx's worker")

    def configure(self):
        servers = {
            rf"server 192\.0\.2\.{number}:12345": f"server 127.0.0.1:{self.ports[name]}"
            + " down" * (name in self._out) for number, name in ((1, "web1"), (2, "web2"))}
        stream = example("nginx-stream.conf", {
            **servers, "listen 12345;": f"listen 127.0.0.1:{self.port}; {self._settings}"})
        (self.folder / "nginx.conf").write_text(
            f"load_module {STREAM_MODULE};\ndaemon off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\n{stream}")

    def _workers(self):
        return {pid for pid, state, parent, _ in processes() if parent == self.pid and state != "Z"}

    def _reload(self):
        old = self._workers()
        self.configure()
        os.kill(self.pid, signal.SIGHUP)
        # They end with the last of the connections that they have.
        eventually(lambda: self._workers() and not old & self._workers(), "the end of nginx's old worker")

    def take_out(self, name):
        self._out.add(name)
        self._reload()

    def take_back(self, name):
        self._out.discard(name)
        self._reload()
