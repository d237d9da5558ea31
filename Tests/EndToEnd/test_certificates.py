# SPDX-License-Identifier: Apache-2.0
"""Shows that scripts/generate-certs makes certificates that strangers accept, and a whole set or none."""

import base64
import concurrent.futures
import contextlib
import datetime
import functools
import hashlib
import ipaddress
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import inherited

inherited.shed()

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "generate-certs"
SHELL = os.environ.get("GENERATE_CERTS_SHELL", "").split()  # such as "busybox sh"; otherwise the script's own
LIMIT = 30  # seconds for anything that could hang
DAY = 86_400

USAGE, CANNOT_CREATE, FAILURE = 64, 73, 1
SIX = {"ca.pem", "ca.key", "server.pem", "server.key", "client.pem", "client.key"}
TOOLS = ("awk", "cat", "chmod", "cmp", "cp", "cut", "date", "grep", "ln", "ls", "mkdir", "mv", "rm", "rmdir", "sed",
         "tail", "tr", "uname")
MUTATORS = ("chmod", "cp", "ln", "mkdir", "mv", "rm", "rmdir")

ROOT = None  # temporary folder of the whole run
SHARED = None  # a set with hosts and clients of every kind, which no test changes
SHARED_RUN = None
BASIC = None  # a set with the clients gone and both, to be copied and changed
HOSTS = ("localhost", "127.0.0.1", "::1", "example.org", "*.apps.example.org", "192.0.2.7", "2001:db8::7", "my_service", "xn--bcher-kva.example")
CLIENTS = {
    "client": "DNS:client",
    "alice": "email:alice@example.org",
    "deploy": "URI:spiffe://example.org/deploy",
    "host-1": "DNS:host-1.example.org",
    "_Bob.x": "DNS:_Bob.x",
}


def setUpModule():
    global ROOT, SHARED, SHARED_RUN, BASIC
    if shutil.which("openssl") is None:
        raise unittest.SkipTest("the openssl command is not installed")
    ROOT = pathlib.Path(tempfile.mkdtemp(prefix="certificates-"))
    unittest.addModuleCleanup(shutil.rmtree, ROOT)
    SHARED = ROOT / "shared"
    arguments = [f"--host={host}" for host in HOSTS]
    arguments += ["--client", "client", "--client", "alice=email:alice@example.org", "--client=deploy=uri:spiffe://example.org/deploy"]
    arguments += ["--client", "host-1=dns:host-1.example.org", "--client", "_Bob.x"]
    SHARED_RUN = generate(SHARED, *arguments)
    if SHARED_RUN.returncode != 0:
        raise AssertionError(SHARED_RUN.stderr)
    BASIC = ROOT / "basic"
    generate(BASIC, "--client", "client", "--client", "gone", "--client", "both").check_returncode()


# ---- what the tests are written with


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


def pin(path):
    body = "".join(line for line in public_key(path).splitlines() if not line.startswith("-"))
    return "sha256//" + base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()


def contents(directory):
    """What a reader of the folder finds under each name: bytes and mode, through links, without hidden names and
    without what a set has replaced."""
    found = {}
    for name in os.listdir(directory):
        if not name.startswith((".", "old-")):
            with contextlib.suppress(FileNotFoundError):
                with open(directory / name, "rb") as file:
                    found[name] = (file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    return found


def files(directory):
    """The names in a folder but for what a set has replaced."""
    return {name for name in os.listdir(directory) if not name.startswith("old-")}


def replaced(directory):
    """What each folder of replaced files has, in the order in which they were made."""
    return [contents(path) for path in sorted(pathlib.Path(directory).glob("old-*"))]


def everything(directory):
    """The bytes and mode of each file below a folder, hidden ones too."""
    return {(path.read_bytes(), stat.S_IMODE(path.lstat().st_mode)) for path in pathlib.Path(directory).rglob("*")
            if path.is_file() and not path.is_symlink()}


def leftovers(directory):
    links = [name for name in os.listdir(directory) if os.path.islink(directory / name)]
    return links + [name for name in os.listdir(directory) if name.startswith(".generate-certs")]


def shims(directory, names, body):
    """A PATH on which each of names first runs the sh lines of body, where $real is the real command."""
    directory.mkdir()
    for name in names:
        shim = directory / name
        shim.write_text(f'#!/bin/sh\nreal={shutil.which(name)}\n{body}\nexec "$real" "$@"\n')
        shim.chmod(0o755)
    return {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


class Background:
    """A process whose output is awaited line by line, and which does not outlive its block."""

    def __init__(self, *command, **options):
        options.setdefault("stdin", subprocess.PIPE)
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
        )
        self.output = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(LIMIT)
        self.process.stdout.close()
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    def wait_for(self, pattern):
        end = time.monotonic() + LIMIT
        while True:
            match = re.search(pattern, self.output)
            if match:
                return match
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
            if not more:
                raise AssertionError(f"no {pattern!r} in {self.output!r}")
            self.output += more


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=ROOT))
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
        shutil.copytree(original or BASIC, self.out)

    def make(self, *arguments, **options):
        return self.assertDone(generate(self.out, *arguments, **options))


# ---- the certificates


class Profile(Case):
    def test_set_hasTheFilesOfTheDesign_andNoOther(self):
        clients = {f"{name}.{suffix}" for name in CLIENTS for suffix in ("pem", "key")}
        self.assertEqual(set(os.listdir(SHARED)), SIX | clients)

    def test_keysAreForTheirOwnerOnly_andCertificatesForAll(self):
        for name, (_, mode) in contents(SHARED).items():
            expected = 0o400 if name == "ca.key" else 0o600 if name.endswith(".key") else 0o644
            self.assertEqual(mode, expected, name)
            self.assertTrue((SHARED / name).is_file() and not (SHARED / name).is_symlink(), name)

    def test_permissionsDoNotDependOnTheUmask(self):
        for umask in (0, 0o077):
            out = self.folder / f"{umask:o}"
            self.assertDone(generate(out, "--self-signed", preexec_fn=lambda: os.umask(umask)))
            self.assertEqual({name: mode for name, (_, mode) in contents(out).items()},
                             {"ca.pem": 0o644, "server.pem": 0o644, "server.key": 0o600})
            self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o755 & ~umask)

    def test_caSignsCertificatesAndRevocationsOnly_andNoFurtherCA(self):
        ca = SHARED / "ca.pem"
        self.assertEqual(extension(ca, "Basic Constraints"), (True, "CA:TRUE, pathlen:0"))
        self.assertEqual(extension(ca, "Key Usage"), (True, "Certificate Sign, CRL Sign"))
        self.assertIsNone(extension(ca, "Extended Key Usage"))

    def test_leavesHaveTheirOwnUsageOnly(self):
        for name in ("server", *CLIENTS):
            usage = "TLS Web Server Authentication" if name == "server" else "TLS Web Client Authentication"
            leaf = SHARED / f"{name}.pem"
            self.assertEqual(extension(leaf, "Basic Constraints"), (True, "CA:FALSE"))
            self.assertEqual(extension(leaf, "Key Usage"), (True, "Digital Signature"))
            self.assertEqual(extension(leaf, "Extended Key Usage"), (False, usage))

    def test_keysAreP256_unencrypted_andMatchTheirCertificates(self):
        for name in ("ca", "server", *CLIENTS):
            self.assertIn("ASN1 OID: prime256v1", certificate(SHARED / f"{name}.pem"))
            self.assertIn("BEGIN PRIVATE KEY", (SHARED / f"{name}.key").read_text())
            self.assertEqual(openssl("pkey", "-in", SHARED / f"{name}.key", "-pubout").stdout,
                             public_key(SHARED / f"{name}.pem"))

    def test_serialsArePositive_128BitsLong_andAllDifferent(self):
        serials = [field(path, "serial") for path in SHARED.glob("*.pem")]
        self.assertEqual(len(set(serials)), len(serials))
        for serial in serials:
            self.assertRegex(serial, r"\A[1-7][0-9A-F]{31}\Z")

    def test_keyIdentifiersLinkLeavesToTheCA(self):
        _, issuer = extension(SHARED / "ca.pem", "Subject Key Identifier")
        self.assertRegex(issuer, r"\A([0-9A-F]{2}:){19}[0-9A-F]{2}\Z")
        for name in ("ca", "server", *CLIENTS):
            _, link = extension(SHARED / f"{name}.pem", "Authority Key Identifier")
            self.assertEqual(link.replace("keyid:", ""), issuer)
            self.assertIsNotNone(extension(SHARED / f"{name}.pem", "Subject Key Identifier"))

    def test_leavesLast825Days_andTheCALonger(self):
        _, ca_end = lifetime(SHARED / "ca.pem")
        for name in ("server", *CLIENTS):
            start, end = lifetime(SHARED / f"{name}.pem")
            self.assertEqual(end - start, 825 * DAY)
            self.assertGreater(ca_end, end)

    def test_eachCAHasANameOfItsOwn(self):
        self.assertNotEqual(field(SHARED / "ca.pem", "subject"), field(BASIC / "ca.pem", "subject"))

    def test_clientIdentityIsItsName_unlessSANSaysOtherwise(self):
        for name, identity in CLIENTS.items():
            self.assertEqual(extension(SHARED / f"{name}.pem", "Subject Alternative Name"), (False, identity))
            self.assertRegex(field(SHARED / f"{name}.pem", "subject"), rf"\ACN ?= ?{re.escape(name)}\Z")


