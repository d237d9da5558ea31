# SPDX-License-Identifier: Apache-2.0
"""One remote command: what `parley run` ends with, and what it says."""

import signal
import socket
import unittest

import authority
from runs import Commands, Run, RunTestCase
from support import PARLEY, SCRATCH, Program, Server, TestCase, gone


class Outcomes(RunTestCase):

    def test_a_reply_is_printed_with_a_line_end(self):
        run = self.run_it("Hello")
        self.assertStatus(run, 0)
        self.assertEqual((run.stdout.text, run.stderr.text), ("Greetings!\n", ""))

    def test_a_programs_status_is_the_clients_without_a_word(self):
        for number in (0, 1, 2, 126, 127, 128, 130, 250, 251, 252, 253, 254, 255):
            with self.subTest(number):
                run = self.run_it("status", str(number))
                self.assertStatus(run, number)
                self.assertEqual((run.stdout.text, run.stderr.text), ("", ""))

    def test_a_signal_that_ended_the_program_is_128_more(self):
        for number in (1, 2, 9, 11, 15, 64):
            with self.subTest(number):
                run = self.run_it("signal", str(number))
                self.assertStatus(run, 128 + number)
                self.assertEqual((run.stdout.text, run.stderr.text), ("", ""))

    def test_a_limit_of_the_server_is_251_and_says_which(self):
        self.assertFails(self.run_it("late"), 251, "late: .*time")
        run = self.run_it("much")
        self.assertFails(run, 251, "much: .*output limit")
        self.assertLessEqual(len(run.stdout.text), 5000)

    def test_a_refusal_is_253_and_says_why_and_what_to_do(self):
        for command, words in (
            (["Helo"], ["Helo: refused: .*no command", "help lists"]),
            (["HELLO"], ["no command"]),
            (["nobody"], ["not allowed for dns:client"]),
            (["path", "x"], ["path", "match"]),
            (["path", "/a b"], ["path", "match"]),
            (["path", "--help"], ["path"]),
            (["path"], ["argument"]),
            (["path", "/a", "/b"], ["argument"]),
            (["Hello", "you"], ["takes no arguments"]),
            (["help", "me"], ["no command 'me'"]),
            (["help", "me", "too"], ["help takes one argument at most"]),
            (["whoami", "me"], ["takes no arguments"]),
            (["say", *["x"] * 65], ["64 arguments", "32768"]),
            (["say", "x" * 32_769], ["64 arguments", "32768"]),
            ([""], ["name is missing"]),
        ):
            with self.subTest(command=[word[:20] for word in command[:3]]):
                run = self.run_it(*command)
                self.assertFails(run, 253, *words)
                self.assertEqual(run.stdout.text, "")

    def test_as_many_as_may_run_already_is_a_refusal(self):
        first = self.run_it("one")
        group = first.started()
        self.assertFails(self.run_it("one"), 253, "one: refused: one has reached its limit of concurrent runs")
        first.signal(signal.SIGTERM)
        self.assertStatus(first, 143)
        gone(group)

    def test_arguments_reach_the_program_as_they_were_given(self):
        for text in ("two words", "'\"\\$HOME`id`;*", "line\nline\n", "\tä€🦜", "x" * 32_765):
            with self.subTest(text[:20]):
                run = self.run_it("say", text)
                self.assertStatus(run, 0)
                self.assertEqual(run.stdout.text, text)

    def test_an_argument_that_is_no_utf8_is_not_sent_as_another(self):
        for command in ("say $'a\\xffb'", "$'sa\\xff'"):
            with self.subTest(command):
                line = self.run_it("Hello").line.replace("Hello", command)
                run = Program(self, ["/bin/bash", "-c", f"exec {line}"])
                self.assertStatus(run, 255)
                self.assertEqual(run.stdout.text, "")
                self.assertRegex(run.stderr.text, "^parley: .*UTF-8")

    def test_help_lists_what_this_client_may_run_and_nothing_else(self):
        run = self.run_it("help")
        self.assertStatus(run, 0)
        for name in ("Hello", "cat", "path PATH|path .*path", "status"):
            self.assertRegex(run.stdout.text, rf"(?m)^{name}")
        self.assertNotIn("nobody", run.stdout.text)

    def test_whoami_says_who_the_server_takes_the_client_for(self):
        run = self.run_it("whoami")
        self.assertStatus(run, 0)
        self.assertRegex(run.stdout.text, r"\Adns:client\nnames: .*dns:client")


