# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: how each is started, and what it is asked."""

import contextlib
import os
import socket
import ssl
import subprocess

from groups import confinement
from machine import which
from processes import PATIENCE, Process, Unavailable, accepts, free_port, reap_orphans

PROGRAM = "/bin/true"

TABLE = """{
  commands: {
    "Hello": { reply: "Greetings!" },
    zeros: { run: ["/usr/bin/head", "-c", "{count}", "/dev/zero"], allow: ["anyone"],
             arguments: { count: "[0-9]{1,12}" }, output: 1099511627776 },
    count: { run: ["/usr/bin/wc", "-c"], allow: ["anyone"], input: true },
    "true": { run: ["/bin/true"], allow: ["anyone"], concurrency: 64, perIdentity: 64 },
  },
}
"""


class Server:
    """A server, with TLS unless `plaintext`, that runs from `begin` to `end`."""

    name = ""
    is_ours = False
    """Whether its failure is a failure of the run."""
    question = ("--request", "Hello", "--reply", "Greetings!")
    has_plaintext = True
    is_bare = False

    def __init__(self, bench, plaintext=False, cores=None):
        self.bench, self.plaintext = bench, plaintext
        self.cores = cores or bench.machine.server
        self.certs = bench.certs
        self.work = bench.folder(self.name)
        self.processes, self.port = [], None

    def begin(self):
        try:
            self.port = self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def start(self):
        """Starts it and waits until it is ready; returns its port."""
        raise NotImplementedError

    @property
    def binaries(self):
        return self.bench.binaries

    def executable(self, name):
        """One of ours; without what debuggers read of it where `is_bare`."""
        path = f"{self.binaries}/{name}"
        if not self.is_bare:
            return path
        if not which("strip"):
            raise Unavailable("strip is not installed; it is in Debian's package binutils")
        bare = self.work / name
        subprocess.run(["strip", "--strip-debug", "-o", bare, path], check=True, timeout=60)
        return bare

    def run(self, *command, program=None, log="log", **how):
        path = which(command[0])
        if not path:
            raise Unavailable(f"{program or command[0]} is not installed")
        process = Process([path, *command[1:]], self.cores, self.work / log, **how)
        self.processes.append(process)
        return process

    @property
    def pids(self):
        return ",".join(str(pid) for process in self.processes for pid in process.pids)

    @property
    def security(self):
        """What the load needs to trust it."""
        return ["--plaintext"] if self.plaintext else ["--certs", self.certs]

    def end(self):
        for process in self.processes:
            process.end()
        self.processes = []
        reap_orphans()

    def kill(self):
        for process in self.processes:
            process.kill()
        self.processes = []
        reap_orphans()


