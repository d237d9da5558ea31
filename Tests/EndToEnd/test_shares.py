# SPDX-License-Identifier: Apache-2.0
"""What one identity may have of what is there for all: sessions, places that are kept for others, programs, starts."""

import ssl
import time

import authority
from parley1 import ALPN, BAD_ARGUMENT, BUSY, BY_ITSELF, INPUT_END, INPUT_WANTED, REFUSAL, UNKNOWN
from people import client
from remote import Ended
from remote_server import Outcomes, RemoteServer, program, write_table
from runs import Run
from server import AS_SOMEBODY
from strangers import client_context, connect
from support import PARLEYD, PIPE, Program, TestCase, eventually, new_folder

COMMANDS = {
    "Hello": {"reply": "Greetings!"},
    "true": program("/bin/true", concurrency=100, perIdentity=100),
    "cat": program("/bin/cat", input=True, perIdentity=16),
    "other": program("/bin/cat", input=True, perIdentity=16),
    "dear": program("/bin/true", "{x}", arguments={"x": "([a-z]|[a-y]|[a-x]|[a-w])*0"}),
}


class Shares(Outcomes, TestCase):

    def server(self, *options, **how):
        return RemoteServer(self, COMMANDS, *options, **how)

    def hold(self, server, count, name="client"):
        sessions = [server.session(self, name) for _ in range(count)]
        for session in sessions:
            self.assertEnded(session.ask("Hello"), BY_ITSELF, 0)
        return sessions

    def assertTurnedAway(self, server, name, *words):
        """It is refused before it has asked for anything, and then nothing more comes."""
        frames = server.session(self, name).end()
        self.assertEqual([kind for kind, _ in frames], [REFUSAL])
        code, sentence = frames[0][1][0], frames[0][1][1:].decode()
        self.assertEqual(code, BUSY, sentence)
        self.assertSentence(sentence, *words)

    def getsIn(self, server, name):
        """A session of it, which runs a program; places are free a moment after a connection has closed."""
        held = []

        def attempt():
            session = server.session(self, name)
            try:
                if session.ask("true").ended == (BY_ITSELF, 0):
                    held.append(session)
                    return True
            except (Ended, ConnectionError):
                pass
            session.close()
            return False
        eventually(attempt, f"a session of {name}'s")
        return held[0]


