# SPDX-License-Identifier: Apache-2.0
"""The interactive session: `parley run HOST` without a command."""

import signal
import unittest

from runs import Commands, Run, gone
from support import TestCase

PROMPT = "parley> "


class Session(Run):
    """A session in a terminal, at its prompt."""

    def __init__(self, owner, port, **how):
        super().__init__(owner, port, terminal=True, **how)
        self.before = self.attributes()
        self.stdout.expect(PROMPT)

    def ask(self, line):
        """Type a command; what it printed, up to the next prompt."""
        self.type(line + "\n")
        self.stdout.expect(r"\r\n")
        return self.stdout.expect(rf"(?s)(.*?){PROMPT}")[1].replace("\r\n", "\n")


class Sessions(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls, "--grace", "60")

    def session(self):
        return Session(self, self.server.port)

    def leave(self, session, key, status):
        session.type(key)
        self.assertStatus(session, status)
        self.assertEqual(session.attributes(), session.before)

    def test_several_commands_are_answered_until_the_end_of_input(self):
        session = self.session()
        self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.assertIn("dns:client", session.ask("whoami"))
        self.assertRegex(session.ask("help"), "(?m)^cat")
        self.assertEqual(session.ask("say x"), "x")
        self.leave(session, "\x04", 0)

    def test_it_says_once_whom_it_is_connected_to(self):
        session = self.session()
        session.stderr.expect(r"parley: connected to 127\.0\.0\.1:\d+ \(TLS")
        session.ask("Hello")
        self.leave(session, "\x04", 0)
        self.assertEqual(len(session.stderr.text.splitlines()), 1)

    def test_a_command_that_failed_or_was_refused_is_told_and_the_session_goes_on(self):
        session = self.session()
        for line, words in (("status 3", "status: exit status 3"),
                            ("signal 9", "signal: ended by signal 9"),
                            ("late", "late: .*time"), ("nonsense", "nonsense: refused: "),
                            ("nobody", "nobody: refused: .*not allowed"),
                            ("say " + "x " * 65, "64 arguments"), ('""', "name is missing")):
            with self.subTest(line[:20]):
                session.ask(line)
                session.stderr.expect(f"parley: .*{words}.*\n")
                self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.leave(session, "\x04", 0)

    def test_words_are_quoted_as_in_a_shell_and_nothing_is_expanded(self):
        session = self.session()
        for line, said in (("say 'a  b'", "a  b"), ('say "a \\" \\\\ b"', 'a " \\ b'),
                           (r"say a\ b", "a b"), ("say $HOME*`id`~", "$HOME*`id`~"),
                           ("  say\t''x  ", "x"), ("say 'it'\\''s'", "it's"),
                           ("say ä€", "ä€")):
            with self.subTest(line):
                self.assertEqual(session.ask(line), said)
        self.leave(session, "\x04", 0)

    def test_a_line_that_is_no_command_is_asked_again(self):
        session = self.session()
        for line in ("", "   ", "# a comment"):
            self.assertEqual(session.ask(line), "")
        for line in ("say 'x", 'say "x', "say x\\"):
            self.assertEqual(session.ask(line), "")
            session.stderr.expect("parley: the line .*not sent\n")
        self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.leave(session, "\x04", 0)

    def test_ctrl_c_ends_a_running_command_and_the_session_goes_on(self):
        session = self.session()
        for _ in range(2):
            session.type("wait\n")
            group = session.started()
            session.type("\x03")
            session.stderr.expect("wait: ended by signal 15\n")
            session.stdout.expect(PROMPT)
            gone(group)
            self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.leave(session, "\x04", 0)

    def test_a_second_ctrl_c_ends_the_session(self):
        server = Commands(self, "--grace", "2")
        session = Session(self, server.port)
        session.type("stay\n")
        group = session.started()
        session.interrupt()
        session.stdout.expect("no")
        self.leave(session, "\x03", 130)
        gone(group)

    def test_ctrl_c_at_the_prompt_ends_the_session(self):
        session = self.session()
        session.ask("Hello")
        self.leave(session, "half a li\x03", 130)

    def test_a_program_reads_what_is_typed_and_the_prompt_comes_back(self):
        session = self.session()
        session.type("cat\n")
        session.type("Hello\n")
        session.stdout.expect("Hello\r\nHello\r\n")
        session.type("\x04")
        session.stdout.expect(PROMPT)
        self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.leave(session, "\x04", 0)

    def test_what_is_typed_ahead_waits_for_the_prompt(self):
        session = self.session()
        session.type("quiet 0.2\nHello\n")
        session.stdout.expect("done\r\n")
        session.stdout.expect("Greetings!\r\n")
        session.stdout.expect(PROMPT)
        self.leave(session, "\x04", 0)

    def test_a_reply_that_closes_ends_the_session_with_0(self):
        session = self.session()
        session.type("quit\n")
        session.stdout.expect("Closing down\r\n")
        self.assertStatus(session, 0)
        self.assertLessEqual(len(session.complaints), 1, session.story)

    def test_a_pipe_is_a_session_as_well(self):
        run = Run(self, self.server.port, stdin="Hello\nsay x\n")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text.replace(PROMPT, ""), "Greetings!\nx")

    def test_the_servers_end_at_the_prompt_is_told_at_once(self):
        for number, statuses in ((signal.SIGTERM, [0]), (signal.SIGKILL, [252, 255])):
            with self.subTest(number):
                server = Commands(self, "--drain", "0.3")
                session = Session(self, server.port)
                session.ask("Hello")
                server.signal(number)
                self.assertStatus(session, *statuses)
                self.assertEqual(len(session.complaints), 1, session.story)
                self.assertEqual(session.attributes(), session.before)

    def test_the_servers_idle_deadline_at_the_prompt_is_told(self):
        server = Commands(self, "--idle-timeout", "0.5")
        session = Session(self, server.port)
        self.assertStatus(session, 0)
        self.assertRegex("\n".join(session.complaints), "^parley: .*server.*ended.*$")

    def test_the_servers_end_while_a_command_runs_is_told(self):
        server = Commands(self, "--drain", "0.2", "--grace", "0.2")
        session = Session(self, server.port)
        session.type("wait\n")
        group = session.started()
        server.signal(signal.SIGTERM)
        session.stderr.expect("wait: ended by signal 15|outcome is not known")
        session.wait()
        gone(group)


class Answers(TestCase):

    def test_each_json_outcome_is_a_line(self):
        server = Commands(self)
        session = Session(self, server.port, options=["--json"])
        for line in ("Hello", "status 3", "complain oops 4", "nonsense", "say 'x"):
            session.ask(line)
        session.end_input()
        self.assertStatus(session, 0)
        self.assertEqual(
            [line.split('"outcome":')[1].split(",")[0] for line in session.complaints
             if line.startswith("{")], ['"exit"', '"exit"', '"exit"', '"refused"'])


if __name__ == "__main__":
    unittest.main()