class Parleyd(Server):
    name, is_ours = "parleyd", True
    threads = 1
    prefix = ()

    def command(self):
        return [*self.prefix, self.executable("parleyd"), "command", "--port", "0",
                "--threads", str(self.threads), "--quiet", *self.users(), *self.remote(), *self.security]

    def help(self):
        """What the build has, which may be an earlier one."""
        return subprocess.run([self.executable("parleyd"), "--help"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False).stdout

    def users(self):
        """Root's programs and what serves the network need users who are there, and all of the load has one address; an
        earlier build knows of none of these."""
        said = self.help()
        options = {"--trusted-address": "127.0.0.0/8"}
        if os.geteuid() == 0:
            options |= {"--program-user": "nobody", "--network-user": "daemon"}
        return [word for option, value in options.items() if option in said for word in (option, value)]

    def remote(self):
        """What remote sessions need in addition."""
        return []

    def start(self):
        return self.run(*self.command()).ready_port()


class TwoThreads(Parleyd):
    name, threads = "parleyd --threads 2", 2


class Mutual(Parleyd):
    """With client certificates, and otherwise the same."""

    def remote(self):
        return ["--client-ca", f"{self.certs}/ca.pem"]


class Remote(Parleyd):
    """With client certificates, a command table and an audit file."""

    name = "parleyd with parley/1"

    def remote(self):
        table = self.work / "commands.json5"
        if not table.exists():
            table.write_text(TABLE)
            table.chmod(0o600)
        return ["--client-ca", f"{self.certs}/ca.pem", "--commands", str(table),
                "--audit", str(self.work / "audit")]


class Unpaced(Remote):
    """The same, asked by one client for more than one may have."""

    def remote(self):
        limits = {"--max-identity-starts": "1000000", "--max-identity-sessions": "10000", "--reserved-sessions": "0"}
        said = self.help()
        return [*super().remote(), *(word for option, value in limits.items() if option in said
                                     for word in (option, value))]


class Programs(Unpaced):
    """Asked for a program that does nothing."""

    question = ("--request", "true")
    helping = ()
    environment = None

    def client(self, *_):
        return [self.executable("parley"), "run", "--certs", self.certs, f"127.0.0.1:{self.port}", "--", "true"]


class Before:
    """Another build of it, which `--before` names."""

    @property
    def binaries(self):
        return self.bench.options.before


class ParleydBefore(Before, Parleyd):
    name = "parleyd before"


class MutualBefore(Before, Mutual):
    name = ParleydBefore.name


class RemoteBefore(Before, Remote):
    name = "parleyd before with parley/1"


class UnpacedBefore(Before, Unpaced):
    name = RemoteBefore.name


class ProgramsBefore(Before, Programs):
    name = RemoteBefore.name


class Reference(Server):
    name, is_ours = "reference", True
    prefix, is_split, asks_clients = (), False, False

    def command(self):
        credentials = [f"{self.certs}/server.pem", f"{self.certs}/server.key"]
        options = [*(["--split"] if self.is_split else []),
                   *(["--client-ca", f"{self.certs}/ca.pem"] if self.asks_clients else [])]
        return [*self.prefix, self.executable("parley-reference"),
                *(["--plaintext"] if self.plaintext else [*options, *credentials])]

    def start(self):
        return self.run(*self.command()).ready_port()


class SplitReference(Reference):
    """With the key in another process, as parleyd has it."""

    name, is_split = "reference, split", True


class MutualReference(Reference):
    asks_clients = True


class MutualSplitReference(SplitReference):
    asks_clients = True


class Served(Reference):
    """Which runs a program for each message, by a process that has no connections."""

    name, asks_clients = "reference, served", True
    question = ("--request", "true", "--reply", "Done")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.until_end = contextlib.ExitStack()

    def command(self):
        confined = self.until_end.enter_context(confinement())
        return [self.executable("parley-reference"), "--served", self.work / "trail", *confined,
                "--client-ca", f"{self.certs}/ca.pem", f"{self.certs}/server.pem", f"{self.certs}/server.key", PROGRAM]

    def end(self):
        super().end()
        self.until_end.close()

    def kill(self):
        super().kill()
        self.until_end.close()


class Bulk(Reference):
    """Which runs a program for each client."""

    def __init__(self, bench, program):
        super().__init__(bench)
        self.program = program

    def command(self):
        return [self.executable("parley-reference"), "--bulk",
                *(["--client-ca", f"{self.certs}/ca.pem"] if self.asks_clients else []),
                f"{self.certs}/server.pem", f"{self.certs}/server.key", *self.program]


class WholeReference(Bulk):
    """For whole clients in C, with certificates."""

    asks_clients = True
    helping = ()
    environment = None

    def __init__(self, bench, *_):
        super().__init__(bench, ["/bin/true"])

    def client(self, *_):
        return [self.executable("parley-reference"), "--client", f"{self.certs}/ca.pem", self.port,
                f"{self.certs}/client.pem", f"{self.certs}/client.key"]


class Redis(Server):
    name = "redis"
    question = ("--request", "PING\\r\\n", "--reply", "+PONG\\r\\n")

    def start(self):
        port = free_port()
        tls = ["--port", 0, "--tls-port", port, "--tls-cert-file", f"{self.certs}/server.pem",
               "--tls-key-file", f"{self.certs}/server.key", "--tls-auth-clients", "no",
               "--tls-protocols", "TLSv1.3", "--tls-session-caching", "no"]
        process = self.run(
            # The load comes from many addresses of the loopback, which are strangers to redis.
            "redis-server", "--bind", "127.0.0.1", "--protected-mode", "no", "--save", "",
            "--appendonly", "no", "--daemonize", "no", "--dir", self.work, "--maxclients", 12_000,
            "--tcp-backlog", 4096,
            *(["--port", port] if self.plaintext else tls))
        process.wait_for(lambda: accepts(port))
        return port


class Nginx(Server):
    name = "nginx"
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def start(self):
        port = free_port()
        tls = (f"ssl_certificate {self.certs}/server.pem; ssl_certificate_key "
               f"{self.certs}/server.key; ssl_protocols TLSv1.3; ssl_session_tickets off; "
               "ssl_session_cache off; ssl_ecdh_curve X25519;")
        places = " ".join(f"{kind}_temp_path {self.work}/{kind};" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.work / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {self.work}/pid; error_log stderr warn;\n"
            "events { worker_connections 12000; }\n"
            f"http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;\n"
            f"{places}\n"
            f"server {{ listen 127.0.0.1:{port}{'' if self.plaintext else ' ssl'} backlog=4096;\n"
            f"{'' if self.plaintext else tls}\n"
            'location / { default_type text/plain; return 200 "Greetings!"; } } }\n')
        process = self.run("nginx", "-e", "stderr", "-p", self.work, "-c", self.work / "nginx.conf")
        process.wait_for(lambda: accepts(port))
        return port

    @property
    def question(self):
        """Its answer has a date in it, so that only the length is fixed."""
        trust = ssl.create_default_context(cafile=f"{self.certs}/ca.pem")
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            if not self.plaintext:
                sock = trust.wrap_socket(sock, server_hostname="localhost")
            sock.sendall(self.request)
            while not answer.endswith(b"Greetings!"):
                more = sock.recv(65536)
                if not more:
                    raise Unavailable("nginx does not answer")
                answer += more
            sock.close()
        request = self.request.decode().replace("\r", "\\r").replace("\n", "\\n")
        return ("--request", request, "--reply-length", str(len(answer)))


class Stunnel(Server):
    """Before a plaintext server, which is the reference."""

    name = "stunnel"
    has_plaintext = False

    def start(self):
        behind = Process([f"{self.bench.binaries}/parley-reference", "--plaintext"], self.cores,
                         self.work / "behind")
        self.processes.append(behind)
        port = free_port()
        (self.work / "stunnel.conf").write_text(
            f"foreground = yes\npid =\nsyslog = no\ndebug = err\noutput = {self.work}/log\n"
            "socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
            f"[reference]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{behind.ready_port()}\n"
            f"cert = {self.certs}/server.pem\nkey = {self.certs}/server.key\n"
            "sslVersionMin = TLSv1.3\ncurves = X25519\n")
        process = self.run("stunnel4", self.work / "stunnel.conf", log="output")
        process.wait_for(lambda: accepts(port))
        return port


class Go(Server):
    name = "Go crypto/tls"

    def start(self):
        if not self.bench.goserver:
            raise Unavailable(self.bench.goserver_fault)
        credentials = [f"{self.certs}/server.pem", f"{self.certs}/server.key"]
        return self.run(self.bench.goserver, *([] if self.plaintext else credentials)).ready_port()


PEERS = (Redis, Nginx, Go, Stunnel)