class Verification(Case):
    def test_eachCertificatePassesStrictly_forItsPurposeAlone(self):
        self.assertVerified(SHARED, "ca")
        for name in ("server", *CLIENTS):
            mine, other = ("sslserver", "sslclient") if name == "server" else ("sslclient", "sslserver")
            self.assertVerified(SHARED, name, "-purpose", mine)
            self.assertNotEqual(verify(SHARED, name, "-purpose", other).returncode, 0)

    def test_serverIsValidForEachHost_andNoOther(self):
        for name in ("example.org", "EXAMPLE.ORG", "a.apps.example.org", "my_service", "xn--bcher-kva.example"):
            self.assertVerified(SHARED, "server", "-verify_hostname", name)
        for address in ("192.0.2.7", "2001:db8::7", "2001:DB8:0:0::7"):
            self.assertVerified(SHARED, "server", "-verify_ip", address)
        for name in ("example.com", "www.example.org", "apps.example.org", "a.b.apps.example.org",
                     os.uname().nodename):
            self.assertNotEqual(verify(SHARED, "server", "-verify_hostname", name).returncode, 0, name)
        self.assertNotEqual(verify(SHARED, "server", "-verify_ip", "127.0.0.2").returncode, 0)

    def test_serverWithoutAskedHosts_isValidForThisMachine(self):
        names = ["localhost"]
        machine = os.uname().nodename.lower()
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", machine):
            names.append(machine)
        for name in names:
            self.assertVerified(BASIC, "server", "-verify_hostname", name)
        for address in ("127.0.0.1", "::1"):
            self.assertVerified(BASIC, "server", "-verify_ip", address)

    def test_clientIsMade_onlyWhereNoneWasAskedFor(self):
        self.make("--host", "example.org", "--client", "alice")
        self.assertEqual(set(os.listdir(self.out)), {
            "ca.pem", "ca.key", "server.pem", "server.key", "alice.pem", "alice.key"})
        self.assertEqual(extension(self.out / "server.pem", "Subject Alternative Name"), (False, "DNS:example.org"))
        self.make("--host", "example.org", "--force")
        self.assertEqual(files(self.out), SIX)

    def test_certificatesBeginSomeMinutesAgo(self):
        self.make()
        self.make("--client", "later", "--days", "7")
        for name in ("ca", "server", "client", "later"):
            age = time.time() - lifetime(self.out / f"{name}.pem")[0]
            self.assertTrue(240 < age < 300 + LIMIT, (name, age))
        self.make("--self-signed", "--force")
        self.assertLess(lifetime(self.out / "server.pem")[0], time.time() - 240)

    def test_beginning_isRight_whereADayMonthOrYearBegins(self):
        now = time.gmtime()
        year = now.tm_year if now.tm_mon > 3 else now.tm_year - 1
        for month, day in ((3, 1), (1, 1)):
            date = datetime.datetime(year, month, day, 0, 2, 7, tzinfo=datetime.timezone.utc)
            environment = shims(self.folder / f"shims {month}", ["date"], (
                f'case $* in *%d*%H*) echo {date:%Y %m %d %H %M %S}; exit ;; esac'))
            self.make("--self-signed", "--force", "--days", "800", env=environment)
            start = (date - datetime.timedelta(minutes=5)).timestamp()
            self.assertEqual(lifetime(self.out / "server.pem"), (start, start + 800 * DAY))

    def test_certificatesOfAnotherCA_areRejected(self):
        result = openssl("verify", "-CAfile", SHARED / "ca.pem", BASIC / "server.pem")
        self.assertNotEqual(result.returncode, 0)

    def test_caKeySignsARevocationList_thatVerificationHonours(self):
        self.copy()
        (self.folder / "index.txt").touch()
        configuration = self.folder / "ca.cnf"
        configuration.write_text(
            f"[ca]\ndefault_ca = it\n[it]\ndatabase = {self.folder}/index.txt\ndefault_md = sha256\n"
            f"default_crl_days = 1\n"
        )
        signer = ("ca", "-config", configuration, "-cert", self.out / "ca.pem", "-keyfile", self.out / "ca.key")
        self.assertDone(openssl(*signer, "-revoke", self.out / "client.pem"))
        self.assertDone(openssl(*signer, "-gencrl", "-out", self.folder / "crl.pem"))
        check = ("-crl_check", "-CRLfile", self.folder / "crl.pem")
        self.assertVerified(self.out, "server", *check)
        self.assertIn("revoked", verify(self.out, "client", *check).stderr)


