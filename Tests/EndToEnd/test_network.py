# SPDX-License-Identifier: Apache-2.0
"""The process that serves the network: what it has, what it can't do, and what its end and its broker's end mean."""

import os
import pathlib
import pwd
import re
import signal
import subprocess
import time
import unittest

import authority
from conditions import lacks_proc, works
from remote import OUTPUT
from remote_server import TableServer, shell
from server import AS_NETWORK, IS_ROOT, NETWORK, parleyd
from strangers import client_context, connect, in_both_modes, read_to_end
from support import AS_NOBODY, IS_SANITIZED, PARLEYD, Program, Server, TestCase, eventually, gone, is_alive

KINDS = r"socket:|pipe:|anon_inode:\[(?:eventpoll|eventfd|timerfd)\]|/dev/null$"
"""All that a network process may have open."""


def started(session, name):
    """The number of a program that says it first."""
    session.run(name)
    return int(session.expect(OUTPUT))


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: " ".join(rest.split()) for name, _, rest in (line.partition(":") for line in lines)}


def limits(pid):
    lines = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[:2] for line in lines}


def ways(pid):
    """What each of its descriptors leads to."""
    folder = pathlib.Path(f"/proc/{pid}/fd")
    return {int(entry.name): os.readlink(entry) for entry in folder.iterdir()}


