# SPDX-License-Identifier: Apache-2.0
"""The programs of remote commands: their environment, arguments and input."""

import os
import pwd
import signal
import unittest

from parley1 import (
    BAD_ARGUMENT, BY_ITSELF, EXIT, INPUT, INPUT_END, INPUT_WANTED, LARGEST, OUTPUT, credit, frame, run)
from remote_server import RemoteServer, RemoteTestCase, fixture, program
from support import measures_memory

MIB = 1 << 20


class Surroundings(RemoteTestCase):
    """A program gets what the table says, and nothing of the server."""

    COMMANDS = {
        "environment": program("/usr/bin/env"),
        "variables": program("/usr/bin/env",
                             environment={"HOME": "/srv", "PASSWORD": "{word}"},
                             arguments={"word": {"pattern": ".*", "secret": True}}),
        "open mask": program("/bin/cat", "/proc/self/status", umask="022"),
        "status": program("/bin/cat", "/proc/self/status"),
        "stat": program("/bin/cat", "/proc/self/stat"),
        "limits": program("/bin/cat", "/proc/self/limits"),
        "descriptors": program("/bin/ls", "-l", "/proc/self/fd"),
        "with input": program("/bin/ls", "-l", "/proc/self/fd", input=True),
        "here": program("/bin/readlink", "/proc/self/cwd"),
        "there": program("/bin/readlink", "/proc/self/cwd", directory="/usr/bin"),
        "words": program("/usr/bin/printf", "[%s]", "$HOME", "*", "{b}", "a b", "{a}", "{b}",
                         arguments={"a": ".*", "b": ".*"}),
        "plain": program("/bin/cat", "/proc/self/cmdline", "{path}",
                         arguments={"path": "/dev/[a-z]*"}),
        "dash": program("/bin/echo", "{option}", arguments={"option": "-[ab]"}),
        "any": program("/bin/echo", "{text}", arguments={"text": "[^x]*"}),
    }

    def ask(self, name, *arguments):
        outcome = self.session().ask(name, *arguments)
        self.assertEnded(outcome, BY_ITSELF, 0)
        return outcome.output.decode()

    def test_the_environment_is_clean_and_says_who_asked(self):
        session = self.session()
        lines = session.ask("environment").lines
        names = {line.partition("=")[0]: line.partition("=")[2] for line in lines}
        address = "%s:%d" % session.stream.getsockname()
        self.assertEqual(set(names), {
            "PATH", "LANG", "HOME", "USER", "LOGNAME", "SHELL", "PARLEY_COMMAND", "PARLEY_PEER",
            "PARLEY_ADDRESS"})
        self.assertEqual(names["PARLEY_COMMAND"], "environment")
        self.assertEqual(names["PARLEY_PEER"], "dns:client")
        self.assertEqual(names["PARLEY_ADDRESS"], address)
        self.assertEqual(names["LANG"], "C.UTF-8")
        try:
            user = pwd.getpwuid(os.geteuid())
        except KeyError:
            return
        self.assertEqual(
            [names[name] for name in ("HOME", "USER", "LOGNAME", "SHELL")],
            [user.pw_dir, user.pw_name, user.pw_name, user.pw_shell or "/bin/sh"])

    def test_the_table_sets_variables_and_the_umask(self):
        session = self.session()
        lines = session.ask("variables", "a secret").lines
        self.assertIn("HOME=/srv", lines)
        self.assertIn("PASSWORD=a secret", lines)
        self.assertIn("LANG=C.UTF-8", lines)
        self.assertEqual(self.server.end_of(session)["arguments"], [8])
        self.assertIn("Umask:\t0022", self.ask("open mask"))

    def test_signals_and_umask_are_the_defaults(self):
        lines = self.ask("status").splitlines()
        status = dict(line.split(":\t") for line in lines if ":\t" in line)
        # glibc keeps 32 and 33 for itself, and its posix_spawn leaves them ignored.
        own = 1 << 31 | 1 << 32
        for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"):
            self.assertEqual(int(status[name], 16) & ~own, 0, name)
        self.assertEqual(status["Umask"], "0077")

    def test_no_signal_stays_ignored_that_the_server_was_told_to_ignore(self):
        ignored = (signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMAX)
        before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
        try:
            server = RemoteServer(self, {"status": self.COMMANDS["status"]})
        finally:
            for number, action in before.items():
                signal.signal(number, action)

        def mask(lines):
            return next(int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:"))
        expected = sum(1 << number - 1 for number in ignored)
        with open(f"/proc/{server.pid}/status") as status:
            self.assertEqual(mask(status) & expected, expected)
        outcome = server.session(self).ask("status")
        self.assertEqual(mask(outcome.output.decode().splitlines()) & expected, 0)

    def test_it_has_a_process_group_of_its_own(self):
        session = self.session()
        fields = session.ask("stat").output.decode().rpartition(")")[2].split()
        self.assertEqual(int(fields[2]), self.server.end_of(session)["pid"])

    def test_it_has_its_three_descriptors_only(self):
        for name in ("descriptors", "with input"):
            lines = [line.split() for line in self.ask(name).splitlines() if "->" in line]
            descriptors = {line[-3]: line[-1] for line in lines}
            # The last is the folder that ls itself reads.
            self.assertEqual(sorted(descriptors), ["0", "1", "2", "3"])
            self.assertRegex(descriptors["3"], "/proc/")
            for number in "12":
                self.assertRegex(descriptors[number], "pipe:")
            self.assertRegex(descriptors["0"], "pipe:" if name == "with input" else "/dev/null")

    @measures_memory
    def test_its_limits_are_those_that_the_server_began_with(self):
        with open("/proc/self/limits", encoding="ascii") as file:
            self.assertEqual(self.ask("limits"), file.read())

    def test_it_starts_where_the_table_says(self):
        self.assertEqual(self.ask("here"), "/\n")
        self.assertEqual(self.ask("there"), os.path.realpath("/usr/bin") + "\n")

    def test_its_arguments_are_the_tables_and_no_shell_reads_them(self):
        self.assertEqual(self.ask("words", "first", "$(id) `id`"),
                         "[$HOME][*][first][a b][$(id) `id`][first]")
        self.assertEqual(self.ask("plain", "/dev/null"),
                         "/bin/cat\0/proc/self/cmdline\0/dev/null\0")

    def test_arguments_match_their_patterns_whole(self):
        session = self.session()
        for value in ("", "dev", "/dev/null/", "x/dev/null", "/dev/null\n", "\n/dev/null",
                      "/dev/null\n/dev/null", "/dev/NULL", "-n"):
            with self.subTest(value):
                self.assertRefused(session.ask("plain", value), BAD_ARGUMENT, "path")
        for values in ((), ("/dev/null", "/dev/null")):
            self.assertRefused(session.ask("plain", *values), BAD_ARGUMENT, "takes 1: path")

    def test_an_argument_is_no_option_unless_its_pattern_says_so(self):
        session = self.session()
        self.assertRefused(session.ask("any", "-n"), BAD_ARGUMENT, "text.* begins with a hyphen")
        self.assertEqual(session.ask("any", "a-n").lines, ["a-n"])
        self.assertEqual(session.ask("dash", "-a").lines, ["-a"])
        self.assertRefused(session.ask("dash", "-c"), BAD_ARGUMENT)


class Input(RemoteTestCase):
    """Input goes where it was wanted, whole, and never to the next command."""

    COMMANDS = {
        "cat": program("/bin/cat", input=True),
        "no input": program("/bin/cat"),
        "exits": fixture("exit-unread.sh", input=True),
        "head": program("/usr/bin/head", "-c", "10", input=True),
        "closes its input": program("/bin/sh", "-c", "exec <&-; sleep 0.2; echo on", input=True),
        "reads slowly": program("/bin/sh", "-c", "sleep 0.5; exec cksum", input=True),
    }

    def test_every_byte_comes_back(self):
        session = self.session()
        data = bytes(range(256)) * (MIB // 512) + os.urandom(MIB // 2)
        outcome = session.ask("cat", data=data)
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertTrue(outcome.output == data, "the bytes differ")
        end = self.server.end_of(session)
        self.assertEqual((end["bytes_in"], end["bytes_out"]), (MIB, MIB))
        self.assertEqual(session.ask("cat", data=b"\0").output, b"\0")
        self.assertEqual(session.ask("cat").output, b"")

    def test_a_program_that_reads_late_gets_all(self):
        outcome = self.session().ask("reads slowly", data=b"x" * MIB)
        self.assertRegex(outcome.output.decode(), rf"^\d+ {MIB}$")

    def test_a_command_that_takes_none_reads_an_empty_input(self):
        outcome = self.session().ask("no input", data=b"unwanted")
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertEqual((outcome.output, outcome.was_asked_for_input), (b"", False))

    def test_a_program_that_exits_without_reading_ends_well(self):
        session = self.session()
        for _ in range(10):
            self.assertEnded(session.ask("exits", data=b"x" * MIB), BY_ITSELF, 3)
        self.assertEqual(session.ask("head", data=b"y" * MIB).output, b"y" * 10)

    def test_a_program_that_closes_its_input_goes_on(self):
        outcome = self.session().ask("closes its input", data=b"x" * MIB)
        self.assertEnded(outcome, BY_ITSELF, 0)
        self.assertEqual(outcome.lines, ["on"])

    def test_stale_input_does_not_reach_the_next_command(self):
        session = self.session()
        session.stream.sendall(run("exits") + run("cat") + run("no input"))
        wanted = credit(session.expect(INPUT_WANTED))
        self.assertEqual(tuple(session.expect(EXIT)), (BY_ITSELF, 3))
        again = credit(session.expect(INPUT_WANTED))
        self.assertGreater(min(wanted, again), 5)
        session.stream.sendall(frame(INPUT, b"stale") * 2 + frame(INPUT_END)
                               + frame(INPUT, b"fresh"))
        self.assertEqual(session.expect(OUTPUT), b"fresh")
        session.send(INPUT_END)
        self.assertEnded(session.outcome(), BY_ITSELF, 0)
        self.assertEqual(session.outcome().output, b"")

    def test_no_input_is_wanted_behind_its_end(self):
        """The last input that comes with the end makes up a share that would be asked for again."""
        session = self.session()
        session.run("cat")
        self.assertGreaterEqual(credit(session.expect(INPUT_WANTED)), 4 * LARGEST)
        text = bytes(range(251)) * 4 * 66
        first, last = text[:3 * LARGEST + 2_000], text[3 * LARGEST + 2_000:4 * LARGEST + 10]
        for at in range(0, len(first), LARGEST):
            session.send(INPUT, first[at:at + LARGEST])
        echo = b""
        while len(echo) < len(first):
            echo += session.expect(OUTPUT)
        self.assertEqual(echo, first)
        # All in one record.
        session.stream.sendall(frame(INPUT, last) + frame(INPUT_END) + run("cat"))
        self.assertEqual(session.outcome().output, last)
        self.assertEqual(session.outcome(b"the next one's").output, b"the next one's")

    def test_input_sent_ahead_of_the_exit_is_thrown_away(self):
        session = self.session()
        session.run("exits")
        wanted = credit(session.expect(INPUT_WANTED))
        size = min(wanted, 16_000)
        session.stream.sendall(frame(INPUT, b"s" * size) + frame(INPUT_END) + run("cat"))
        self.assertEnded(session.outcome(), BY_ITSELF, 3)
        self.assertEqual(session.outcome(b"fresh").output, b"fresh")


if __name__ == "__main__":
    unittest.main()