class Report(Case):
    def test_report_namesEachFile_identity_end_andPin(self):
        for name in ("ca", "server", *CLIENTS):
            block = re.search(
                rf"^{re.escape(str(SHARED))}/{re.escape(name)}\.pem, \S+/{re.escape(name)}\.key\n((?:    .*\n)+)",
                SHARED_RUN.stdout, re.MULTILINE)
            self.assertIsNotNone(block, name)
            self.assertIn(pin(SHARED / f"{name}.pem"), block[1])
            self.assertIn(field(SHARED / f"{name}.pem", "notAfter"), block[1])
        for identity in ("dns:example.org", "ip:192.0.2.7", "dns:*.apps.example.org", "ip:2001:db8::7",
                         "email:alice@example.org", "uri:spiffe://example.org/deploy", "dns:host-1.example.org"):
            self.assertIn(identity, SHARED_RUN.stdout)

    def test_reportThatNobodyReads_leavesAWholeSet(self):
        process = subprocess.Popen(command_line(self.out), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        process.stderr.read()
        process.stderr.close()
        process.wait(LIMIT)
        self.assertEqual(set(os.listdir(self.out)), SIX)

    def test_help_fitsAScreen_andChangesNothing(self):
        result = self.assertDone(generate(self.out, "--help"))
        lines = result.stdout.splitlines()
        self.assertLessEqual(len(lines), 25)
        self.assertLessEqual(max(map(len, lines)), 100)
        for option in ("--out", "--host", "--client", "--days", "--self-signed", "--force"):
            self.assertIn(option, result.stdout)
        self.assertFalse(self.out.exists())


# ---- options


class Options(Case):
    def refuse(self, *arguments, status=USAGE, words=()):
        with self.subTest(arguments=arguments):
            result = generate(self.out, *arguments)
            self.assertRefused(result, status, *words)
            self.assertFalse(self.out.exists())

    def test_wrongUsage_isOneSentence_andMakesNothing(self):
        for arguments, word in (
            (["--frobnicate"], "--frobnicate"), (["-x"], "-x"), (["certs"], "certs"), (["--", "x"], "'x'"),
            (["--host"], "needs a value"), (["--days"], "needs a value"), (["--force=yes"], "--force=yes"),
            (["--out", ""], "--out"), (["--out="], "--out"), (["--self-signed", "--client", "a"], "--self-signed"),
        ):
            self.refuse(*arguments, words=[word, "--help"])

    def test_daysOutsideOneTo825_areRefused(self):
        for days in ("826", "99999999999999999999", "0", "-1", "+5", "1.5", "ten", "", "0x10", "010", "5 6"):
            self.refuse("--days", days, words=["--days"])

    def test_days_setTheLifeOfTheLeaves(self):
        self.make("--days", "7")
        for name in ("server", "client"):
            start, end = lifetime(self.out / f"{name}.pem")
            self.assertEqual(end - start, 7 * DAY)
        start, end = lifetime(self.out / "ca.pem")
        self.assertGreaterEqual(end - start, 825 * DAY)

    def test_hostThatIsNeitherNameNorAddress_isRefused(self):
        for host in (
            "", " ", "a b", "a,DNS:b", "a\nb", "a\n", "a'b", 'a"b', "a;b", "a#b", "$HOME", "${x}", "a/b", "bücher.de",
            ".org", "example.org.", "a..b", "-a.org", "a-.org", "*", "*.org", "*.*.org", "a.*.org", "*a.example.org",
            "x" * 64, ".".join(["abcdefgh"] * 30), "*.1.2", "https://example.org", "example.org:443", "user@host",
            "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04", "1.2.3.-4", "192.0.2.0/24", "a.1",
            ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::g", "[::1]",
            "fe80::1%eth0", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "::1/128", "1:", ":1",
        ):
            self.refuse("--host", host, words=["--host"])

    def test_hostsOfEveryKind_areAccepted_andDuplicatesFolded(self):
        long_name = ".".join(["abcdefg"] * 31)
        hosts = ("localhost", "LocalHost", "127.0.0.1", "0:0:0:0:0:0:0:1", "::0001", "example.org", "Example.ORG",
                 "2001:db8::1", "2001:DB8:0:0::1", "2001:db8:0:0:0:0:0:1", "::ffff:192.0.2.1", "::FFFF:c000:201",
                 "::", "fe80::", "1:2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1a.example", "*.Example.org",
                 "255.255.255.255", long_name)
        self.make(*(f"--host={host}" for host in hosts))
        self.assertRegex(field(self.out / "server.pem", "subject"), r"CN ?= ?localhost")
        found = re.sub(r"IP Address:", "IP:", extension(self.out / "server.pem", "Subject Alternative Name")[1]).split(", ")
        names = [entry[4:] for entry in found if entry.startswith("DNS:")]
        addresses = [ipaddress.ip_address(entry[3:]) for entry in found if entry.startswith("IP:")]
        self.assertEqual(names, [
            "localhost", "example.org", "1a.example", "*.example.org", long_name])
        self.assertEqual(addresses, [ipaddress.ip_address(address) for address in (
            "127.0.0.1", "::1", "2001:db8::1", "::ffff:192.0.2.1", "::", "fe80::", "1:2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8", "255.255.255.255")])

    def test_hostNameThatIsTooLongForACommonName_isStillAHost(self):
        name = "abcdefghi." * 7 + "org"
        self.make("--host", name)
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", name)
        self.assertNotIn("localhost", certificate(self.out / "server.pem"))

    def test_clientNameThatIsNoFileName_isRefused(self):
        for name in (
            "", "=dns:a", ".", "..", ".a", "-a", "a/b", "../a", "/a", "a b", "a\nb", "a\n", "a\tb", "a,b", "a'b", 'a"b',
            "a;b", "$(id)", "`id`", "a*", "a\\b", "é", "a:b", "a..b", "a.", "ca", "CA", "server", "Server", "Client",
            "x" * 65,
        ):
            self.refuse("--client", name, words=["--client"])

    def test_clientNameOf64Characters_isAccepted(self):
        self.make("--client", "x" * 64)
        self.assertVerified(self.out, "x" * 64, "-purpose", "sslclient")

    def test_clientGivenTwice_isRefused(self):
        self.refuse("--client", "a", "--client", "a=dns:b", words=["twice"])
        self.refuse("--client", "a", "--client", "A", words=["twice"])

    def test_identityThatIsNone_isRefused(self):
        for identity in (
            "", "alice", "ip:127.0.0.1", "EMAIL:a@b.c", "email:", "email:a", "email:a@", "email:@b", "email:a@b@c",
            "email:a b@c.d", "email:copy", "email:move", "email:a@b,DNS:c", "email:a@b\nDNS.2=c", "email:a@b ",
            "email:a@b\n", "email:.a@b", "email:a.@b", "email:a..b@c", "email:a@-b", "email:$ENV@b", 'email:"a"@b',
            "dns:", "dns:*.example.org", "dns:a b", "dns:a,b", "dns:a..b", "dns:a_$b", "dns:-a",
            "uri:", "uri:example.org", "uri:spiffe:", "uri:spiffe://", "uri:spiffe:///a", "uri:1a://b", "uri:a://b c",
            "uri:a://b,URI:c", "uri:a://b#c", "uri:a://$HOME", "uri:a://b;c", "uri:a://b'c", 'uri:a://b"c',
            "uri:a://b\\c", "uri:a://b\nc", "uri:a://b%zz", "uri:a://[::1]", "uri:é://b", "uri:x:" + "a" * 1024,
        ):
            self.refuse("--client", f"alice={identity}", words=["--client alice"])

    def test_identitiesOfEveryKind_reachTheCertificate(self):
        identities = {
            "a": ("email:first.last+tag@mail.example.org", "email:first.last+tag@mail.example.org"),
            "b": ("uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                  "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            "c": ("uri:https://example.org:8443/a%20b?c=d&e=~f", "URI:https://example.org:8443/a%20b?c=d&e=~f"),
            "d": ("dns:under_score.example.org", "DNS:under_score.example.org"),
            "client": ("email:me@localhost", "email:me@localhost"),
        }
        self.make(*(f"--client={name}={given}" for name, (given, _) in identities.items()))
        for name, (_, expected) in identities.items():
            self.assertEqual(extension(self.out / f"{name}.pem", "Subject Alternative Name"), (False, expected))


class Surroundings(Case):
    def test_foldersWithOddNames_work(self):
        for name in ("with space", "-dash", "quote'\"", "$HOME `id` *", "new\nline", "ümläut", "a=b", "#x;y"):
            with self.subTest(name=name):
                result = self.assertDone(generate(name, "--self-signed", cwd=self.folder))
                self.assertEqual(result.stderr, "")
                self.assertEqual(len(os.listdir(self.folder / name)), 3)

    def test_defaultFolder_isTheRepositorys_fromAnyCurrentDirectory(self):
        copy = self.folder / "a checkout" / "scripts" / "generate-certs"
        copy.parent.mkdir(parents=True)
        shutil.copy(SCRIPT, copy)
        for directory, script in ((self.folder, copy), (copy.parent, "./generate-certs"),
                                  (copy.parents[1], "scripts/generate-certs")):
            result = self.assertDone(run(*SHELL, script, "--self-signed", "--force", cwd=directory))
            self.assertEqual(files(copy.parents[1] / "certs"), {"ca.pem", "server.pem", "server.key"})
        self.assertIn("\ncerts/ca.pem\n", result.stdout)

    def test_environmentDoesNotReachTheCertificates(self):
        (self.folder / "broken.cnf").write_text("openssl_conf = nowhere\n[req\n")
        environment = {**os.environ, "OPENSSL_CONF": str(self.folder / "broken.cnf"), "CDPATH": "/", "IFS": "a",
                       "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "POSIXLY_CORRECT": "1",
                       "SSL_CERT_FILE": "missing", "SSL_CERT_DIR": "missing"}
        result = self.assertDone(generate("certs", "--host", "EXAMPLE.ORG", env=environment, cwd=self.folder))
        self.assertEqual(result.stderr, "")
        self.assertVerified(self.out, "server", "-verify_hostname", "example.org")

    def test_folderBehindALink_isFilledInPlace(self):
        (self.folder / "real").mkdir()
        self.out.symlink_to("real")
        self.make("--self-signed")
        self.make("--self-signed", "--force")
        self.assertTrue(self.out.is_symlink())
        self.assertEqual(len(files(self.folder / "real")), 3)
        self.assertEqual(len(replaced(self.folder / "real")), 1)

    def test_folderThatCannotBeMade_isRefused(self):
        (self.folder / "file").touch()
        for out in (self.folder / "file", self.folder / "file" / "below"):
            self.assertRefused(generate(out), CANNOT_CREATE, str(out))

    def test_missingOrOtherOpenSSL_isNamed(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for name in (*TOOLS, "sh"):
            (tools / name).symlink_to(shutil.which(name))
        environment = {**os.environ, "PATH": str(tools)}
        script = [shutil.which("sh"), SCRIPT, "--out", self.out]
        self.assertRefused(run(*script, env=environment), FAILURE, "install OpenSSL 3")
        (tools / "openssl").write_text("#!/bin/sh\necho LibreSSL 3.3.6\n")
        (tools / "openssl").chmod(0o755)
        self.assertRefused(run(*script, env=environment), FAILURE, "LibreSSL 3.3.6")
        self.assertFalse(self.out.exists())

    def test_missingTool_isNamed_andNoPATHIsTheUsualOne(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for name in (*TOOLS, "sh", "openssl"):
            (tools / name).symlink_to(shutil.which(name))
        script = [shutil.which("sh"), SCRIPT, "--out", self.out]
        for name in TOOLS:
            (tools / name).rename(self.folder / name)
            self.assertRefused(run(*script, env={"PATH": str(tools)}), FAILURE, f"command {name} ", str(tools))
            (self.folder / name).rename(tools / name)
        self.assertFalse(self.out.exists())
        for environment in ({}, {"PATH": ""}):
            self.assertDone(run(*script, "--self-signed", "--force", env=environment))

    def test_failureOfOpenSSL_atAnyCall_leavesTheOldSet_andSaysSo(self):
        self.copy()
        before = contents(self.out)
        environment = shims(self.folder / "shims", ["openssl"], (
            '[ "$1" = version ] && exec "$real" "$@"\n'
            'read -r calls <"$COUNT"\necho $((calls + 1)) >"$COUNT"\n'
            '[ "$calls" != "$FAIL_AT" ] || { echo no luck >&2; exit 1; }'))

        def attempt(call):
            out, count = self.folder / f"out {call}", self.folder / f"count {call}"
            shutil.copytree(self.out, out)
            count.write_text("0\n")
            result = generate(out, "--force", env={**environment, "COUNT": str(count), "FAIL_AT": str(call)})
            return result, contents(out), leftovers(out)

        calls = (0, 1, 3, 7, 12, 18, 25, 60)
        failures = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for result, after, left in pool.map(attempt, calls):
                self.assertEqual(left, [])
                if result.returncode == 0:
                    self.assertEqual(set(after), SIX)
                else:
                    failures += 1
                    self.assertRefused(result, FAILURE, "no luck")
                    self.assertEqual(after, before)
        self.assertGreater(failures, 3)

    def test_eachShellThatIsInstalled_runsTheScript(self):
        for shell in (["dash"], ["busybox", "sh"], ["bash"], ["ksh"], ["mksh"], ["yash"]):
            if shutil.which(shell[0]) is None:
                continue
            with self.subTest(shell=shell):
                out = self.folder / shell[0]
                script = [*shell, SCRIPT, "--out", out]
                shutil.copytree(BASIC, out)
                self.assertDone(run(*script, "--client", "b=email:b@example.org"))
                self.assertRefused(run(*script, "--client", "b"), CANNOT_CREATE, "b.pem")
                self.assertRefused(run(*script, "--host", "1::2::3"), USAGE, "1::2::3")
                result = self.assertDone(run(*script, "--force", "--self-signed", "--host", "2001:db8::1"))
                self.assertRegex(result.stdout, r"what was replaced:.* b\.key b\.pem")
                self.assertEqual(files(out), {"ca.pem", "server.pem", "server.key"})

    def test_gitignore_keepsKeysAndCertificatesOut(self):
        if shutil.which("git") is None:
            self.skipTest("git is not installed")
        self.copy()
        for name in (".gitignore", "README.md"):
            shutil.copy(SCRIPT.parents[1] / "certs" / name, self.out)
        (self.out / ".generate-certs.work-1").mkdir()
        (self.out / ".generate-certs.work-1" / "ca.key").touch()
        for arguments in (["init", "-q"], ["add", "-A"]):
            self.assertDone(run("git", *arguments, cwd=self.out))
        self.assertEqual(run("git", "ls-files", cwd=self.out).stdout.split(), [".gitignore", "README.md"])


# ---- a set that is there


class Existing(Case):
    def test_secondRun_isRefused_andChangesNothing(self):
        self.copy()
        before = contents(self.out)
        for arguments, word in (([], "--client"), (["--self-signed"], "--out"), (["--days", "5"], "--client")):
            # These ask for a whole set, which --force replaces and keeps.
            self.assertRefused(generate(self.out, *arguments), CANNOT_CREATE, "--force", "beside", word)
        for arguments in (["--host", "example.org"], ["--host", "localhost"], ["--client", "a", "--host", "b"]):
            result = generate(self.out, *arguments)
            self.assertRefused(result, CANNOT_CREATE, "move server.pem and server.key away")
            self.assertNotIn("--force", result.stderr)
        self.assertEqual(contents(self.out), before)
        self.assertEqual(leftovers(self.out), [])

    def test_singleFileOfASet_isNotOverwritten(self):
        for name in sorted(SIX):
            out = self.folder / name
            out.mkdir()
            (out / name).write_text("mine")
            self.assertRefused(generate(out), CANNOT_CREATE, name, "--force")
            self.assertEqual(os.listdir(out), [name])
            self.assertEqual((out / name).read_text(), "mine")

    def test_force_replacesAll_andKeepsAllThatItReplaces_withItsModes(self):
        self.copy()
        before = contents(self.out)
        result = self.make("--force", "--client", "both", "--client", "new")
        after = contents(self.out)
        self.assertEqual(set(after), {name for name in SIX if "client" not in name} | {
            "both.pem", "both.key", "new.pem", "new.key"})
        self.assertEqual({name for name in after if after[name] == before.get(name)}, set())
        self.assertEqual(replaced(self.out), [before])
        kept, = self.out.glob("old-*")
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o700)
        self.assertIn(f"{kept}\n    what was replaced: {' '.join(sorted(before))}\n", result.stdout)
        for name in ("server", "both", "new"):
            self.assertVerified(self.out, name)

    def test_force_neverTouchesWhatAnEarlierOneKept(self):
        # Several in one second, so that their folders would have one name.
        environment = shims(self.folder / "shims", ["date"], (
            'case $* in *T*) echo 20260301T000000Z; exit ;; esac'))
        sets = []
        for _ in range(4):
            self.make("--self-signed", "--force", env=environment)
            sets.append(contents(self.out))
        self.assertEqual({path.name for path in self.out.glob("old-*")}, {
            "old-20260301T000000Z", "old-20260301T000000Z-2", "old-20260301T000000Z-3"})
        self.assertEqual(replaced(self.out), sets[:-1])

    def test_force_leavesFilesOfOthersAlone(self):
        self.copy()
        for name in ("README.md", ".gitignore", "other.pem", "other.key", "odd name.pem"):
            (self.out / name).write_text(name)
        shutil.copy(SHARED / "alice.pem", self.out / "alice.pem")
        (self.out / "link.pem").symlink_to("other.pem")
        (self.out / "folder.pem").mkdir()
        self.make("--force")
        self.assertEqual(files(self.out) - SIX, {
            "README.md", ".gitignore", "other.pem", "other.key", "odd name.pem", "alice.pem", "link.pem", "folder.pem"})
        self.assertEqual(os.readlink(self.out / "link.pem"), "other.pem")

    def test_force_refusesToReplaceWhatIsNoFile(self):
        self.copy()
        before = contents(self.out)
        (self.out / "alice.key").mkdir()
        self.assertRefused(generate(self.out, "--force", "--client", "alice"), CANNOT_CREATE, "alice.key")
        (self.out / "alice.key").rmdir()
        self.assertEqual(contents(self.out), before)
        self.assertEqual(leftovers(self.out), [])

    def test_furtherClient_isAddedToTheSameCA_andTouchesNoOtherFile(self):
        self.copy()
        before = {name: os.lstat(self.out / name) for name in os.listdir(self.out)}
        result = self.make("--client", "b", "--client=c=uri:spiffe://example.org/c", "--days", "30")
        after = {name: os.lstat(self.out / name) for name in os.listdir(self.out)}
        self.assertEqual(set(after) - set(before), {"b.pem", "b.key", "c.pem", "c.key"})
        for name, status in before.items():
            self.assertEqual((after[name].st_ino, after[name].st_mtime_ns, after[name].st_mode),
                             (status.st_ino, status.st_mtime_ns, status.st_mode), name)
        for name in ("b", "c"):
            self.assertVerified(self.out, name, "-purpose", "sslclient")
            start, end = lifetime(self.out / f"{name}.pem")
            self.assertEqual(end - start, 30 * DAY)
        self.assertIn(pin(self.out / "b.pem"), result.stdout)
        self.assertNotIn(pin(self.out / "both.pem"), result.stdout)

    def test_clientThatIsThere_isNotOverwritten(self):
        self.copy()
        (self.out / "b.key").write_text("mine")
        before = contents(self.out)
        for name in ("both", "b", "client"):
            result = generate(self.out, "--client", name)
            self.assertRefused(result, CANNOT_CREATE, f"{name}.", f"move {name}.pem and {name}.key away")
            self.assertNotIn("--force", result.stderr)
        self.assertRefused(generate(self.out, "--client", "new", "--client", "both"), CANNOT_CREATE, "both.pem")
        self.assertEqual(contents(self.out), before)

    def test_clientFileOfOthersInANewFolder_isNotOverwritten(self):
        self.out.mkdir()
        (self.out / "alice.key").write_text("mine")
        self.assertRefused(generate(self.out, "--client", "alice"), CANNOT_CREATE, "alice.key")
        self.assertEqual(os.listdir(self.out), ["alice.key"])

    def test_clientThatWasMovedAway_isMadeAnewUnderTheSameCA(self):
        self.copy()
        for name in ("both.pem", "both.key"):
            (self.out / name).unlink()
        self.make("--client", "both")
        self.assertVerified(self.out, "both", "-purpose", "sslclient")

    def test_serverThatWasMovedAway_isMadeAgainUnderTheSameCA_forTheHostsThatAreAskedFor(self):
        self.copy()
        for name in ("server.pem", "server.key"):
            (self.out / name).unlink()
        before = contents(self.out)
        self.make("--host", "web2.example.org", "--client", "new", "--days", "30")
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", "web2.example.org")
        self.assertEqual(extension(self.out / "server.pem", "Subject Alternative Name"), (False, "DNS:web2.example.org"))
        start, end = lifetime(self.out / "server.pem")
        self.assertEqual(end - start, 30 * DAY)
        after = contents(self.out)
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertEqual(set(after) - set(before), {"server.pem", "server.key", "new.pem", "new.key"})

    def test_folderWithTheCAAlone_signsClientsAndServers(self):
        self.out.mkdir()
        for name in ("ca.pem", "ca.key"):
            shutil.copy2(SHARED / name, self.out)
        self.make("--client", "a")
        self.assertEqual(set(os.listdir(self.out)), {"ca.pem", "ca.key", "a.pem", "a.key"})
        self.make("--host", "example.org")
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", "example.org")

    def test_addingAClient_withoutAWorkingCA_saysWhatIsWrong(self):
        def lacking(name):
            return lambda out: (out / name).unlink()

        def holding(name, source):
            def change(out):
                (out / name).unlink()
                (out / name).write_bytes(source)
            return change

        encrypted = openssl("pkey", "-in", BASIC / "ca.key", "-aes128", "-passout", "pass:secret").stdout.encode()
        other = (BASIC / "server.key").read_bytes()
        for number, (change, words) in enumerate((
            (lacking("ca.key"), ["ca.key is missing"]),
            (lacking("ca.pem"), ["ca.pem is missing"]),
            (holding("ca.key", other), ["ca.key does not match"]),
            (holding("ca.key", encrypted), ["is encrypted", "openssl pkey -in"]),
            (holding("ca.key", b""), ["ca.key"]),
            (holding("ca.pem", b"nonsense"), ["ca.pem holds no certificate"]),
        )):
            with self.subTest(words=words):
                out = self.folder / str(number)
                shutil.copytree(BASIC, out)
                change(out)
                before = contents(out)
                for arguments in (["--client", "new"], ["--host", "a", "--client", "new"]):
                    if "--host" in arguments:
                        (out / "server.key").unlink(missing_ok=True)
                        (out / "server.pem").unlink(missing_ok=True)
                        before = contents(out)
                    result = generate(out, *arguments)
                    self.assertRefused(result, FAILURE, *words)
                    self.assertNotIn("--force", result.stderr)
                self.assertEqual(contents(out), before)
                self.assertEqual(leftovers(out), [])

    def make_ca(self, days):
        """A CA that ends in so many days."""
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY))
        self.out.mkdir()
        authority(self.out, "ca", end=end)

    def test_expiredCA_signsNothing(self):
        self.make_ca(days=-1)
        result = generate(self.out, "--client", "a")
        self.assertRefused(result, FAILURE, "expired on", "--out")
        self.assertNotIn("--force", result.stderr)

    def test_clientNeverOutlivesItsCA(self):
        self.make_ca(days=100)
        self.assertRefused(generate(self.out, "--client", "a", "--days", "100"), FAILURE, "expires on", "--days")
        self.make("--client", "a")
        start, end = lifetime(self.out / "a.pem")
        self.assertEqual(end - start, 99 * DAY)
        self.make("--client", "b", "--days", "98")

    def test_caOnItsLastDay_signsNothing(self):
        self.make_ca(days=1)
        self.assertRefused(generate(self.out, "--client", "a"), FAILURE, "within a day")


# ---- CAs that other tools have made


def authority(folder, name, *, issuer=None, key="EC -pkeyopt ec_paramgen_curve:P-256", extensions=None, end="20991231000000Z"):
    """NAME.pem and NAME.key, a root, or an intermediate of `issuer`."""
    if extensions is None:
        extensions = ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
                      "subjectKeyIdentifier = hash"] + ["authorityKeyIdentifier = keyid"] * bool(issuer)
    configuration = folder / f"{name}.cnf"
    configuration.write_text("\n".join([
        "[req]", "prompt = no", "distinguished_name = subject", "[subject]", f"CN = Authority {name}", "[ca]",
        "default_ca = it", "[it]", f"database = {folder}/{name}.index", f"serial = {folder}/{name}.serial",
        f"new_certs_dir = {folder}", "default_md = default", "policy = any", "[any]", "commonName = supplied",
        "[e]", *extensions, ""]))
    (folder / f"{name}.index").touch()
    (folder / f"{name}.serial").write_text(os.urandom(8).hex() + "\n")
    for arguments in (
        ["genpkey", "-algorithm", *key.split(), "-out", folder / f"{name}.key"],
        ["req", "-new", "-config", configuration, "-key", folder / f"{name}.key", "-out", folder / f"{name}.csr"],
        ["ca", "-batch", "-notext", "-config", configuration, "-in", folder / f"{name}.csr", "-extensions", "e",
         "-startdate", "20200101000000Z", "-enddate", end, "-out", folder / f"{name}.pem",
         *(["-cert", folder / f"{issuer}.pem", "-keyfile", folder / f"{issuer}.key"] if issuer else
           ["-selfsign", "-keyfile", folder / f"{name}.key"])],
    ):
        openssl(*arguments).check_returncode()
    for left in folder.glob(f"{name}.[cis]*"):
        left.unlink()
    for left in folder.glob("[0-9A-F]*.pem"):
        left.unlink()


