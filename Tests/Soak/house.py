# SPDX-License-Identifier: Apache-2.0
"""The servers of a soak, their files, and what all who take part share."""

import collections
import re
import shutil
import ssl
import threading
import time

import authority
from attackers import dear
from attacks import IDENTITIES
from daemon import Daemon
from process import Owner
from remote_server import program, shell, write_table
from server import IS_ROOT
from support import new_folder
from volume import Volume
from windows import Versions

FOR_CLIENTS, FOR_SERVERS = "clientAuth", "serverAuth"
GOOD_ADDRESS, BAD_ADDRESS = "127.0.0.1", "127.0.0.66"
"""Bad clients of Python come from the second one, attackers from any other one, and all others from the first."""
BAD_IDENTITIES = ("mallory", "leaver", *IDENTITIES)
LIMITS = ["--max-handshakes-per-address", "20", "--max-identity-sessions", "20"]
"""More than good clients need, and less than attackers want."""
DESCRIPTORS = 224
"""Of the remote server: more than all clients need, and few enough to run out."""
HANDSHAKE, IDLE = 4, 12
"""The servers' deadlines in seconds: short, so that silent peers end within the run."""
REPLIES = 16


WORD = "[0-9a-z]+"
MANY = {"concurrency": 64, "perIdentity": 64}


def reply(number):
    return f"reply-{number:02}", f"the answer to reply-{number:02}"


def table(generation):
    """The commands: programs that say the token that they are given, and replies."""
    return {
        **{name: {"reply": text} for name, text in map(reply, range(REPLIES))},
        "quit": {"reply": "Closing down", "close": True},
        "generation": {"reply": f"generation {generation}"},
        "echo": program("/bin/echo", "{token}", arguments={"token": WORD}, **MANY),
        "both": shell('echo "$1"; echo "$1 error" >&2; exit "$2"', "token", "status", pattern=WORD,
                      **MANY),
        "cat": shell('echo "$1"; exec cat', "token", pattern=WORD, input=True, output=1 << 30,
                     **MANY),
        "wait": shell('echo "$1"; exec sleep 60', "token", pattern=WORD, **MANY),
        "endless": shell('echo "$1"; exec yes "$1"', "token", pattern=WORD, output=1 << 40,
                         timeout=20, **MANY),
        "dear": dear(),
    }


class Judge:
    """What a server may say; `windows` tell when faults may be mentioned."""

    EXHAUSTED = r"parleyd: no descriptor is free"
    RECOVERED = r"parleyd: descriptors are free again"
    ABOUT = re.compile(r"parleyd: (?P<address>[\d.]+)(?::\d+)? ?(?P<identity>(?:dns|key):\S+)?.*?: "
                       r"(?P<what>session ended|session failed|refused|the client connected and left|"
                       r"\d+ more connections? without a session)")

    def __init__(self, windows):
        self.windows = windows

    def __call__(self, line):
        about = self.ABOUT.match(line)
        if about:
            is_bad = about["address"] != GOOD_ADDRESS or any(
                name in (about["identity"] or "") for name in BAD_IDENTITIES)
            if about["what"] == "session ended" or is_bad:
                return None
            return "a good client's session failed"
        for pattern, kind in (
            (r"parleyd: listening on ", None),
            (r"parleyd: '.* run as root, as the table says", None),
            (r"parleyd: programs run as parleyd's own user, ", None),
            (r"parleyd: programs can signal and trace ", None),
            (r"parleyd: programs have (no )?control groups of their own", None),
            (r"parleyd: the network process is less confined than it could be: ", None),
            (r"parleyd: SIGHUP: ", None),  # Each is waited for with its outcome.
            (self.EXHAUSTED, "exhaustion"),
            (self.RECOVERED, None),  # Each loop says it when it accepts again, be it much later.
            (r"parleyd: an audit record was lost: ", "full_disk"),
            (r"parleyd: the audit trail cannot be written: ", "full_disk"),
            (r"parleyd: the audit trail now has the ", None),
            (r"parleyd: dns:leaver-\d+\.example may no longer run anything: ", None),
        ):
            if re.match(pattern, line):
                return None if kind is None or self.windows.may_be_told(kind) else (
                    f"said outside of any window for {kind}")
        return "an unexpected line in the log"


