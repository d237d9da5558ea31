# SPDX-License-Identifier: Apache-2.0
"""Who may run what: identity by entry by outcome, and what `help` and `whoami` say of it."""

import os
import re
import shutil
import ssl
import unittest

import authority
from parley1 import BY_ITSELF, NOT_ALLOWED, UNKNOWN
from people import NAMES, USELESS, client, key_identity, serial
from remote import Ended
from remote_server import REPLIES, RemoteServer, RemoteTestCase, program
from strangers import ask, client_context, connect
from support import SCRATCH, Program, Server, TestCase, eventually

EVERYONE = {"client", "alice", *NAMES}
RULES = {
    # The name of an entry: its allow, its deny, and who may run it.
    "anyone": (["anyone"], [], EVERYONE),
    "nobody": (None, None, set()),
    "nobody at all": ([], [], set()),
    "dns": (["dns:dora.example"], [], {"dora", "upper"}),
    "dns in capitals": (["dns:DORA.Example"], [], {"dora", "upper"}),
    "domain in capitals": (["email:emil@EXAMPLE.org"], [], {"emil"}),
    "address in capitals": (["email:Emil@example.org"], [], set()),
    "email": (["email:emil@example.org"], [], {"emil"}),
    "uri": (["uri:spiffe://example.org/uri"], [], {"uri"}),
    "key": (["KEY"], [], {"nameless"}),
    "key of a named one": (["DORA'S KEY"], [], {"dora"}),
    "first of many": (["uri:spiffe://example.org/many"], [], {"many"}),
    "last of many": (["dns:many.example"], [], {"many"}),
    "group": (["team"], [], {"dora", "upper", "emil", "nameless"}),
    "group and one": (["team", "dns:client"], [],
                      {"dora", "upper", "emil", "nameless", "client"}),
    "group but one": (["team"], ["dns:dora.example"], {"emil", "nameless"}),
    "anyone but a group": (["anyone"], ["team"], EVERYONE - {"dora", "upper", "emil", "nameless"}),
    "anyone but a key": (["anyone"], ["KEY"], EVERYONE - {"nameless"}),
    "anyone but another name": (["anyone"], ["email:many@example.org"], EVERYONE - {"many"}),
    "denied to anyone": (["anyone"], ["anyone"], set()),
    "only denied": (None, ["dns:dora.example"], set()),
    "another kind": (["dns:emil.example.org", "email:dora@example", "uri:dns:dora.example"], [],
                     set()),
    "a part": (["dns:example", "dns:dora", "email:emil@example.or", "email:mil@example.org",
                "uri:spiffe://example.org/"], [], set()),
    "a wildcard is a name": (["dns:*.example"], [], {"wildcard"}),
    "common name": (["dns:localhost"], [], set()),
}


def rules():
    """The rules as a table has them; keys are known once there are certificates."""
    keys = {"KEY": key_identity("nameless"), "DORA'S KEY": key_identity("dora")}
    commands = dict(REPLIES)
    commands["peer"] = program("/bin/grep", "-ao", "PARLEY_PEER=[^[:cntrl:]]*",
                               "/proc/self/environ")
    for name, (allow, deny, _) in RULES.items():
        entry = program("/bin/echo", "ran", summary=f"Tries {name}")
        del entry["allow"]
        for key, identities in (("allow", allow), ("deny", deny)):
            if identities is not None:
                entry[key] = [keys.get(identity, identity) for identity in identities]
        commands[name] = entry
    groups = {"team": ["dns:dora.example", "email:emil@example.org", keys["KEY"]]}
    return commands, groups


