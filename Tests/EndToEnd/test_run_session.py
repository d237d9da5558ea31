# SPDX-License-Identifier: Apache-2.0
"""The interactive session: `parley run HOST` without a command."""

import signal
import stat
import termios
import unittest

from conditions import with_libedit
from remote_server import shell
from runs import Commands, Run
from support import PIPE, TestCase, gone, new_folder

PROMPT = r"127\.0\.0\.1:[0-9]+> "


class Session(Run):
    """A session in a terminal, at its prompt."""

    def __init__(self, owner, port, **how):
        super().__init__(owner, port, terminal=True, **how)
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
            session.stderr.expect(r"parley: 127\.0\.0\.1:\d+: the line .*not sent\n")
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

    def test_ctrl_c_at_the_prompt_clears_the_line(self):
        session = self.session()
        session.type("say half\x03")
        session.stdout.expect(PROMPT)
        self.assertEqual(session.ask("say whole"), "whole")
        self.assertEqual(session.complaints, [])
        self.leave(session, "\x04", 0)

    def test_an_interrupt_from_elsewhere_clears_the_line_as_well(self):
        session = self.session()
        session.type("say half")
        session.stdout.expect("say half")
        session.signal(signal.SIGINT)
        session.stdout.expect(PROMPT)
        self.assertEqual(session.ask("say whole"), "whole")
        self.leave(session, "\x04", 0)

    def test_an_interrupt_of_a_session_in_a_pipe_ends_it(self):
        run = Run(self, self.server.port, stdin=PIPE)
        run.type("Hello\n")
        run.stdout.expect("Greetings!")
        run.signal(signal.SIGINT)
        self.assertStatus(run, 130)

    def test_a_signal_at_the_prompt_gives_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                session = self.session()
                session.ask("Hello")
                session.type("half")
                session.signal(number)
                self.assertStatus(session, 128 + number)
                self.assertEqual(session.attributes(), session.before)

    def test_exit_and_quit_leave_and_two_dashes_send_them(self):
        for word in ("exit", "quit", "  exit  "):
            with self.subTest(word):
                self.leave(self.session(), f"{word}\n", 0)
        session = self.session()
        session.ask("-- exit")
        session.stderr.expect("exit: refused: .*no command")
        session.ask("exit now")
        session.stderr.expect("exit: refused: .*no command")
        session.type("-- quit\n")
        session.stdout.expect("Closing down\r\n")
        self.assertStatus(session, 0)

    def test_help_with_a_name_shows_that_entry(self):
        session = self.session()
        self.assertEqual(
            session.ask("help path"),
            "path {path}\n  path: '/', then any number of letters from a to z  (/[a-z]*)\n")
        self.assertEqual(session.ask("help nonsense"), "")
        session.stderr.expect(r"parley: 127\.0\.0\.1:\d+: help: refused: .*no command 'nonsense'")
        self.assertIn("exit, quit or Ctrl-D leaves", session.ask("help"))
        self.leave(session, "\x04", 0)

    def test_a_program_reads_what_is_typed_and_the_prompt_comes_back(self):
        session = self.session()
        session.type("cat\n")
        session.stdout.expect(r"cat\r\n")
        # The terminal's echo or the program's.
        session.type("Hello\n")
        session.stdout.expect("Hello\r\n")
        session.type("\x04")
        session.stdout.expect(PROMPT)
        self.assertEqual(session.ask("Hello"), "Greetings!\n")
        self.leave(session, "\x04", 0)

    def test_a_program_reads_what_was_typed_before_the_terminal_was_given_back(self):
        session = self.session()
        session.type("cat\nHello\n")
        session.stdout.expect("Hello\r\n")
        session.type("\x04")
        session.stdout.expect(PROMPT)
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
        session.type("-- quit\n")
        session.stdout.expect("Closing down\r\n")
        self.assertStatus(session, 0)
        self.assertLessEqual(len(session.complaints), 1, session.story)

    def test_a_pipe_is_a_session_as_well(self):
        run = Run(self, self.server.port, stdin="Hello\nsay x\n")
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "Greetings!\nx")

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
        session.stderr.expect("wait: ended by signal 15|outcome is unknown")
        session.wait()
        gone(group)


