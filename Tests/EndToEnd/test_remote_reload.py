# SPDX-License-Identifier: Apache-2.0
"""What changes under open sessions: the table, the CRL, the time, and the server's end."""

import datetime
import functools
import shutil
import signal
import ssl
import unittest

import authority
from authority import issue, revoke
from parley1 import (
    BY_ITSELF, BY_SIGNAL, INPUT, INPUT_END, INPUT_WANTED, NOT_ALLOWED, OUTPUT, SHUTTING_DOWN,
    UNKNOWN, run)
from people import people
from remote import Ended
from remote_server import (
    REPLIES, RemoteServer, RemoteTestCase, fixture, program, write_table)
from support import eventually, gone, measures_memory

COMMANDS = {
    **REPLIES,
    "echo": program("/bin/echo", "{text}", arguments={"text": ".*"}),
    "cat": program("/bin/cat", input=True),
    "wait": program("/bin/sh", "-c", "echo $$; exec sleep 30"),
    "ignore end": fixture("ignore-end.sh"),
}


@functools.lru_cache(maxsize=None)
def revocation():
    """The CRLs from before and after `leaver` was revoked."""
    revoke(people(), "leaver")
    return people() / "crl-before.pem", people() / "crl.pem"


class Reload(RemoteTestCase):
    """SIGHUP reads all again; a mistake leaves the old in force."""

    def start(self, *options, **how):
        return RemoteServer(self, COMMANDS, *options, **how)

    def test_a_new_table_holds_for_the_next_command_of_an_open_session(self):
        server = self.start()
        session = server.session(self)
        self.assertEqual(session.ask("echo", "old").lines, ["old"])
        less = {name: entry for name, entry in COMMANDS.items() if name != "cat"}
        changed = {**less, "new": program("/bin/echo", "new"), "Hello": {"reply": "Good day!"},
                   "echo": program("/bin/echo", "{text}", arguments={"text": ".*"},
                                   deny=["dns:client"])}
        server.replace(changed)
        self.assertRefused(session.ask("echo", "old"), NOT_ALLOWED)
        self.assertRefused(session.ask("cat"), UNKNOWN)
        self.assertEqual(session.ask("new").lines, ["new"])
        self.assertEqual(session.ask("Hello").lines, ["Good day!"])
        self.assertEqual(server.session(self, "dora").ask("echo", "old").lines, ["old"])

    def test_running_programs_go_on_and_waiting_ones_are_asked_again(self):
        server = self.start()
        session = server.session(self)
        session.stream.sendall(run("cat") + run("echo", "waited"))
        session.expect(INPUT_WANTED)
        changed = {name: entry for name, entry in COMMANDS.items() if name not in ("cat", "echo")}
        changed["echo"] = program("/bin/echo", allow=[])
        server.replace(changed)
        session.send(INPUT, b"still here")
        self.assertEqual(session.expect(OUTPUT), b"still here")
        session.send(INPUT_END)
        self.assertEnded(session.outcome(), BY_ITSELF, 0)
        self.assertRefused(session.outcome(), NOT_ALLOWED)

    def test_a_mistake_keeps_the_old_table_and_is_logged_with_its_place(self):
        server = self.start()
        session = server.session(self)
        authority.write(server.table, "{commands: {\n  echo: {rum: ['/bin/echo']}}}")
        line = server.reload()
        self.assertRegex(line, rf"{server.table}:2:10: .*'?run'?")
        self.assertEqual(session.ask("echo", "old").lines, ["old"])
        write_table(server.table, COMMANDS)
        server.table.chmod(0o666)
        self.assertRegex(server.reload(), "written by everybody")
        self.assertEqual(session.ask("echo", "old").lines, ["old"])
        server.table.chmod(0o600)
        self.assertRegex(server.reload(), "command table reloaded")

    def test_a_mistake_in_the_table_holds_no_revocation_up(self):
        before, after = revocation()
        server, crl = self.with_crl(before)
        leaver, other = server.session(self, "leaver"), server.session(self)
        self.assertEqual(leaver.ask("echo", "on").lines, ["on"])
        shutil.copy(after, crl)
        authority.write(server.table, "{commands: 1}")
        self.assertRegex(server.reload(), "kept the old command table: ")
        self.assertRefused(leaver.ask("echo", "on"), NOT_ALLOWED)
        self.assertEqual(other.ask("echo", "on").lines, ["on"])
        self.assertEqual(
            [(record["what"], record["outcome"]) for record in server.records("reload")],
            [("certificates", "in-force"), ("the command table", "old-stays")])

    def with_crl(self, path, *options, **how):
        crl = people() / f"{self.id()}.pem"
        shutil.copy(path, crl)
        return self.start("--crl", str(crl), *options, **how), crl

    def test_a_revoked_certificate_starts_nothing_more_in_an_open_session(self):
        before, after = revocation()
        server, crl = self.with_crl(before)
        leaver, other = server.session(self, "leaver"), server.session(self)
        leaver.run("cat")
        leaver.expect(INPUT_WANTED)
        shutil.copy(after, crl)
        server.reload()
        leaver.send(INPUT, b"still here")
        self.assertEqual(leaver.expect(OUTPUT), b"still here")
        leaver.send(INPUT_END)
        self.assertEnded(leaver.outcome(), BY_ITSELF, 0)
        for texts in (("echo", "more"), ("cat",), ("Hello",), ("help",), ("whoami",)):
            self.assertRefused(leaver.ask(*texts), NOT_ALLOWED, "revoked|no longer")
        self.assertEqual(other.ask("echo", "on").lines, ["on"])
        with self.assertRaises((ssl.SSLError, OSError, Ended)):
            server.session(self, "leaver").ask("Hello")
        shutil.copy(before, crl)
        server.reload()
        # It was verified once for the reload of both files, and told of once.
        self.assertEqual(server.stderr.text.count("may no longer run anything"), 1)
        outcome = leaver.ask("echo", "again")
        self.assertEqual(outcome.lines, ["again"], outcome)

    def test_a_certificate_that_expires_starts_nothing_more_in_an_open_session(self):
        server = self.start()
        people()
        # Time enough for a handshake on a busy machine.
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
        issue(people(), "brief", names="DNS:brief.example", purpose="clientAuth",
              dates=("20200101000000Z", end.strftime("%Y%m%d%H%M%SZ")))
        session = server.session(self, people() / "brief")
        self.assertEqual(session.ask("echo", "in time").lines, ["in time"])
        outcomes = []

        def refused():
            outcomes.append(session.ask("echo", "too late"))
            return outcomes[-1].code is not None
        eventually(refused, "a refusal")
        self.assertRefused(outcomes[-1], NOT_ALLOWED, "expired|no longer")
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc),
                                end.replace(microsecond=0))

    @measures_memory
    def test_memory_is_level_however_often_files_are_read(self):
        server = self.start()
        self.reload(server, 50)
        level = server.memory
        self.reload(server, 250)
        # Each kept copy of a certificate and its key would be some 10 KiB.
        self.assertLess(server.memory, level + 1024, "KiB after 300 reloads, with 50 and 1 MiB more")

    def reload(self, server, times):
        for _ in range(times):
            self.assertNotIn("kept the old", server.reload())


