# SPDX-License-Identifier: Apache-2.0
"""What a person or a script sees of the two programs: help, mistakes, defaults, pipes and logs."""

import os
import re
import socket
import unittest

import authority
from conditions import lacks_proc, with_ipv6, works
from strangers import ask, connect, in_both_modes
from support import PARLEY, PARLEYD, SCRATCH, Client, Program, Server, TestCase


class Words(TestCase):

    def test_help_fits_a_screen_and_tells_protocols_ports_and_an_example(self):
        for program in (PARLEY, PARLEYD):
            with self.subTest(program):
                run = Program(self, [program, "--help"])
                self.assertStatus(run, 0)
                lines = run.stdout.text.splitlines()
                self.assertLessEqual(len(lines), 34)
                self.assertLessEqual(max(map(len, lines)), 80)
                for word in ("hello", "greeting", "command", "chat", "8080", "5000", "12345",
                             "(?i)example"):
                    self.assertRegex(run.stdout.text, word)

    def test_a_user_before_the_host_is_refused_with_advice(self):
        for words in (["run", "alice@web1", "--", "x"], ["hello", "alice@web1:80"]):
            run = Program(self, [PARLEY, *words])
            self.assertFails(run, 255, "alice@web1", "by their certificates", "use web1")

    def test_each_command_has_its_help_by_either_name_and_80_columns(self):
        for words, expected in (([PARLEY], "usage: parley run"), ([PARLEYD], "usage: parleyd PROTOCOL"),
                                ([PARLEY, "run"], r"(?s)usage: parley run.*help NAME.*Ctrl-D.*\$'x'"),
                                ([PARLEYD, "check"], "usage: parleyd check"),
                                ([PARLEY, "command"], "usage: parley run")):
            texts = set()
            for flag in ("--help", "-h"):
                with self.subTest(words, flag=flag):
                    run = Program(self, [*words, flag])
                    self.assertStatus(run, 0)
                    self.assertRegex(run.stdout.text, expected)
                    self.assertLessEqual(max(map(len, run.stdout.text.splitlines())), 80)
                    texts.add(run.stdout.text)
            self.assertEqual(len(texts), 1)

    def test_version_names_the_openssl_at_work(self):
        for program in (PARLEY, PARLEYD):
            with self.subTest(program):
                run = Program(self, [program, "--version"])
                self.assertStatus(run, 0)
                self.assertRegex(run.stdout.text, r"OpenSSL 3\.\d+")

    def test_a_mistake_is_one_sentence_that_points_at_help(self):
        both = [[], ["nonsense"], ["hello", "--nonsense"], ["hello", "--port"],
                ["hello", "--port", "abc"], ["hello", "--port", "65536"],
                ["hello", "--port", "-1"], ["hello", "--port", ""],
                ["hello", "--idle-timeout", "soon"], ["hello", "--handshake-timeout", "-1"],
                ["hello", "--tls-min", "1.1"]]
        client = [["hello", "127.0.0.1:abc"], ["hello", "127.0.0.1:65536"],
                  ["hello", "127.0.0.1:0"], ["hello", "127.0.0.1:"], ["hello", "not a host"],
                  ["hello", "[::1"], ["hello", ""], ["hello", "127.0.0.1:1", "127.0.0.1:2"],
                  ["hello", "127.0.0.1:1", "--", "Hello"],
                  ["pair", "chat"], ["pair"]]
        server = [["hello", "--host", "not an address"], ["hello", "--threads", "0"],
                  ["hello", "--max-sessions", "many"], ["hello", "surplus"],
                  ["hello", "--max-handshakes", "0"], ["hello", "--max-handshakes-per-address", "-1"],
                  ["hello", "--max-failed-handshakes", "few"], ["hello", "--trusted-address", "localhost"],
                  ["hello", "--trusted-address", "10.1.2.3/8"], ["hello", "--proxy-from", "::1/129"]]
        for program, status, mistakes in (
            (PARLEY, 255, both + client), (PARLEYD, 64, both + server),
        ):
            for arguments in mistakes:
                with self.subTest(os.path.basename(program), arguments=arguments):
                    run = Program(self, [program, *arguments])
                    self.assertFails(run, status, "--help")
                    self.assertEqual(run.stderr.text.count("\n"), 1, run.story)
                    self.assertEqual(run.stdout.text, "")

    @lacks_proc
    def test_the_command_line_is_known_without_proc(self):
        alone = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c",
                 'mount -t tmpfs none /proc && exec "$@"', "sh"]
        if not works(*alone, "true"):
            self.skipTest("no mount namespace to be had")
        for program in (PARLEY, PARLEYD):
            with self.subTest(program):
                run = Program(self, [*alone, program, "--version"])
                self.assertStatus(run, 0)
                self.assertRegex(run.stdout.text, f"^{os.path.basename(program)} ")

    @in_both_modes
    def test_messages_after_two_dashes_get_bare_replies(self, certs):
        server = Server(self, "command", certs=certs)
        client = Client(self, "command", server.port, certs=certs,
                        messages=["Hello", "Are you there?", "--help", "quit"])
        self.assertStatus(client, 0)
        self.assertEqual(client.stdout.text, (
            "Greetings!\nYes, I am here!\nUnknown command.\nClosing down\n"))

    def test_a_refused_connection_asks_whether_the_server_runs(self):
        with socket.socket() as nobody:  # Bound and not listening: the port is nobody else's.
            nobody.bind(("127.0.0.1", 0))
            for protocol in ("hello", "command"):
                client = Client(self, protocol, nobody.getsockname()[1])
                self.assertStatus(client, 255)
                self.assertEqual(
                    client.stdout.text, "Connection failed. Is the server running?\n")


    @with_ipv6
    def test_a_refusal_by_another_machine_says_where_parleyd_listens(self):
        with socket.socket(socket.AF_INET6) as nobody:
            nobody.bind(("::1", 0))
            port = nobody.getsockname()[1]
            for words, says in ((["run"], True), (["command"], True), (["hello"], False)):
                client = Program(self, [PARLEY, *words, f"[::1]:{port}"])
                self.assertStatus(client, 255)
                self.assertEqual("unless started with --host" in client.stderr.text, says, client.story)


