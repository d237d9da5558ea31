# SPDX-License-Identifier: Apache-2.0
"""What the tests of scripts/generate-certs share: runs of it, two sets that it made, and ways to read certificates."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import ssl
import stat
import subprocess
import unittest

from conditions import needs
from support import LIMIT, REPOSITORY, SCRATCH, new_folder

SCRIPT = REPOSITORY / "scripts" / "generate-certs"
SHELL = os.environ.get("GENERATE_CERTS_SHELL", "").split()  # such as "busybox sh"; otherwise the script's own
DAY = 86_400

USAGE, CANNOT_CREATE, FAILURE = 64, 73, 1
BOOKS = "ca.d"
"""Where the CA's index is, and the states of the set."""
SIX = {"ca.pem", "ca.key", "server.pem", "server.key", "client.pem", "client.key"}
TOOLS = ("awk", "cat", "chmod", "cmp", "cp", "date", "dirname", "flock", "grep", "head", "ln", "mkdir", "mv", "readlink",
         "rm", "rmdir", "sed", "stty", "sync", "tail", "tr", "uname", "wc")
MUTATORS = ("chmod", "cp", "ln", "mkdir", "mv", "rm", "rmdir")

HOSTS = ("localhost", "127.0.0.1", "::1", "example.org", "*.apps.example.org", "192.0.2.7", "2001:db8::7", "my_service", "xn--bcher-kva.example")
CLIENTS = {
    "client": "DNS:client",
    "alice": "email:alice@example.org",
    "deploy": "URI:spiffe://example.org/deploy",
    "host-1": "DNS:host-1.example.org",
    "_Bob.x": "DNS:_Bob.x",
}
SHARED = SCRATCH / "shared"
"""A set with hosts and clients of every kind, which no test changes."""
BASIC = SCRATCH / "basic"
"""A set with the clients gone and both, to be copied and changed."""


@functools.lru_cache(maxsize=None)
def sets():
    """Makes both sets, once a run; what the script said of the shared one."""
    arguments = [f"--host={host}" for host in HOSTS]
    arguments += ["--client", "client", "--client", "alice=email:alice@example.org", "--client=deploy=uri:spiffe://example.org/deploy"]
    arguments += ["--client", "host-1=dns:host-1.example.org", "--client", "_Bob.x"]
    made = generate(SHARED, *arguments)
    if made.returncode != 0:
        raise AssertionError(made.stderr)
    generate(BASIC, "--client", "client", "--client", "gone", "--client", "both").check_returncode()
    return made.stdout


def command_line(directory, *arguments):
    out = [] if directory is None else ["--out", str(directory)]
    return [*SHELL, str(SCRIPT), *out, *arguments]


def run(*command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=LIMIT, **options,
    )


def generate(directory, *arguments, **options):
    return run(*command_line(directory, *arguments), **options)


def openssl(*arguments, **options):
    return run("openssl", *arguments, **options)


def verify(directory, name, *arguments):
    return openssl(
        "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", directory / "ca.pem", *arguments,
        directory / f"{name}.pem",
    )


def certificate(path):
    """What openssl prints of a certificate, asked once for each file."""
    return _certificate(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=None)
def _certificate(path, _):
    return openssl("x509", "-in", path, "-noout", "-text", "-serial", "-subject", "-startdate", "-enddate",
                   "-pubkey").stdout


def field(path, name):
    return re.search(rf"^{name}=(.*)$", certificate(path), re.MULTILINE)[1]


def extension(path, name):
    """Whether it is critical, and its content; nothing where the certificate has no such extension."""
    match = re.search(rf"X509v3 {name}: *(critical)?\n *(.*?) *\n", certificate(path))
    return match and (match[1] is not None, match[2])


def lifetime(path):
    return ssl.cert_time_to_seconds(field(path, "notBefore")), ssl.cert_time_to_seconds(field(path, "notAfter"))


def public_key(path):
    return re.search(r"-----BEGIN PUBLIC KEY-----[^$]*", certificate(path))[0]


def contents(directory):
    """What a reader of the folder finds under each name: bytes and mode, through links, without hidden names, the CA's
    books and what a set has replaced."""
    found = {}
    for name in os.listdir(directory):
        if not name.startswith((".", "old-")) and name != BOOKS:
            with contextlib.suppress(FileNotFoundError):
                with open(directory / name, "rb") as file:
                    found[name] = (file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    return found


def files(directory):
    """The names in a folder but for the CA's books and what a set has replaced."""
    return {name for name in os.listdir(directory) if not name.startswith("old-") and name != BOOKS}


def replaced(directory):
    """What each folder of replaced files has, in the order in which they were made."""
    return [contents(path) for path in sorted(pathlib.Path(directory).glob("old-*"))]


def everything(directory):
    """The bytes and mode of each file below a folder, hidden ones too."""
    return {(path.read_bytes(), stat.S_IMODE(path.lstat().st_mode)) for path in pathlib.Path(directory).rglob("*")
            if path.is_file() and not path.is_symlink()}


def state(directory):
    """The folder of the state in force."""
    return directory / BOOKS / os.readlink(directory / BOOKS / "current")


def leftovers(directory):
    """What should be gone after a run: links to nothing, states that are not in force, and hidden entries."""
    left = [name for name in os.listdir(directory) if not os.path.exists(directory / name) or name.startswith(".parley")]
    if not os.path.lexists(directory / BOOKS):
        return left
    known = {"current", "lock", os.readlink(directory / BOOKS / "current")}
    return left + sorted(set(os.listdir(directory / BOOKS)) - known) + [
        path.name for path in state(directory).iterdir() if path.is_dir()]


def books(directory):
    """What the CA has on record; nothing before the first step."""
    index = state(directory) / "index.txt"
    return index.read_text().splitlines() if index.exists() else None


def serial(path):
    return field(path, "serial")


def shims(directory, names, body):
    """A PATH on which each of names first runs the sh lines of body, where $real is the real command."""
    directory.mkdir()
    for name in names:
        shim = directory / name
        shim.write_text(f'#!/bin/sh\nreal={shutil.which(name)}\n{body}\nexec "$real" "$@"\n')
        shim.chmod(0o755)
    return {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


@needs("openssl")
class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = sets()

    def setUp(self):
        self.folder = new_folder()
        self.out = self.folder / "certs"

    def assertDone(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def assertRefused(self, result, status, *words):
        """One sentence on standard error, with words in it, and nothing on standard output."""
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, r"\Agenerate-certs: [^\n]+\n\Z")
        self.assertEqual(result.stdout, "")
        for word in words:
            self.assertIn(word, result.stderr)

    def assertVerified(self, directory, name, *arguments):
        result = verify(directory, name, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)

    def copy(self, original=None):
        """Puts a finished set into self.out, which is much faster than to make one."""
        shutil.copytree(original or BASIC, self.out, symlinks=True)

    def make(self, *arguments, **options):
        return self.assertDone(generate(self.out, *arguments, **options))