class Drain(RemoteTestCase):
    """SIGTERM starts nothing more, and waits for what runs."""

    def start(self, *options):
        return RemoteServer(self, COMMANDS, "--grace", "0.3", *options)

    def running(self, server, command, name="client"):
        session = server.session(self, name)
        session.run(command)
        session.group = int(session.expect(OUTPUT))
        return session

    def test_open_sessions_are_told_and_running_programs_finish(self):
        server = self.start("--drain", "2")
        busy, waiting, idle = (server.session(self) for _ in range(3))
        self.assertEqual(idle.ask("Hello").lines, ["Greetings!"])
        busy.run("cat")
        waiting.stream.sendall(run("cat") + run("echo", "never"))
        for session in (busy, waiting):
            session.expect(INPUT_WANTED)
        server.signal(signal.SIGTERM)
        self.assertRefused(self.after_the_signal(server, idle), SHUTTING_DOWN)
        for texts in (("Hello",), ("whoami",), ("cat",)):
            self.assertRefused(idle.ask(*texts), SHUTTING_DOWN)
        busy.run("echo", "never")
        for session in (busy, waiting):
            session.send(INPUT, b"to the end")
            self.assertEqual(session.expect(OUTPUT), b"to the end")
            session.send(INPUT_END)
            self.assertEnded(session.outcome(), BY_ITSELF, 0)
            self.assertRefused(session.outcome(), SHUTTING_DOWN)
        for session in (busy, waiting, idle):
            self.assertEqual(session.end(), [])
        self.assertEqual(server.wait(), 0, server.story)
        arguments = [record["arguments"] for record in server.records("command-start")]
        self.assertNotIn(["never"], arguments)

    def test_what_was_sent_before_the_signal_is_answered_or_refused(self):
        server = self.start("--drain", "600", "--threads", "1")
        session = server.session(self)
        # More than a debug build answers in the moment that what is on its way has.
        count = 10_000
        session.stream.sendall(run("whoami") * count)
        server.signal(signal.SIGTERM)
        for _ in range(count):
            outcome = session.outcome()
            self.assertIn(outcome.code, (None, SHUTTING_DOWN), outcome)
        self.assertEqual(session.end(), [])
        self.assertEqual(server.wait(), 0, server.story)

    def after_the_signal(self, server, session):
        """The first refusal of a session; the signal takes its time to be noticed."""
        outcomes = []

        def is_refused():
            outcomes.append(session.ask("echo", "on"))
            return outcomes[-1].code is not None
        eventually(is_refused, "a refusal")
        return outcomes[-1]

    def test_new_connections_are_not_taken(self):
        server = self.start("--drain", "2")
        session = server.session(self)
        session.run("cat")
        session.expect(INPUT_WANTED)
        server.signal(signal.SIGTERM)

        def is_closed():
            try:
                server.session(self).close()
            except OSError:
                return True
            return False
        eventually(is_closed, "a closed port")
        session.send(INPUT_END)
        self.assertEnded(session.outcome(), BY_ITSELF, 0)
        self.assertEqual(server.wait(), 0, server.story)

    def test_what_still_runs_is_ended_when_the_time_is_over(self):
        server = self.start("--drain", "0.4")
        tidy, stubborn = self.running(server, "wait"), self.running(server, "ignore end")
        server.signal(signal.SIGTERM)
        for session, number in ((tidy, 15), (stubborn, 9)):
            self.assertEnded(session.outcome(), BY_SIGNAL, number)
            self.assertEqual(session.end(), [])
        self.assertEqual(server.wait(), 0, server.story)
        for session in (tidy, stubborn):
            gone(session.group)
        ends = server.records("command-end")
        self.assertEqual({end["signal"] for end in ends}, {15, 9})
        self.assertEqual(len(server.records("session-end")), 2)

    def test_a_second_signal_ends_at_once_and_leaves_nothing(self):
        server = self.start("--drain", "2")
        sessions = [self.running(server, name) for name in ("wait", "ignore end")]
        server.signal(signal.SIGTERM)
        sessions[0].run("Hello")
        server.signal(signal.SIGINT)
        self.assertIn(server.wait(), (130, 143), server.story)
        for session in sessions:
            gone(session.group)
        ends = server.records("command-end")
        self.assertEqual(len(ends), len(server.records("command-start")))
        self.assertIn("server-ended", {end["outcome"] for end in ends})

    def test_a_killed_server_leaves_no_program(self):
        server = self.start()
        sessions = [self.running(server, name) for name in ("wait", "ignore end")]
        server.signal(signal.SIGKILL)
        server.wait()
        for session in sessions:
            gone(session.group)


if __name__ == "__main__":
    unittest.main()