class House:
    """All servers, running; `close` ends them."""

    def __init__(self, ledger, threads=2):
        self.ledger, self.windows = ledger, ledger.windows
        self.stopping = threading.Event()
        self.zero = time.monotonic()
        self.folder = new_folder()
        self.certs = self.folder / "certs"
        shutil.copytree(authority.good(), self.certs)
        for name in ("nobody", "mallory", *(f"guest-{number}" for number in range(4)), "caller", *IDENTITIES):
            self.issue(name)
        self.volume = Volume(self.folder)
        self.crl, self.table = self.folder / "clients.crl", self.folder / "commands.json5"
        self.audit = self.folder / "audit.jsonl"
        self.revoke("nobody")
        self.generations = Versions(0)
        self.server_certificates = Versions(encoded(self.certs / "server.pem"))
        self.write_table(table(0))
        self.daemons, self.owner, self.actors, self.stage = {}, Owner(), [], None
        self.made = collections.Counter()
        """How many tables, certificates and audit files there were before those in force."""
        try:
            self._start(threads)
        except BaseException:
            self.kill()
            raise

    def _start(self, threads):
        quiet = ["--quiet", "--threads", threads]
        # All records of good clients are compared, and a small volume is to be full. Who fills the trail has more.
        whole = ["--audit-rate", "16384", "--audit-reserve", "0"]
        # No limit but the descriptors' is to hold up who takes all of them.
        trusting = ["--trusted-address", BAD_ADDRESS, "--max-handshakes", "100000"]
        self._add("remote", "command", *quiet, *whole, *LIMITS, "--client-ca", self.certs / "ca.pem", "--crl",
                  self.crl, "--commands", self.table, "--audit", self.audit, "--grace", "1",
                  descriptors=DESCRIPTORS, wrapper=self.volume.wrapper, trusting=trusting)
        self.volume.enter(self["remote"].pid)
        for protocol in ("command", "hello", "greeting"):
            self._add(f"plaintext {protocol}", protocol, *quiet)
            if protocol != "command":
                self._add(protocol, protocol, *quiet)
        for name in ("chat", "plaintext chat"):
            self._add(name, "chat", operator=operator)

    def _add(self, name, protocol, *options, **how):
        is_plain = name.startswith("plaintext")
        timeouts = [] if is_plain else ["--handshake-timeout", HANDSHAKE]
        self.daemons[name] = Daemon(
            self.owner, name, protocol, *options, "--idle-timeout", IDLE, *timeouts,
            certs=None if is_plain else self.certs, judge=Judge(self.windows),
            complain=self.ledger.complain, **how)

    def __getitem__(self, name):
        return self.daemons[name]

    @property
    def encrypted(self):
        return [daemon for name, daemon in self.daemons.items() if not name.startswith("plain")]

    def write_table(self, commands):
        write_table(self.table, commands, are_roots=IS_ROOT or self.volume.is_roots)

    # Certificates

    def issue(self, name, purpose=FOR_CLIENTS, names=None):
        authority.issue(self.folder, name, names=names or f"DNS:{name}.example", purpose=purpose)

    def certificate(self, name):
        """The path of a client's certificate without its suffix."""
        return self.folder / name

    def identity(self, name):
        """A client's options of `parley`."""
        return ["--ca", f"{self.certs}/ca.pem", *authority.own(self.certificate(name))]

    def revoke(self, name):
        """A revocation list with this and all earlier ones, in the place where servers look."""
        authority.revoke(self.folder, name)
        put(self.folder / "crl.pem", self.crl)

    # Time

    def restart_clock(self):
        self.zero = time.monotonic()

    def clock(self):
        """Seconds since the stage began."""
        return time.monotonic() - self.zero

    def kill(self):
        self.owner.close()


def encoded(path):
    """A certificate as a peer gets it."""
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def put(source, target):
    """Replaces a file as one step."""
    new = target.with_name(target.name + ".new")
    shutil.copy(source, new)
    new.rename(target)


def operator(line):
    """Answers each message of a chat with the same words."""
    said = line.partition("Client says: ")[2]
    return f"you said {said}\n" if said else None