class Unavailable(TestCase):

    def test_a_program_that_is_gone_is_a_refusal(self):
        program = authority.write(SCRATCH / self.id(), "#!/bin/sh\n")
        program.chmod(0o700)
        server = Commands(self, commands={"it": {"run": [str(program)], "allow": ["anyone"]}})
        self.assertStatus(Run(self, server.port, "it"), 0)
        program.unlink()
        self.assertFails(Run(self, server.port, "it"), 253, "it: refused: ", "administrator")

    def test_a_start_that_cannot_be_recorded_is_a_refusal(self):
        server = Commands(self, audit="/dev/full")
        run = Run(self, server.port, "say", "x")
        self.assertFails(run, 253, "refused: the start of say cannot be recorded", "administrator")
        self.assertEqual(run.stdout.text, "")


class Trust(TestCase):
    """254 is for both directions of trust, and nothing was run."""

    def test_who_is_not_trusted_is_254(self):
        server = Commands(self)
        good, other = authority.good(), authority.good("other")
        ours = ["--cert", str(good / "client.pem"), "--key", str(good / "client.key")]
        theirs = ["--cert", str(other / "client.pem"), "--key", str(other / "client.key")]
        for case, certs in (
            ("the server is of another authority", ["--ca", str(other / "ca.pem"), *ours]),
            ("the client is of another authority", ["--ca", str(good / "ca.pem"), *theirs]),
            ("the client has no certificate", ["--ca", str(good / "ca.pem")]),
            ("the server has another key", ["--pin", "sha256//" + "A" * 43 + "=", *ours]),
        ):
            for options in ([], ["--json"]):
                with self.subTest(case, options=options):
                    run = Run(self, server.port, "say", "x", certs=certs, options=options)
                    self.assertStatus(run, 254)
                    self.assertEqual(run.stdout.text, "")
                    self.assertEqual(run.stderr.text.count("\n"), 1, run.story)
                    if options:
                        self.assertEqual(
                            (run.outcome["outcome"], run.outcome["exit"], run.outcome["command"]),
                            ("not-trusted", 254, "say"))
                    else:
                        self.assertRegex(run.stderr.text, "^parley: ")

    def test_a_session_of_commands_without_trust_is_254(self):
        server = Commands(self)
        certs = ["--ca", str(authority.good() / "ca.pem")]
        for options, input in ((["--batch"], "Hello\n"), ([], "Hello\n"), (["--batch"], "")):
            with self.subTest(options, input=input):
                run = Run(self, server.port, options=options, certs=certs, stdin=input)
                self.assertFails(run, 254)


class Failures(TestCase):
    """255 is what is neither a program's nor the server's."""

    def test_a_mistake_on_the_command_line_is_one_sentence(self):
        for words in (["run", "127.0.0.1:1", "--"], ["run", "127.0.0.1:1", "Hello"],
                      ["run", "127.0.0.1:1", "--batch", "--", "Hello"],
                      ["run", "--plaintext", "127.0.0.1:1", "--", "Hello"],
                      ["run", "127.0.0.1:0", "--", "Hello"], ["run", "--nonsense"],
                      ["command", "--json", "127.0.0.1:1"], ["hello", "--batch", "127.0.0.1:1"],
                      ["pair", "run"], ["run", "--idle-timeout", "0", "127.0.0.1:1"]):
            with self.subTest(words):
                run = Program(self, [PARLEY, *words])
                self.assertFails(run, 255, "--help")
                self.assertEqual(run.stdout.text, "")

    def test_a_refused_connection_is_told_and_is_no_output(self):
        with socket.socket() as nobody:  # Bound and not listening: the port is nobody else's.
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            run = Run(self, port, "Hello")
            self.assertStatus(run, 255)
            self.assertEqual(run.stdout.text, "")
            run = Run(self, port, "Hello", options=["--json"])
            self.assertStatus(run, 255)
            self.assertEqual((run.outcome["outcome"], run.outcome["code"]), ("failed", "refused"))

    def test_a_server_without_remote_sessions_is_told(self):
        for protocol in ("command", "hello", "greeting"):
            with self.subTest(protocol):
                server = Server(self, protocol, certs=authority.good())
                run = Run(self, server.port, "Hello")
                self.assertFails(run, 255, "does not offer remote sessions", "--client-ca")
                self.assertEqual(run.stdout.text, "")

    def test_a_server_that_speaks_no_tls_is_told(self):
        server = Server(self, "command")
        self.assertFails(Run(self, server.port, "Hello", options=["--handshake-timeout", "5"]), 255)


if __name__ == "__main__":
    unittest.main()