class Defaults(TestCase):
    """What holds where no option says otherwise."""

    def test_each_server_binds_the_documents_address_by_default(self):
        for protocol, address in (("hello", "0.0.0.0"), ("greeting", "0.0.0.0"),
                                  ("command", "127.0.0.1"), ("chat", "127.0.0.1")):
            with self.subTest(protocol):
                server = Server(self, protocol, host=None)
                self.assertEqual((server.host, server.mode), (address, "plaintext"))

    @with_ipv6
    def test_one_address_family_more_is_one_option(self):
        server = Server(self, "hello", host="::", certs=authority.good())
        for host in ("[::1]", "127.0.0.1", "localhost"):
            with self.subTest(host):
                client = Client(self, "hello", server.port, certs=authority.good(), host=host)
                self.assertStatus(client, 0)
        server.stdout.expect(r"Connection from: \('::1', \d+, 0, 0\)\n")

    def test_quiet_prints_no_console_lines(self):
        server = Server(self, "hello", "--once", "--quiet")
        client = Client(self, "hello", server.port, "--quiet")
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        self.assertEqual((server.stdout.text, client.stdout.text), ("", ""))

    def test_the_servers_host_may_be_left_out(self):
        server = Server(self, "command")
        client = Program(self, [PARLEY, "command", "--plaintext", "--port", str(server.port),
                                "--", "Hello"])
        self.assertStatus(client, 0)
        self.assertEqual(client.stdout.text, "Greetings!\n")

    def test_a_server_without_certificates_says_how_they_are_made(self):
        self.assertRefusesToStart(
            "hello", "there is no server.pem in nowhere", "README.*Certificates", certs="nowhere")

    def test_the_environment_alone_writes_no_key_log(self):
        log = SCRATCH / self.id()
        server = Server(self, "hello", "--once", certs=authority.good(),
                        environment={"SSLKEYLOGFILE": str(log)})
        client = Client(self, "hello", server.port, certs=authority.good(),
                        environment={"SSLKEYLOGFILE": str(log)})
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        self.assertFalse(log.exists())


class Terminals(TestCase):

    def test_what_a_peer_sends_does_not_reach_a_terminal_raw(self):
        sent = "\x1b[31mred\x07\x9b\ttab"
        for terminal in (True, False):
            with self.subTest(terminal=terminal):
                server = Server(self, "command", terminal=terminal)
                ask(connect(self, server.port), sent)
                line = server.stdout.expect(r"Received: [^\n]*tab\r?\n")[0]
                if terminal:
                    self.assertNotRegex(line, "[\x1b\x07\x9b]")
                    self.assertIn("\ttab", line)
                else:
                    self.assertEqual(line, f"Received: {sent}\n")


class Pipes(TestCase):

    def test_a_reader_that_is_gone_ends_the_client_silently(self):
        server = Server(self, "command", certs=authority.good())
        for how in ({"messages": ["Hello"] * 5}, {"stdin": "Hello\n" * 5}):
            with self.subTest(how):
                read, write = os.pipe()
                os.close(read)
                client = Client(self, "command", server.port, certs=authority.good(),
                                stdout=write, **how)
                os.close(write)
                self.assertStatus(client, 141)
                self.assertEqual(client.complaints, [])

    def test_head_takes_the_first_reply_and_the_client_ends(self):
        server = Server(self, "command")
        line = f"{PARLEY} command --plaintext 127.0.0.1:{server.port} -- Hello Hello quit"
        run = Program(self, ["sh", "-c", f"{line} | head -1"])
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "Greetings!\n")


class Log(TestCase):

    def test_the_end_of_a_session_is_one_line_with_address_and_identity(self):
        server = Server(self, "hello", "--client-ca", str(authority.good() / "ca.pem"),
                        certs=authority.good())
        client = Client(self, "hello", server.port, certs=authority.good())
        self.assertStatus(client, 0)
        address = server.stdout.expect(r"Connection from: \('127\.0\.0\.1', (\d+)\)")[1]
        server.stderr.expect(rf"(?m)^parleyd: .*127\.0\.0\.1:{address}\b.*dns:client")
        self.assertEqual(len(re.findall(rf":{address}\b", server.stderr.text)), 1)

    def test_a_refused_session_is_one_line_with_the_address(self):
        server = Server(self, "hello", "--client-ca", str(authority.good() / "ca.pem"),
                        certs=authority.good())
        client = Client(self, "hello", server.port,
                        certs=["--ca", str(authority.good() / "ca.pem")])
        self.assertStatus(client, 254)
        server.stderr.expect(r"(?m)^parleyd: .*127\.0\.0\.1:\d+.*\n")

    def test_a_peer_cannot_forge_a_line(self):
        server = Server(self, "command")
        ask(connect(self, server.port), "x\nparleyd: listening on 127.0.0.1:1 (TLS 1.3)")
        self.assertNotIn("127.0.0.1:1 ", server.stderr.text)


if __name__ == "__main__":
    unittest.main()