@unittest.skipIf(IS_SANITIZED, "a sanitizer's system calls are others")
class Confinement(TestCase):
    """What the kernel says of it, in every protocol that there is."""

    def servers(self):
        yield "remote", TableServer(self, {"x": shell("exit 3")})
        for protocol in ("hello", "greeting", "command", "chat"):
            for certs in (None, authority.good()):
                yield (protocol, certs is not None), Server(self, protocol, certs=certs)

    def test_it_has_no_rights_and_makes_no_calls_but_its_own(self):
        account = pwd.getpwnam(NETWORK) if IS_ROOT else pwd.getpwuid(os.geteuid())
        for name, server in self.servers():
            with self.subTest(name):
                has, broker = status(server.network), status(server.pid)
                self.assertEqual((has["Seccomp"], has["NoNewPrivs"]), ("2", "1"))
                self.assertEqual({has[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb")}, {"0" * 16})
                self.assertEqual(has["Uid"], " ".join([str(account.pw_uid)] * 4))
                self.assertEqual(has["Gid"], " ".join([str(account.pw_gid)] * 4))
                if IS_ROOT:
                    self.assertEqual(has["CapBnd"], "0" * 16)
                    self.assertEqual(has["Groups"].split(), [])
                self.assertEqual(broker["Seccomp"], status("self")["Seccomp"])
                # Each of its threads.
                for task in pathlib.Path(f"/proc/{server.network}/task").iterdir():
                    self.assertIn("Seccomp:\t2\n", (task / "status").read_text())

    def test_it_has_no_file_and_nothing_of_whoever_started_the_server(self):
        outside, inside = os.pipe()
        for end in outside, inside:
            self.addCleanup(os.close, end)
        os.set_inheritable(inside, True)
        for name, server in self.servers():
            with self.subTest(name):
                for number, way in ways(server.network).items():
                    self.assertRegex(way, KINDS, f"descriptor {number}")
                self.assertNotIn(os.readlink(f"/proc/self/fd/{inside}"), ways(server.network).values())
        program = Program(
            self, [PARLEYD, "hello", *AS_NETWORK, "--plaintext", "--port", "0"], pass_fds=[inside])
        program.stderr.expect("listening on")
        children = pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        self.assertNotIn(os.readlink(f"/proc/self/fd/{inside}"), ways(children[0]).values())

    def test_it_can_write_no_file_start_no_process_and_leave_no_core(self):
        server = Server(self, "hello", sealed=True)
        for name in ("Max file size", "Max processes", "Max core file size"):
            self.assertEqual(limits(server.network)[name], ["0", "0"], name)

    def test_its_environment_is_empty(self):
        server = Server(self, "hello", sealed=True, environment={"SECRET": "of the administrator"})
        if IS_ROOT:
            self.assertEqual(pathlib.Path(f"/proc/{server.network}/environ").read_bytes().strip(b"\0"), b"")
        else:
            # Nobody but root may look into a process that is sealed.
            with self.assertRaises(PermissionError):
                pathlib.Path(f"/proc/{server.network}/environ").read_bytes()

    def test_no_key_is_in_its_memory(self):
        if not IS_ROOT:
            self.skipTest("only root may look at it")
        server = Server(self, "hello", certs=authority.good())
        with connect(self, server.port, client_context(), name="localhost") as client:
            client.sendall(b"hey")
            key = secret(authority.good() / "server.key")
            self.assertTrue(contains(server.pid, key), "the broker has it")
            self.assertFalse(contains(server.network, key))

    def test_only_it_listens(self):
        server = Server(self, "hello")
        listening = {way for way in ways(server.network).values()} & {
            f"socket:[{line.split()[9]}]" for line in
            pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{server.port:04X}")}
        self.assertEqual(len(listening), 1)
        self.assertFalse(listening & set(ways(server.pid).values()))


def secret(path):
    """The private number of an EC key, as it is in memory."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], check=True, capture_output=True,
                          text=True, timeout=30).stdout
    digits = re.search(r"priv:\n((?:\s+[0-9a-f:]+\n)+)", text)[1]
    number = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
    # OpenSSL keeps it in words of the machine, the lowest first.
    return number[::-1]


def contains(pid, text):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            bounds, access, *_ = line.split()
            begin, end = (int(bound, 16) for bound in bounds.split("-"))
            if not access.startswith("rw") or end - begin > 1 << 30:
                continue
            try:
                if text in os.pread(memory.fileno(), end - begin, begin):
                    return True
            except OSError:
                continue
    return False


class Ends(TestCase):

    WAITS = {"waits": shell("echo $$; sleep 600"), "say": shell("echo here")}

    def test_a_network_process_that_ends_takes_the_server_with_it(self):
        # AddressSanitizer handles the second one itself.
        for number in (signal.SIGKILL, *([] if IS_SANITIZED else [signal.SIGSEGV]), signal.SIGSYS):
            with self.subTest(number.name):
                server = TableServer(self, self.WAITS)
                session = server.session(self)
                program = started(session, "waits")
                os.kill(server.network, number)
                self.assertEqual(server.wait(), 70, server.story)
                server.stderr.expect("parleyd: the network process was killed .*which ended all sessions\n")
                self.assertEqual(read_to_end(session.stream), b"")
                eventually(lambda: not is_alive(program), "the end of its program")
                end, = server.records("command-end")
                self.assertEqual(end["outcome"], "server-ended", end)

    @in_both_modes
    def test_its_end_is_the_servers_in_every_protocol(self, certs):
        for protocol in ("hello", "greeting", "command", "chat"):
            server = Server(self, protocol, certs=certs)
            os.kill(server.network, signal.SIGKILL)
            self.assertEqual(server.wait(), 70, server.story)

    def test_it_doesnt_outlive_its_broker(self):
        server = TableServer(self, self.WAITS)
        session = server.session(self)
        program, network = started(session, "waits"), server.network
        server.signal(signal.SIGKILL)
        server.wait()
        eventually(lambda: not is_alive(network), "the end of the network process")
        eventually(lambda: not is_alive(program), "the end of the program")
        gone(program)

    def test_it_doesnt_outlive_its_broker_though_it_can_hear_nothing(self):
        server = Server(self, "hello")
        network = server.network
        os.kill(network, signal.SIGSTOP)
        server.signal(signal.SIGKILL)
        server.wait()
        eventually(lambda: not is_alive(network), "the end of the network process")

    def test_a_network_process_that_hangs_is_ended_with_the_server(self):
        server = Server(self, "hello", "--drain", "0.3")
        os.kill(server.network, signal.SIGSTOP)
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertIn(server.wait(), (0, 70))
        self.assertLess(time.monotonic() - begun, 20)

    def test_signals_that_are_meant_for_the_server_dont_end_it(self):
        server = Server(self, "hello")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(server.network, number)
        client = connect(self, server.port)
        client.sendall(b"hey")
        self.assertNotEqual(read_to_end(client), b"")
        self.assertTrue(server.running)


class Users(TestCase):

    def setUp(self):
        if not IS_ROOT:
            self.skipTest("only root can give it another user")

    def start(self, *options):
        return Program(self, [PARLEYD, "hello", "--plaintext", "--port", "0", *options])

    def test_without_its_account_the_server_doesnt_start_and_says_what_makes_it(self):
        program = self.start("--network-user", "made-up")
        self.assertFails(program, 78, "no user made-up", "run: useradd --system .* made-up")

    def test_it_is_not_root(self):
        self.assertFails(self.start("--network-user", "root"), 64, "--network-user cannot be root")

    def test_it_is_no_programs_user(self):
        program = Program(self, [PARLEYD, "command", "--plaintext", "--port", "0", "--network-user", "nobody",
                                 "--program-user", "nobody"])
        self.assertFails(program, 64, "--network-user and --program-user are both nobody")


class Without(TestCase):
    """Where the machine lacks something."""

    @lacks_proc
    def test_it_serves_without_proc(self):
        apart = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
        if not IS_ROOT or not works(*apart, "true"):
            self.skipTest("no mount namespace may be made here")
        server = Server(self, "hello", certs=authority.good(), wrapper=apart)
        with connect(self, server.port) as stranger:
            stranger.sendall(b"not TLS\n")
            read_to_end(stranger)
        server.stderr.expect("parleyd: 127.0.0.1:[0-9]+: ")
        with connect(self, server.port, client_context(), name="localhost") as client:
            client.sendall(b"hey")
            self.assertNotEqual(client.recv(100), b"")
        self.assertTrue(server.running)


class Limits(TestCase):
    """Of the kernel's, where it is started."""

    def limited(self, descriptors):
        return ["prlimit", f"--nofile={descriptors}", "--"]

    def test_it_starts_and_serves_with_as_few_descriptors_as_it_accepts(self):
        for descriptors, loops in ((48, 1), (64, 2)):
            with self.subTest(descriptors):
                server = Server(self, "hello", "--threads", "2", certs=authority.good(),
                                wrapper=self.limited(descriptors))
                clients = [connect(self, server.port, client_context(), name="localhost")
                           for _ in range(8)]
                for client in clients:
                    client.sendall(b"hey")
                    self.assertNotEqual(client.recv(100), b"")
                self.assertEqual("1 event loops instead of 2" in server.stderr.text, loops == 1)

    def assertRefuses(self, words, sentence, user=AS_NETWORK):
        program = Program(self, [*words, *parleyd("hello", network=user)])
        self.assertStatus(program, 69)
        self.assertRegex(program.complaints[-1], f"^parleyd: .*; raise the {sentence}")

    def test_with_fewer_it_says_what_to_raise(self):
        for descriptors in (12, 16, 20):
            with self.subTest(descriptors):
                self.assertRefuses(self.limited(descriptors), r"file descriptor limit \(ulimit -n\)$")

    @unittest.skipIf(IS_SANITIZED, "LeakSanitizer needs another process")
    def test_without_processes_it_says_what_to_raise(self):
        user = AS_NOBODY if IS_ROOT else []
        if not works(*user, PARLEYD, "--version"):
            self.skipTest("nobody can't run the executables here")
        self.assertRefuses([*user, "prlimit", "--nproc=1", "--"], "process limit .ulimit -u,", user=[])


class Words(TestCase):
    """What it says goes through the broker."""

    def test_the_word_that_starts_it_is_no_protocol(self):
        self.assertFails(Program(self, [PARLEYD, "network"]), 64, "'network' is not a protocol")

    def test_its_lines_are_the_servers(self):
        server = Server(self, "hello", certs=authority.good())
        with connect(self, server.port) as stranger:
            stranger.sendall(b"\x1b[2J not TLS\n")
            read_to_end(stranger)
        server.stderr.expect("parleyd: 127.0.0.1:[0-9]+: [^\x1b]*\n")

    def test_its_last_lines_are_heard(self):
        server = Server(self, "hello", "--drain", "0.2")
        before = server.descriptors
        with connect(self, server.port):
            eventually(lambda: server.descriptors > before, "a session")
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
        self.assertRegex(server.stderr.text, "parleyd: 127.0.0.1:[0-9]+.*: .*\n$")