class OtherAuthorities(Case):
    """A folder with the CA of another tool: clients and servers are signed whatever its shape."""

    def setUp(self):
        super().setUp()
        self.out.mkdir()

    def sign(self, *anchors):
        """Certificates under ca.pem, which the anchors (else the CA itself) verify as a peer would send them."""
        self.make("--client", "zoe=email:zoe@example.org", "--host", "web.example.org")
        for name, purpose in (("zoe", "sslclient"), ("server", "sslserver")):
            for anchor in anchors or ("ca",):
                path = self.out / f"{name}.pem"
                result = openssl("verify", "-purpose", purpose, "-no-CApath", "-no-CAstore", "-CAfile",
                                 self.out / f"{anchor}.pem", "-untrusted", path, path)
                self.assertEqual(result.returncode, 0, result.stderr)

    def blocks(self, name):
        return (self.out / f"{name}.pem").read_text().count("BEGIN CERTIFICATE")

    def test_laxCA_asEasyRSAMakesIt_signs(self):
        authority(self.out, "ca", extensions=[
            "basicConstraints = CA:TRUE", "keyUsage = keyCertSign, cRLSign", "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid, issuer"])
        self.sign()
        self.assertEqual(self.blocks("zoe"), 1)

    def test_caWithoutKeyUsage_orIdentifier_signs(self):
        for extensions in (["basicConstraints = critical, CA:TRUE"],
                           ["basicConstraints = critical, CA:TRUE", "subjectKeyIdentifier = hash"],
                           ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign"]):
            with self.subTest(extensions):
                for path in self.out.iterdir():
                    path.unlink()
                authority(self.out, "ca", extensions=extensions + ["subjectKeyIdentifier = none"] * (len(extensions) < 2))
                self.sign()

    def test_keysOfEveryKind_sign(self):
        for key in ("RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-384", "ED25519",
                    "RSA-PSS -pkeyopt rsa_keygen_bits:2048"):
            with self.subTest(key):
                for path in self.out.iterdir():
                    path.unlink()
                authority(self.out, "ca", key=key)
                self.sign()

    def test_intermediateAlone_signs_andStandsInTheFilesItSigned(self):
        authority(self.out, "root")
        authority(self.out, "ca", issuer="root")
        self.sign("root")
        self.assertEqual((self.blocks("zoe"), self.blocks("server")), (2, 2))
        self.assertIn((self.out / "ca.pem").read_text(), (self.out / "zoe.pem").read_text())

    def test_chainOfIntermediates_standsInTheFiles_withoutTheRoot(self):
        authority(self.out, "root")
        authority(self.out, "middle", issuer="root")
        authority(self.out, "ca", issuer="middle")
        for order in (["middle", "root"], ["middle"]):
            with self.subTest(order):
                ca = (self.out / "ca.pem").read_text().split("-----END CERTIFICATE-----\n")[0]
                ca += "-----END CERTIFICATE-----\n"
                (self.out / "ca.pem").write_text(
                    ca + "".join((self.out / f"{name}.pem").read_text() for name in order))
                self.sign("root")
                self.assertEqual((self.blocks("zoe"), self.blocks("server")), (3, 3))
                for name in ("zoe.pem", "zoe.key", "server.pem", "server.key"):
                    (self.out / name).unlink()

    def test_certificateNeverOutlivesAnyCAAboveIt(self):
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 50 * DAY))
        authority(self.out, "root", end=soon)
        authority(self.out, "ca", issuer="root")
        with open(self.out / "ca.pem", "a") as file:
            file.write((self.out / "root.pem").read_text())
        self.assertRefused(generate(self.out, "--client", "a", "--days", "60"), FAILURE, "expires on")
        self.make("--client", "a")
        start, end = lifetime(self.out / "a.pem")
        self.assertEqual(end - start, 49 * DAY)

    def test_certificateThatIsNoCA_orMayNotSignThis_isToldSo(self):
        for extensions in (["basicConstraints = critical, CA:FALSE"],
                           ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, cRLSign"],
                           ["basicConstraints = critical, CA:TRUE", "extendedKeyUsage = codeSigning"]):
            with self.subTest(extensions):
                for path in self.out.iterdir():
                    path.unlink()
                authority(self.out, "ca", extensions=extensions)
                before = contents(self.out)
                for arguments, role in ((["--client", "a"], "client"), (["--host", "a"], "server")):
                    self.assertRefused(generate(self.out, *arguments), FAILURE, f"certificate for a {role}")
                self.assertEqual(contents(self.out), before)