class Sessions(Shares):

    def test_an_identity_has_its_share_and_others_get_in(self):
        server = self.server("--max-sessions", 8)
        held = self.hold(server, 2)
        self.assertTurnedAway(server, "client", r"its limit of open sessions \(2\)", "try again")
        server.stderr.expect(
            r"127\.0\.0\.1:\d+ [^\n]*refused: this identity has reached its limit of open sessions[^\n]*--max-identity-sessions")
        dora = self.getsIn(server, "dora")
        self.assertEnded(dora.ask("true"), BY_ITSELF, 0)
        for session in held:
            self.assertEnded(session.ask("true"), BY_ITSELF, 0)
        held[0].close()
        self.getsIn(server, "client")
        refusal = server.records("refusal")[0]
        self.assertEqual((refusal["code"], refusal["limit"]), ("busy", "--max-identity-sessions"))
        self.assertIn("identity", refusal)
        of_it = [record["event"] for record in server.records()
                 if record.get("session") == refusal["session"]]
        self.assertEqual(of_it, ["refusal"])

    def test_two_certificates_of_one_first_name_are_one_identity(self):
        server = self.server("--max-sessions", 8, "--max-identity-sessions", 1)
        # The same host, spelt in two ways, with two keys.
        held = self.hold(server, 1, "dora")
        self.assertTurnedAway(server, "upper", r"its limit of open sessions \(1\)")
        self.assertEnded(held[0].ask("Hello"), BY_ITSELF, 0)
        self.getsIn(server, "emil")

    def test_the_last_places_are_for_identities_without_one(self):
        server = self.server("--max-sessions", 8, "--max-identity-sessions", 8,
                             "--reserved-sessions", 2)
        self.hold(server, 6)
        self.assertTurnedAway(server, "client", "last sessions are reserved", "use one of those")
        dora, emil = self.getsIn(server, "dora"), self.getsIn(server, "emil")
        self.assertTurnedAway(server, "uri", "8 sessions are open", "try again")
        for session in (dora, emil):
            self.assertEnded(session.ask("true"), BY_ITSELF, 0)
        limits = [record["limit"] for record in server.records("refusal")]
        self.assertEqual(limits, ["--reserved-sessions", "--max-sessions"])

    def test_those_who_are_turned_away_and_stay_hold_nothing(self):
        server = self.server("--max-sessions", 8, "--max-identity-sessions", 8)
        self.hold(server, 7)
        # None of them closes its connection, and each is waited for as long as the close deadline.
        context = client_context(client("client"))
        context.set_alpn_protocols([ALPN])
        stays = []
        for _ in range(30):
            try:
                stays.append(connect(self, server.port, context, name="localhost"))
            except (ssl.SSLError, ConnectionError):
                pass
        self.assertGreater(len(stays), 4)
        self.assertEnded(self.getsIn(server, "dora").ask("true"), BY_ITSELF, 0)

    def test_a_session_of_messages_counts_and_is_closed_without_a_reply(self):
        for maximum in (None, ssl.TLSVersion.TLSv1_2):
            with self.subTest(maximum):
                server = self.server("--max-sessions", 8, "--tls-min", "1.2")
                context = client_context(client("client"), maximum=maximum)
                held = [connect(self, server.port, context, name="localhost") for _ in range(2)]
                for connection in held:
                    connection.sendall(b"Hello")
                    self.assertEqual(connection.recv(100), b"Greetings!")
                third = connect(self, server.port, context, name="localhost")
                self.assertEqual(third.recv(100), b"")
                self.assertTurnedAway(server, "client", "its limit of open sessions")
                other = connect(self, server.port, client_context(client("dora"), maximum=maximum),
                                name="localhost")
                other.sendall(b"Hello")
                self.assertEqual(other.recv(100), b"Greetings!")
                for connection in (*held, third, other):
                    connection.close()

    def test_a_reload_keeps_the_counts(self):
        server = self.server("--max-sessions", 8)
        held = self.hold(server, 2)
        server.replace({**COMMANDS, "more": {"reply": "x"}})
        self.assertTurnedAway(server, "client", "its limit of open sessions")
        for session in held:
            self.assertEnded(session.ask("more"), BY_ITSELF, 0)
            session.close()
        self.getsIn(server, "client")
        self.getsIn(server, "client")

    def test_parley_says_why_and_ends_with_253(self):
        server = self.server("--max-sessions", 8)
        self.hold(server, 2)
        run = Run(self, server.port, "true", certs=authority.good())
        self.assertStatus(run, 253)
        self.assertRegex(run.stderr.text, "refused: this identity has reached its limit of open sessions")
        # The refusal comes after the lines were sent, or before there is one.
        for lines in ("true\n" * 3, PIPE):
            with self.subTest(lines):
                batch = Run(self, server.port, options=["--batch"], stdin=lines)
                self.assertStatus(batch, 253)
                self.assertRegex(batch.stderr.text, "(?s)its limit of open sessions.*nothing of the batch")

    def test_what_is_in_force_is_told_by_check(self):
        certs = authority.good()
        def told(*options):
            check = Program(self, [PARLEYD, "check", "--certs", certs, "--client-ca",
                                   certs / "ca.pem", *map(str, options)])
            self.assertStatus(check, 0)
            check.stdout.finish()
            return check.stdout.text
        self.assertIn("Limit: 10000 sessions at once, 2500 per identity, the last 625 reserved for identities that have none.\n",
                      told())
        self.assertIn("Limit: 8 sessions at once, 3 per identity, the last 0 reserved for",
                      told("--max-sessions", 8, "--max-identity-sessions", 3, "--reserved-sessions", 0))
        table = write_table(new_folder() / "commands.json5", COMMANDS, are_roots=False)
        self.assertIn("Limit: 100 programs at once per identity, and 7 starts per second, in bursts of up to 70.\n",
                      told("--commands", table, "--max-identity-starts", 7, *AS_SOMEBODY))
        self.assertIn("Limit: about 40 ms per second for matching one identity's arguments against patterns, in bursts of up to 400 ms.\n",
                      told("--commands", table, *AS_SOMEBODY))
        self.assertIn("Limit: about 3 ms per second for matching", told(
            "--commands", table, "--max-identity-matching", 3, *AS_SOMEBODY))
        self.assertIn("Limit: 9 refused commands per second and identity, in bursts of up to 90; further answers wait.\n",
                      told("--commands", table, "--max-identity-refusals", 9, *AS_SOMEBODY))
        for words in (["--max-sessions", 8, "--reserved-sessions", 8], ["--max-identity-sessions", 0],
                      ["--max-identity-starts", 0], ["--max-identity-matching", 0],
                      ["--max-identity-refusals", 0], ["--max-identity-programs", "x"]):
            check = Program(self, [PARLEYD, "check", "--certs", certs, "--client-ca",
                                   certs / "ca.pem", *map(str, words)])
            self.assertFails(check, 64, words[-2])
        for name in ("--max-identity-sessions", "--reserved-sessions", "--max-identity-programs",
                     "--max-identity-starts", "--max-identity-matching", "--max-identity-refusals"):
            self.assertFails(Program(self, [PARLEYD, "command", "--plaintext", name, "1"]), 64,
                             name, "--client-ca")