class Matrix(RemoteTestCase):
    """Each identity at each entry."""

    @classmethod
    def setUpClass(cls):
        cls.COMMANDS, cls.GROUPS = rules()
        super().setUpClass()

    def test_each_identity_runs_what_it_may_and_nothing_else(self):
        for who in sorted(EVERYONE):
            session = self.session(who)
            for name, (_, _, allowed) in RULES.items():
                with self.subTest(who, entry=name):
                    outcome = session.ask(name)
                    if who in allowed:
                        self.assertEnded(outcome, BY_ITSELF, 0)
                        self.assertEqual(outcome.output, b"ran\n")
                    else:
                        self.assertRefused(outcome, NOT_ALLOWED, "help")
            self.assertEqual(session.ask("Hello").lines, ["Greetings!"])

    def test_help_lists_what_each_may_run_and_nothing_else(self):
        for who in sorted(EVERYONE):
            with self.subTest(who):
                lines = self.session(who).ask("help").lines
                parts = [re.split(r" {2,}", line, maxsplit=1) for line in lines]
                usages = {part[0] for part in parts}
                runnable = {name for name, rule in RULES.items() if who in rule[2]}
                self.assertEqual(usages - {"help", "whoami"}, runnable | set(REPLIES) | {"peer"})
                for part in parts:
                    if part[0] in RULES:
                        self.assertEqual(part[1], f"Tries {part[0]}")

    def test_whoami_says_who_the_server_takes_one_for(self):
        key = "key:sha256:" + authority.pin(f"{client('many')}.pem").removeprefix("sha256//")
        self.assertEqual(self.session("many").ask("whoami").lines[:4], [
            "uri:spiffe://example.org/many",
            "names: uri:spiffe://example.org/many email:many@example.org dns:many.example",
            key, f"serial: {serial('many').lower()}"])
        for who, identity in (
                ("dora", "dns:dora.example"), ("emil", "email:emil@example.org"),
                ("wildcard", "dns:*.example"), *((who, key_identity(who)) for who in USELESS)):
            lines = self.session(who).ask("whoami").lines
            self.assertEqual(lines[0], identity)
            self.assertEqual(len(lines), 5)
            self.assertRegex(lines[4], r"^until: \d{4}-\d\d-\d\d")

    def test_programs_and_the_audit_trail_hear_the_same_identity(self):
        for who in sorted(EVERYONE):
            session = self.session(who)
            identity = session.ask("whoami").lines[0]
            self.assertEqual(session.ask("peer").lines, [f"PARLEY_PEER={identity}"])
            self.assertEqual(self.server.end_of(session)["identity"], identity)

    def test_an_unknown_name_is_told_from_one_that_is_not_allowed(self):
        session = self.session()
        for name in ("Anyone", "anyone ", "any", "\n", "../anyone", "\x1b]0;x\x07"):
            self.assertRefused(session.ask(name), UNKNOWN)


class Messages(RemoteTestCase):
    """Message sessions get the table's fixed replies, and never a program."""

    COMMANDS = {
        **REPLIES,
        "Other": {"reply": "another reply"},
        "program": program("/usr/bin/touch", str(SCRATCH / "touched")),
    }

    def assertConversation(self, connection):
        for name, reply in (("Hello", "Greetings!"), ("Other", "another reply"),
                            ("program", "Unknown command."), ("help", "Unknown command."),
                            ("whoami", "Unknown command."), ("nope", "Unknown command."),
                            ("quit", "Closing down")):
            self.assertEqual(ask(connection, name), reply)
        self.assertEqual(connection.recv(1024), b"")

    def test_a_client_without_alpn_gets_the_replies_only(self):
        context = client_context(client("client"))
        self.assertConversation(connect(self, self.server.port, context))
        self.assertFalse((SCRATCH / "touched").exists())

    def test_openssl_gets_the_replies_only(self):
        certificate = client("client")
        stranger = Program(self, [
            "openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{self.server.port}",
            "-CAfile", str(authority.good() / "ca.pem"), "-cert", f"{certificate}.pem",
            "-key", f"{certificate}.key"], stdin="program")
        stranger.stdout.expect("Unknown command.")
        self.assertFalse((SCRATCH / "touched").exists())

    def test_plaintext_gets_a_table_of_replies(self):
        table = self.server.folder / "replies.json5"
        authority.write(table, "{commands: {Hello: {reply: 'Greetings!'}, Other: {reply: "
                               "'another reply'}, quit: {reply: 'Closing down', close: true}}}")
        server = Server(self, "command", "--commands", str(table))
        self.assertConversation(connect(self, server.port))

    def test_clients_without_a_certificate_get_nothing(self):
        with self.assertRaises(OSError):
            ask(connect(self, self.server.port, client_context()), "Hello")