@with_libedit
class Edited(Sessions):
    """The same at a terminal whose lines libedit edits, and what it adds."""

    def setUp(self):
        self.state = new_folder()
        self.history = self.state / "parley" / "history"

    def session(self, **more):
        environment = {
            "TERM": "xterm", "XDG_STATE_HOME": str(self.state), "NO_COLOR": "1", **more}
        session = Session(self, self.server.port, environment=environment)
        # Only then is it in the editor's hands; before, the terminal itself would edit what is typed.
        self.assertFalse(session.attributes()[3] & termios.ICANON)
        return session

    def test_a_line_can_be_edited(self):
        session = self.session()
        self.assertEqual(session.ask("say hero\x02\x7fl\x05!"), "helo!")
        self.assertEqual(session.ask("sayy\x1b[D\x7f\x05 ä€\x1b[D\x1b[Dx"), "xä€")
        self.leave(session, "\x04", 0)

    def test_earlier_lines_come_back_also_in_the_next_session(self):
        session = self.session()
        session.ask("say one")
        self.assertEqual(session.ask("say two"), "two")
        self.assertEqual(session.ask("\x1b[A\x1b[A"), "one")
        self.leave(session, "\x04", 0)
        self.assertEqual(self.history.read_text(), "say one\nsay two\nsay one\n")
        self.assertEqual(stat.S_IMODE(self.history.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.history.parent.stat().st_mode), 0o700)
        session = self.session()
        self.assertEqual(session.ask("\x1b[A\x1b[A"), "two")
        self.leave(session, "\x04", 0)

    def test_a_line_that_begins_with_a_blank_is_kept_nowhere(self):
        session = self.session()
        session.ask("say one")
        self.assertEqual(session.ask(" say secret"), "secret")
        self.assertEqual(session.ask("\x1b[A"), "one")
        self.leave(session, "\x04", 0)
        self.assertEqual(self.history.read_text(), "say one\n")

    def test_a_line_with_a_secret_argument_is_kept_nowhere(self):
        server = Commands(self, commands={
            "open": shell('printf %s "$2"', "door", "pin", arguments={
                "door": "[a-z]+", "pin": {"pattern": "[0-9]{4}", "secret": True}}),
            "say": shell('printf %s "$1"', "text")})
        session = Session(self, server.port, environment={
            "TERM": "xterm", "XDG_STATE_HOME": str(self.state), "NO_COLOR": "1"})
        self.assertIn("open {door} {pin: secret}\n", session.ask("help"))
        session.ask("say one")
        self.assertEqual(session.ask("open front 1234"), "1234")
        self.assertEqual(session.ask("\x1b[A"), "one")
        self.leave(session, "\x04", 0)
        self.assertEqual(self.history.read_text(), "help\nsay one\n")

    def test_tab_completes_what_the_server_offers(self):
        session = self.session()
        for typed, rest in (("com\t", "plain "), ("help pa\t", "th "), ("ex\t", "it ")):
            with self.subTest(typed):
                session.type(typed)
                session.stdout.expect(rest)
                session.type("\x03")
                session.stdout.expect(PROMPT)
        session.type("st\t")
        session.stdout.expect(r"st.*a")
        session.type("\t")
        session.stdout.expect(r"stall  status  stay\r\n")
        session.stdout.expect(PROMPT)
        session.type("\x03")
        session.stdout.expect(PROMPT)
        # In what is pasted it is a blank.
        self.assertEqual(session.ask("say\tx"), "x")
        self.leave(session, "\x04", 0)

    def test_the_prompt_is_bold_unless_no_colour_is_wanted(self):
        for more, shown in (({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(more):
                session = self.session(**more)
                session.ask("Hello")
                self.assertEqual("\x1b[1m127.0.0.1" in session.stdout.text, shown)
                self.leave(session, "\x04", 0)

    def test_a_history_of_others_is_neither_read_nor_written(self):
        other = self.state / "other"
        other.write_text("say stolen\n")
        self.history.parent.mkdir()
        self.history.symlink_to(other)
        session = self.session()
        self.assertEqual(session.ask("say mine"), "mine")
        self.leave(session, "\x04", 0)
        self.assertEqual(other.read_text(), "say stolen\n")

    def test_the_server_is_heard_while_a_line_is_typed(self):
        server = Commands(self)
        session = Session(self, server.port, environment={"TERM": "xterm", "NO_COLOR": "1"})
        session.type("say half")
        session.stdout.expect("say half")
        server.signal(signal.SIGKILL)
        # What comes from the server is seen while nobody presses a key.
        self.assertStatus(session, 252, 255)
        self.assertEqual(session.attributes(), session.before)

    def test_where_there_is_no_libedit_the_terminal_edits(self):
        nothing = self.state / "libedit.so.2"
        nothing.touch()
        session = Session(self, self.server.port, environment={
            "TERM": "xterm", "XDG_STATE_HOME": str(self.state), "NO_COLOR": "1",
            "LD_LIBRARY_PATH": str(self.state)})
        self.assertTrue(session.attributes()[3] & termios.ICANON)
        self.assertEqual(session.ask("say hero\x7f\x7fllo"), "hello")
        self.leave(session, "\x04", 0)
        self.assertFalse(self.history.exists())


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