class Programs(Shares):

    def run_cat(self, server, name, command="cat"):
        session = server.session(self, name)
        session.run(command)
        session.expect(INPUT_WANTED)
        return session

    def test_programs_of_all_commands_count_for_their_identity(self):
        server = self.server("--max-identity-programs", 3)
        running = [self.run_cat(server, "client", command) for command in ("cat", "other", "cat")]
        for command in ("cat", "other", "true"):
            self.assertRefused(server.session(self).ask(command), BUSY, r"your limit of concurrent programs \(3\)")
        self.assertEnded(server.session(self).ask("Hello"), BY_ITSELF, 0)
        self.assertEnded(server.session(self, "dora").ask("true"), BY_ITSELF, 0)
        # A table that is read again forgets nobody who runs.
        server.replace({**COMMANDS, "more": {"reply": "x"}})
        self.assertRefused(server.session(self).ask("true"), BUSY, "your limit of concurrent programs")
        self.assertEqual({record["limit"] for record in server.records("refusal")},
                         {"--max-identity-programs"})
        for session in running:
            session.send(INPUT_END)
            self.assertEnded(session.outcome(), BY_ITSELF, 0)
        self.assertEnded(server.session(self).ask("true"), BY_ITSELF, 0)

    def test_refusals_have_a_pace_beyond_which_their_answers_wait(self):
        server = self.server("--max-identity-refusals", 1)
        sessions = [server.session(self) for _ in range(2)]
        began = time.monotonic()
        for number in range(12):
            self.assertRefused(sessions[number % 2].ask("nothing"), UNKNOWN)
        # Ten may come at once; the two after them waited for a second each.
        self.assertGreater(time.monotonic() - began, 1.9)
        self.assertEnded(sessions[0].ask("true"), BY_ITSELF, 0)
        # One that leaves while its answer waits leaves nothing.
        sessions[1].run("nothing")
        sessions[1].close()
        self.assertEnded(server.session(self, "dora").ask("true"), BY_ITSELF, 0)
        eventually(lambda: any(record["session"] == 2 for record in server.records("session-end")),
                   "the session is over")

    def test_comparing_arguments_has_a_share(self):
        server = self.server("--max-identity-matching", 1)
        session = server.session(self)
        # Each takes a quarter of a millisecond or more, and ten are there.
        outcomes = [session.ask("dear", "a" * 30_000) for _ in range(80)]
        self.assertRefused(outcomes[0], BAD_ARGUMENT, "does not match")
        self.assertRefused(outcomes[-1], BUSY, "recent arguments took too long", "try again in a few seconds")
        self.assertRefused(server.session(self).ask("dear", "a" * 30_000), BUSY, "recent arguments")
        self.assertEnded(session.ask("true"), BY_ITSELF, 0)
        self.assertEnded(server.session(self, "dora").ask("dear", "0"), BY_ITSELF, 0)
        self.assertEqual({record.get("limit") for record in server.records("refusal") if record["code"] == "busy"},
                         {"--max-identity-matching"})

    def test_starts_have_a_pace_and_fixed_replies_have_none(self):
        server = self.server("--max-identity-starts", 1)
        session = server.session(self)
        outcomes = [session.ask("true") for _ in range(40)]
        refused = [outcome for outcome in outcomes if outcome.code is not None]
        self.assertGreaterEqual(len(outcomes) - len(refused), 10)
        self.assertGreater(len(refused), 0)
        for outcome in refused:
            self.assertRefused(outcome, BUSY, "programs started per second", "try again in a second")
        self.assertEnded(session.ask("Hello"), BY_ITSELF, 0)
        self.assertEnded(session.ask("help"), BY_ITSELF, 0)
        self.assertEnded(server.session(self, "dora").ask("true"), BY_ITSELF, 0)
        self.assertEqual({record["limit"] for record in server.records("refusal")},
                         {"--max-identity-starts"})