class Configuration(TestCase):
    """A server that could not know who asks does not start with programs."""

    def test_programs_need_client_certificates(self):
        server = RemoteServer(self, {"true": program("/bin/true")})
        certs = authority.good()
        table = ["--commands", server.table]
        self.assertRefusesToStart("command", "--client-ca", certs=certs, options=table)
        self.assertRefusesToStart("command", "plaintext", "--client-ca", options=table)

    def test_a_table_that_others_can_write_is_refused(self):
        server = RemoteServer(self, REPLIES)
        for path, mode, word in ((server.table, 0o620, "chmod g-w"),
                                 (server.table, 0o602, "chmod o-w"),
                                 (server.folder, 0o770, "chmod g-w"),
                                 (server.folder, 0o1777, "others can put files")):
            with self.subTest(path.name, mode=oct(mode)):
                before = os.stat(path).st_mode
                path.chmod(mode)
                self.assertRefusesToStart("command", word, options=["--commands", server.table])
                path.chmod(before)

    def test_a_mistake_in_the_table_is_named_with_its_place(self):
        folder = RemoteServer(self, REPLIES).folder
        for text, place, word in (
                ("{commands: {\n a: {rum: ['/bin/true']}}}", "2:6", "run"),
                ("{commands: {\n a: {run: ['true']}}}", "2:12", "absolute"),
                ("{commands: {\n a: {run: ['/bin/true'], allow: ['any']}}}", "2:34", "any"),
                ("{commands: {", "1:13", "expected")):
            with self.subTest(text):
                table = authority.write(folder / "bad.json5", text)
                self.assertRefusesToStart(
                    "command", f"{table}:{place}: ", word, options=["--commands", table])


class Chains(RemoteTestCase):
    """How much a client may show."""

    COMMANDS = REPLIES

    def test_a_chain_longer_than_is_read_is_refused_and_nobody_else_notices(self):
        other = self.session()
        folder = SCRATCH / "chains"
        folder.mkdir()
        authority_file = (authority.good() / "ca.pem").read_text()
        for extra, is_taken in ((9, True), (10, False), (60, False)):
            path = folder / f"with{extra}"
            path.with_suffix(".pem").write_text(
                client("dora").with_suffix(".pem").read_text() + authority_file * extra)
            shutil.copy(client("dora").with_suffix(".key"), path.with_suffix(".key"))
            with self.subTest(certificates=extra + 1):
                if is_taken:
                    self.assertEqual(self.session(path).ask("Hello").lines, ["Greetings!"])
                    continue
                with self.assertRaises((ssl.SSLError, OSError, Ended)):
                    self.session(path).ask("Hello")
                self.server.stderr.expect("more than 10 certificates|excessive message size")
        self.assertEqual(other.ask("Hello").lines, ["Greetings!"])


class Age(RemoteTestCase):
    """A session may last a while, and no longer."""

    def test_a_session_that_is_too_old_runs_nothing_more_and_a_new_one_does(self):
        server = RemoteServer(
            self, {**REPLIES, "say": program("/bin/echo", "here")}, "--max-session-age", "1.5")
        session = server.session(self)
        self.assertEnded(session.ask("say"), BY_ITSELF, 0)

        def refused():
            return session.ask("say").code is not None
        eventually(refused, "a session that is too old")
        for name in ("say", "Hello"):
            self.assertRefused(session.ask(name), NOT_ALLOWED, "connect again")
        self.assertEnded(server.session(self).ask("say"), BY_ITSELF, 0)


if __name__ == "__main__":
    unittest.main()