class SelfSigned(Case):
    def test_certificateIsItsOwnAnchor_forEachHost(self):
        result = self.make("--self-signed", "--host", "example.org", "--host", "192.0.2.1", "--days", "30")
        self.assertEqual(set(os.listdir(self.out)), {"ca.pem", "server.pem", "server.key"})
        self.assertEqual((self.out / "ca.pem").read_bytes(), (self.out / "server.pem").read_bytes())
        for host in (["-verify_hostname", "example.org"], ["-verify_ip", "192.0.2.1"]):
            self.assertVerified(self.out, "server", "-purpose", "sslserver", *host)
        self.assertEqual(extension(self.out / "server.pem", "Basic Constraints")[1], "CA:FALSE")
        self.assertEqual(extension(self.out / "server.pem", "Key Usage")[1], "Digital Signature")
        self.assertEqual(extension(self.out / "server.pem", "Extended Key Usage")[1], "TLS Web Server Authentication")
        start, end = lifetime(self.out / "server.pem")
        self.assertEqual(end - start, 30 * DAY)
        self.assertIn(pin(self.out / "server.pem"), result.stdout)

    def test_selfSignedSet_takesNoClients(self):
        self.make("--self-signed")
        self.assertRefused(generate(self.out, "--client", "a"), FAILURE, "self-signed", "--out")

    def test_force_turnsOneKindOfSetIntoTheOther(self):
        self.copy()
        self.make("--self-signed", "--force")
        self.assertEqual(files(self.out), {"ca.pem", "server.pem", "server.key"})
        self.make("--force")
        self.assertEqual(files(self.out), SIX)
        self.assertVerified(self.out, "client", "-purpose", "sslclient")


