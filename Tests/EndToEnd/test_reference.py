# SPDX-License-Identifier: Apache-2.0
"""The server in C that the benchmark compares with does what is measured: one that verified nothing would be no limit."""

import json
import signal
import socket
import ssl
import subprocess

import authority
from support import LIMIT, PROGRAMS, Program, TestCase, descendants, eventually, is_alive, new_folder


class Reference(TestCase):
    def start(self, *options, program=()):
        certs = authority.good()
        server = Program(self, [PROGRAMS / "parley-reference", *options, certs / "server.pem", certs / "server.key",
                                *program])
        server.port = int(server.stderr.expect(r"listening on 127\.0\.0\.1:(\d+) \(TLS 1\.3\)\n")[1])
        return server

    def ask(self, server, certificate=None, message=b"Hello"):
        """What it answers."""
        trust = ssl.create_default_context(cafile=authority.good() / "ca.pem")
        if certificate:
            trust.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as sock, \
                trust.wrap_socket(sock, server_hostname="localhost") as stream:
            stream.sendall(message)
            return stream.recv(1024)

    def test_it_answers_with_its_key_here_or_in_another_process(self):
        for options in ([], ["--split"]):
            with self.subTest(options=options):
                server = self.start(*options)
                for _ in range(3):
                    self.assertEqual(self.ask(server), b"Greetings!")

    def test_it_answers_clients_of_its_authority_only(self):
        client = ["--client-ca", authority.good() / "ca.pem"]
        for options in (client, ["--split", *client]):
            with self.subTest(options=options):
                server = self.start(*options)
                # Who is known already, and who comes after a refusal.
                for _ in range(3):
                    for name in ("client", "alice"):
                        self.assertEqual(self.ask(server, authority.good() / name), b"Greetings!")
                    for certificate in (None, authority.bad() / "other-ca", authority.bad() / "expired"):
                        with self.assertRaises(OSError) as refused:
                            self.ask(server, certificate)
                        # The alert may be overtaken by the reset that follows it.
                        if not isinstance(refused.exception, ConnectionResetError):
                            self.assertAlert(refused.exception)

    def test_the_process_with_the_key_ends_with_the_other_one(self):
        server = self.start("--split")
        (signer,) = descendants(server.pid) - {server.pid}
        server.signal(signal.SIGKILL)
        eventually(lambda: not is_alive(signer), "the signer's end")

    def test_a_key_that_it_cannot_sign_with_is_refused(self):
        folder = authority.good()
        server = Program(self, [PROGRAMS / "parley-reference", "--split", folder / "server.pem", folder / "ca.pem"])
        self.assertNotEqual(server.wait(), 0)

    def test_it_runs_programs_without_a_protocol(self):
        for sessions in ("1", "16"):
            with self.subTest(sessions=sessions):
                line = self.programs(sessions, "0.1", "/bin/sh", "-c", "echo output; echo errors >&2")
                self.assertGreater(line["operations"], 0)
                self.assertGreater(line["server_seconds"], 0)
                self.assertLessEqual(line["p50_us"], line["p999_us"])

    def test_programs_have_what_parleys_have(self):
        """A session, three pipes, nothing else open, no core files: without them it fails, and with it the run."""
        self.programs("2", "0.1", "/bin/sh", "-c", """
            read -r pid name state parent group session rest </proc/$$/stat
            # One is the folder that is being listed.
            set -- /proc/$$/fd/*
            [ $session = $$ ] && [ $# = 4 ] && [ $(ulimit -c) = 0 ] &&
                [ -p /dev/fd/0 ] && [ -p /dev/fd/1 ] && [ -p /dev/fd/2 ]""")

    def test_it_runs_a_program_for_each_message(self):
        """Whatever it writes; a record is in the trail before the start, and another one after the end."""
        folder = new_folder()
        trail, log = folder / "trail", folder / "log"
        certs = authority.good()
        server = self.start("--served", trail, "--client-ca", certs / "ca.pem", program=[
            "/bin/sh", "-c", 'tail -n 1 "$0" >>"$1"; head -c 300000 /dev/zero; echo error >&2', trail, log])
        for count in range(1, 4):
            self.assertEqual(self.ask(server, certs / "client"), b"Done")
            starts = [json.loads(line)["event"] for line in log.read_text().splitlines()]
            self.assertEqual(starts, ["start"] * count)
            records = [json.loads(line)["event"] for line in trail.read_text().splitlines()]
            self.assertEqual(records, ["start", "end"] * count)

    def test_the_process_that_starts_programs_ends_with_the_other_one(self):
        server = self.start("--served", new_folder() / "trail", program=["/bin/true"])
        (starter,) = descendants(server.pid) - {server.pid}
        server.signal(signal.SIGKILL)
        eventually(lambda: not is_alive(starter), "the starter's end")

    def test_a_program_that_fails_is_no_figure(self):
        for words in (["/bin/false"], ["/nothing"]):
            with self.subTest(words=words):
                program = Program(self, [PROGRAMS / "parley-reference", "--programs", "1", "1", *words])
                self.assertNotEqual(program.wait(), 0)

    def programs(self, *words):
        said = subprocess.run([PROGRAMS / "parley-reference", "--programs", *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        return json.loads(said.stdout)

    def test_it_moves_a_programs_input_and_output_through_tls(self):
        size = 5_000_000
        for program, input_, output in [
                (["/usr/bin/tr", "a-z", "A-Z"], b"once more", b"ONCE MORE"), (["/usr/bin/tr", "a", "b"], b"", b""),
                (["/usr/bin/wc", "-c"], bytes(size), b"%d\n" % size),
                (["/usr/bin/head", "-c", str(size), "/dev/zero"], b"", bytes(size))]:
            with self.subTest(program=program):
                server = self.start("--bulk", program=program)
                for _ in range(2):
                    said = self.client(server, authority.good(), input_)
                    self.assertEqual((said.returncode, said.stderr), (0, b""))
                    self.assertTrue(said.stdout == output, "it is not what was to come")

    def test_its_client_trusts_its_authority_only(self):
        said = self.client(self.start("--bulk", program=["/bin/true"]), authority.good("other"), b"")
        self.assertEqual(said.returncode, 1)
        self.assertIn(b"certificate verify failed", said.stderr)

    def test_a_program_runs_for_clients_of_its_authority_only(self):
        certs = authority.good()
        for name, status in (("client", 0), (None, 1)):
            with self.subTest(name=name):
                server = self.start("--bulk", "--client-ca", certs / "ca.pem", program=["/bin/echo", "here"])
                said = self.client(server, certs, b"", name)
                self.assertEqual(said.returncode, status, said.stderr)
                self.assertEqual(said.stdout, b"here\n" if status == 0 else b"")

    def client(self, server, certs, input_, name=None):
        credentials = [certs / f"{name}.pem", certs / f"{name}.key"] if name else []
        return subprocess.run(
            [PROGRAMS / "parley-reference", "--client", certs / "ca.pem", str(server.port), *credentials],
            input=input_, capture_output=True, timeout=LIMIT, check=False)