# ---- kills and concurrent runs


class Atomicity(Case):
    """A kill leaves the folder as it is at that moment, so a copy of it at that moment is what a kill leaves.

    A shim before each command that changes the file system copies the folder: one run yields every kill point. That
    the copies are the truth is shown by real kills in the shorter runs.
    """

    def photograph(self, label, out, *arguments):
        """The states of out before each change in a run, in order."""
        photographs = self.folder / f"photographs {label}"
        photographs.mkdir()
        count = self.folder / f"count {label}"
        count.write_text("100\n")
        environment = shims(self.folder / f"shims {label}", MUTATORS, (
            'read -r n <"$COUNT"\necho $((n + 1)) >"$COUNT"\n'
            f'[ ! -d "$FOLDER" ] || {shutil.which("cp")} -RPp "$FOLDER" "$PHOTOGRAPHS/$n"'))
        result = generate(out, *arguments, env={
            **environment, "COUNT": str(count), "FOLDER": str(out), "PHOTOGRAPHS": str(photographs)})
        return result, sorted(photographs.iterdir())

    def check_all_states(self, *arguments, recover_each=1):
        """Each state, and each state of the recovery from it, reads as the old set or as the new one."""
        self.copy()
        (self.out / "README.md").write_text("kept")
        old = contents(self.out)
        result, states = self.photograph("first", self.out, *arguments)
        self.assertDone(result)
        new = contents(self.out)
        self.assertNotEqual(old, new)
        found = {state: contents(state) for state in states}
        for state in states:
            self.assertIn(found[state], (old, new), state.name)
            self.assertLessEqual(set(old.values()), everything(state), state.name)
        seen = [found[state] == new for state in states]
        self.assertEqual(seen, sorted(seen), "new, and then old again")
        self.assertEqual(set(seen), {False, True})

        def recover(state):
            # Refused, since the client is there: what matters is what the run tidies up before.
            result, nested = self.photograph(state.name, state, "--client", "client")
            return state, result, nested

        # While certificates are made the states are all alike: the last of these stands for them.
        switching = next(number for number, state in enumerate(states) if list(state.glob(".generate-certs.work-*/now")))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for state, result, nested in pool.map(recover, states[:2] + states[switching - 1::recover_each]):
                before = found[state]
                self.assertRefused(result, CANNOT_CREATE, "client.pem")
                for each in nested:
                    self.assertEqual(contents(each), before, state.name)
                    self.assertLessEqual(set(old.values()), everything(each), state.name)
                self.assertEqual(contents(state), before, state.name)
                self.assertEqual(leftovers(state), [], state.name)
                self.assertLessEqual(set(old.values()), everything(state), state.name)

    def test_killAnywhere_whileASetIsReplaced_leavesOneSetWhole(self):
        self.check_all_states("--force", "--client", "client", "--client", "both", "--client", "new", recover_each=6)
        self.assertEqual(len(replaced(self.out)), 1)

    def test_killAnywhere_whileAClientIsAdded_leavesAllOrNothingOfIt(self):
        self.check_all_states("--client", "a", "--client", "b")

    def test_killAnywhere_inAFirstRun_leavesASetOrNone(self):
        self.out.mkdir()
        old = contents(self.out)
        result, states = self.photograph("first", self.out)
        self.assertDone(result)
        new = contents(self.out)
        self.assertEqual(set(new), SIX)
        found = [contents(state) for state in states]
        self.assertTrue(all(each in (old, new) for each in found))
        # From nothing, a run after the kill makes a set of its own.
        for state in (states[1], states[len(states) // 2], [s for s, f in zip(states, found) if f == old][-1]):
            self.assertDone(generate(state))
            self.assertEqual(set(os.listdir(state)), SIX)
            self.assertVerified(state, "client")

    def test_realKill_beforeEachChange_leavesTheOldSetOrTheNewOne_andTheNextRunWorks(self):
        self.make("--self-signed")
        old = contents(self.out)
        environment = shims(self.folder / "shims", MUTATORS, (
            'read -r n <"$COUNT"\necho $((n + 1)) >"$COUNT"\n[ "$n" != "$KILL_AT" ] || kill -KILL 0'))

        def attempt(kill_at):
            out, count = self.folder / f"killed {kill_at}", self.folder / f"count {kill_at}"
            shutil.copytree(self.out, out)
            count.write_text("0\n")
            options = {"env": {**environment, "COUNT": str(count), "KILL_AT": str(kill_at)}, "start_new_session": True}
            first = generate(out, "--self-signed", "--force", **options)
            after = contents(out)
            # Neither refusal nor success may depend on where the first run was killed.
            refused = generate(out)
            return first.returncode, int(count.read_text()), after, refused, contents(out), (leftovers(out), replaced(out))

        _, changes, *_ = attempt(-1)
        outcomes = set()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for status, _, after, refused, kept, left in pool.map(attempt, range(changes + 1)):
                self.assertIn(status, (0, -signal.SIGKILL))
                self.assertEqual(set(after), set(old))
                self.assertEqual(after["ca.pem"], after["server.pem"])
                # Files of one moment: all of them are old, or none is.
                self.assertIn({name for name in old if after[name] == old[name]}, (set(), set(old)))
                self.assertRefused(refused, CANNOT_CREATE, "--force")
                self.assertEqual(kept, after)
                # What was replaced is kept, whole and once.
                self.assertEqual(left, ([], [] if after == old else [old]))
                outcomes.add((status, after == old))
        self.assertEqual(outcomes, {(-signal.SIGKILL, True), (-signal.SIGKILL, False), (0, False)})

    def gate(self, label, name="openssl", condition='[ "$1" != version ]'):
        """A PATH whose command, where condition holds, says that it is reached and waits to be let through."""
        for pipe in ("reached", "go"):
            os.mkfifo(self.folder / f"{pipe} {label}")
        environment = shims(self.folder / f"gate {label}", [name], (
            f'if {condition}; then\necho >"$REACHED"\nread -r _ <"$GO"\nfi'))
        return {**environment, "REACHED": str(self.folder / f"reached {label}"), "GO": str(self.folder / f"go {label}")}

    def wait_at_gate(self, environment):
        descriptor = os.open(environment["REACHED"], os.O_RDWR | os.O_NONBLOCK)
        try:
            self.assertTrue(select.select([descriptor], [], [], LIMIT)[0], "the gate was never reached")
            os.read(descriptor, 1)
        finally:
            os.close(descriptor)

    def test_interrupt_leavesTheOldSet_andNothingElse(self):
        self.copy()
        before = contents(self.out)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for label, name, condition in (("making", "openssl", '[ "$1" = req ]'),
                                           ("switching", "mv", '[ "${2##*/}" = server.pem ] && [ -L "$2" ]')):
                with self.subTest(signal=number, when=label):
                    environment = self.gate(f"{label} {number}", name, condition)
                    with Background(*command_line(self.out, "--force"), env=environment,
                                    start_new_session=True) as process:
                        self.wait_at_gate(environment)
                        os.killpg(process.process.pid, number)
                        process.wait_for(rb"generate-certs: [^\n]+\n")
                        self.assertEqual(process.process.wait(LIMIT), 128 + number)
                    self.assertEqual(contents(self.out), before)
                    self.assertEqual(leftovers(self.out), [])

    def test_interruptOfAFirstRun_leavesNoFolder(self):
        environment = self.gate("first")
        with Background(*command_line(self.out), env=environment, start_new_session=True) as process:
            self.wait_at_gate(environment)
            os.killpg(process.process.pid, signal.SIGINT)
            self.assertEqual(process.process.wait(LIMIT), 130)
        self.assertFalse(self.out.exists())

    def test_secondRunAtTheSameTime_isRefused_andTheFirstFinishes(self):
        environment = self.gate("first")
        with Background(*command_line(self.out), env=environment) as first:
            self.wait_at_gate(environment)
            for arguments in ([], ["--force"], ["--client", "a"]):
                self.assertRefused(generate(self.out, *arguments), FAILURE, str(first.process.pid))
            # From here on nobody waits at the gate: each further call finds a line to read.
            ends = [os.open(environment[pipe], os.O_RDWR) for pipe in ("GO", "REACHED")]
            os.write(ends[0], b"\n" * 1_000)
            first.wait_for(rb"client\.pem[^$]*sha256//")
            self.assertEqual(first.process.wait(LIMIT), 0)
            for end in ends:
                os.close(end)
        self.assertEqual(set(os.listdir(self.out)), SIX)
        self.assertVerified(self.out, "server", "-purpose", "sslserver")

    def test_runsAtTheSameTime_overALockOfADeadRun_doNotMix(self):
        dead = subprocess.Popen(["true"])
        dead.wait(LIMIT)
        machine = os.uname().nodename.lower()
        for number in range(3):
            out = self.folder / str(number)
            out.mkdir()
            (out / ".generate-certs.lock").symlink_to(f"{dead.pid}@{machine}")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                results = list(pool.map(lambda _: generate(out, "--force"), range(4)))
            for result in results:
                if result.returncode != 0:
                    self.assertRefused(result, FAILURE, "another run")
            if all(result.returncode != 0 for result in results):
                # Runs that meet over a dead lock may all give way to each other; they leave no trace then.
                self.assertDone(generate(out))
            self.assertEqual(set(os.listdir(out)), SIX)
            for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
                self.assertVerified(out, name, "-purpose", purpose)

    def test_lockOfAnotherMachine_isNotBroken(self):
        self.out.mkdir()
        (self.out / ".generate-certs.lock").symlink_to("1@some-other-machine")
        self.assertRefused(generate(self.out), FAILURE, "1@some-other-machine", ".generate-certs.lock")
        self.assertEqual(os.listdir(self.out), [".generate-certs.lock"])

    def test_lockThatIsBeingBroken_isLeftToItsBreaker(self):
        dead = subprocess.Popen(["true"])
        dead.wait(LIMIT)
        self.out.mkdir()
        (self.out / ".generate-certs.lock").symlink_to(f"{dead.pid}@{os.uname().nodename.lower()}")
        sign = self.out / f".generate-certs.break-{os.getpid()}"
        sign.mkdir()
        self.assertRefused(generate(self.out), FAILURE, "another run", str(os.getpid()))
        self.assertEqual(set(os.listdir(self.out)), {".generate-certs.lock", sign.name})
        sign.rename(self.out / f".generate-certs.break-{dead.pid}")
        self.make()
        self.assertEqual(leftovers(self.out), [])


# ---- real TLS


class RealTLS(Case):
    def server_context(self, directory):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(directory / "server.pem", directory / "server.key")
        context.load_verify_locations(directory / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def client_context(self, directory, name="client"):
        context = ssl.create_default_context(cafile=directory / "ca.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if name is not None:
            context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
        return context

    @contextlib.contextmanager
    def python_server(self, directory, context=None):
        """Answers one client with the identity it showed; yields the port and a list for what went wrong."""
        context = context or self.server_context(directory)
        errors = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(LIMIT)

            def serve():
                try:
                    connection, _ = listener.accept()
                    connection.settimeout(LIMIT)
                    with context.wrap_socket(connection, server_side=True) as stream:
                        identity = (stream.getpeercert() or {}).get("subjectAltName", ())
                        stream.sendall(repr(identity).encode() + b"\n")
                        with contextlib.suppress(ConnectionError, ssl.SSLError):
                            stream.unwrap()
                except (OSError, ssl.SSLError) as error:
                    errors.append(error)

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield listener.getsockname()[1], errors
            finally:
                thread.join(LIMIT)
                self.assertFalse(thread.is_alive())

    def ask(self, port, context, host):
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            with context.wrap_socket(connection, server_hostname=host) as stream:
                answer = stream.recv(1_024)
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    stream.unwrap()
                return answer.decode().strip()

    @contextlib.contextmanager
    def openssl_server(self, directory, *arguments):
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", directory / "server.pem", "-key",
                   directory / "server.key", "-CAfile", directory / "ca.pem", "-no-CApath", *arguments]
        with Background(*command) as server:
            yield int(server.wait_for(rb"ACCEPT 127\.0\.0\.1:(\d+)")[1])

    def test_pythonAtBothEnds_seesTheIdentitiesOfBoth(self):
        for host in ("localhost", "127.0.0.1", "::1", "example.org", "a.apps.example.org", "2001:db8::7"):
            with self.python_server(SHARED) as (port, _):
                self.assertEqual(self.ask(port, self.client_context(SHARED), host), "(('DNS', 'client'),)")
        for name, identity in (("alice", ("email", "alice@example.org")),
                               ("deploy", ("URI", "spiffe://example.org/deploy"))):
            with self.python_server(SHARED) as (port, _):
                self.assertEqual(self.ask(port, self.client_context(SHARED, name), "localhost"), repr((identity,)))

    def test_pythonClient_refusesAnotherHost_andAnotherCA(self):
        for directory, host, word in ((SHARED, "example.com", "mismatch"), (BASIC, "localhost", "verify failed")):
            with self.python_server(SHARED) as (port, errors):
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, word):
                    self.ask(port, self.client_context(directory), host)
            self.assertEqual(len(errors), 1)

    def test_pythonServer_refusesTheServersOwnCertificateAsAClient_andNone(self):
        for name in ("server", None):
            with self.python_server(SHARED) as (port, errors):
                with contextlib.suppress(OSError):
                    self.ask(port, self.client_context(SHARED, name), "localhost")
            self.assertIsInstance(errors[0], ssl.SSLError)

    def test_selfSignedSet_servesPythonsClient(self):
        self.make("--self-signed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.out / "server.pem", self.out / "server.key")
        with self.python_server(self.out, context) as (port, errors):
            self.assertEqual(self.ask(port, self.client_context(self.out, None), "127.0.0.1"), "()")
        self.assertEqual(errors, [])

    def test_opensslAtBothEnds_verifiesBoth(self):
        arguments = ["-tls1_3", "-Verify", "1", "-verify_return_error", "-x509_strict", "-www"]
        client = ["s_client", "-verify_return_error", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile",
                  SHARED / "ca.pem", "-verify_hostname", "example.org"]
        with self.openssl_server(SHARED, *arguments) as port:
            for name, succeeds in (("client", True), ("alice", True), ("server", False), (None, False)):
                mine = [] if name is None else ["-cert", SHARED / f"{name}.pem", "-key", SHARED / f"{name}.key"]
                result = openssl(*client, *mine, "-connect", f"127.0.0.1:{port}", "-ign_eof", stdin=None,
                                 input="GET / HTTP/1.0\r\n\r\n")
                self.assertIn("Verify return code: 0 (ok)", result.stdout)
                self.assertEqual("HTTP/1.0 200 ok" in result.stdout, succeeds, (name, result.stderr))
            result = openssl(*client[:-1], "example.com", "-connect", f"127.0.0.1:{port}")
            self.assertNotEqual(result.returncode, 0)

    def test_opensslClient_andPythonServer_agree(self):
        with self.python_server(SHARED) as (port, _):
            result = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-verify_return_error", "-quiet",
                             "-CAfile", SHARED / "ca.pem", "-verify_ip", "127.0.0.1", "-cert", SHARED / "deploy.pem",
                             "-key", SHARED / "deploy.key")
        self.assertIn("spiffe://example.org/deploy", result.stdout)

    def test_pythonClient_andOpensslServer_agree(self):
        with self.openssl_server(SHARED, "-Verify", "1", "-verify_return_error", "-rev") as port:
            with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
                with self.client_context(SHARED).wrap_socket(connection, server_hostname="localhost") as stream:
                    stream.sendall(b"olleh\n")
                    self.assertEqual(stream.recv(100), b"hello\n")

    def test_curl_acceptsThePinThatTheScriptPrints_andNoOther(self):
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        server, other = (re.search(rf"/{name}\.pem,.*\n(?:    .*\n)*?.*(sha256//\S+)", SHARED_RUN.stdout)[1]
                         for name in ("server", "client"))
        with self.openssl_server(SHARED, "-Verify", "1", "-verify_return_error", "-www") as port:
            for expected, wanted, arguments in (
                (0, "https://localhost", ["--pinnedpubkey", server]),
                (0, "https://127.0.0.1", ["--pinnedpubkey", server]),
                (0, "https://a.apps.example.org", []),
                (90, "https://localhost", ["--pinnedpubkey", other]),
                (60, "https://example.com", []),
            ):
                host = wanted.rpartition("/")[2]
                result = run("curl", "--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", LIMIT,
                             "--cacert", SHARED / "ca.pem", "--cert", SHARED / "client.pem", "--key",
                             SHARED / "client.key", "--resolve", f"{host}:{port}:127.0.0.1", *arguments,
                             f"{wanted}:{port}/")
                self.assertEqual(result.returncode, expected, (wanted, arguments, result.stderr))


if __name__ == "__main__":
    unittest.main()
