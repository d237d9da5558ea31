# SPDX-License-Identifier: Apache-2.0
"""parleyd check: what a table allows, and how it reports a mistake."""

import os
import pathlib
import tempfile
import unittest

import authority
from server import AS_NETWORK, AS_SOMEBODY, SOMEBODY
from support import PARLEYD, Program, TestCase

GOOD = """{
  groups: {ops: ["email:o@x"]},
  commands: {
    Hello: {reply: "Greetings!", summary: "Says hello"},
    up: {run: ["/bin/true"], allow: ["anyone"], summary: "SUMMARY"},
    disk: {run: ["/bin/true", "{path}"], arguments: {path: "/.*"}, allow: ["ops"]},
  },
}"""


TABLE_ONLY = "Not checked: certificates, keys and CRLs; give the server's options to check them too.\n"
AS_ROOT = "" if os.geteuid() else (
    "Checked as root: a server that runs as another user may read and run less (check as that user).\n")


class Check(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.table = pathlib.Path(folder.name, "commands.json5")
        self.table.write_text(GOOD)

    def check(self, *options):
        return Program(self, [PARLEYD, "check", *AS_SOMEBODY, "--commands", str(self.table), *options])

    def says(self, *options):
        program = self.check(*options)
        self.assertStatus(program, 0)
        self.assertEqual(program.complaints, [])
        program.stdout.finish()
        text, _, unseen = program.stdout.text.rpartition("\n" + TABLE_ONLY)
        self.assertEqual(unseen, AS_ROOT)
        if "run:" in self.table.read_text():
            text, _, groups = text.rpartition("\nPrograms have ")
            self.assertRegex(groups, r"^(no )?control groups of their own.*\.\n$")
        return text

    def test_limits_of_handshakes_are_told_where_there_are_any(self):
        for options, are_told in ((), False), (("--proxy-from", "192.0.2.0/24"), True):
            program = Program(self, [PARLEYD, "check", "hello", "--plaintext", *AS_NETWORK, *options])
            self.assertStatus(program, 0)
            program.stdout.finish()
            self.assertEqual("(--max-handshakes)" in program.stdout.text, are_told, program.story)
            self.assertEqual(program.stdout.text.count("--max-sessions"), 1, program.story)

    def test_a_good_table_is_told_identity_by_identity(self):
        self.assertEqual(self.says(), """\
anyone who can connect:
  Hello  Says hello

anyone with a certificate from the client CA:
  up  SUMMARY

email:o@x:
  disk {path}
  up           SUMMARY

Programs run as:
""" + f"  disk  {SOMEBODY}\n  up    {SOMEBODY}\n")

    def test_one_identity_is_told_alone(self):
        self.assertEqual(self.says("--as", "dns:x"), f"dns:x:\n  up  SUMMARY\n\nPrograms run as:\n  up  {SOMEBODY}\n")
        self.assertIn("disk {path}", self.says("--as", "dns:x", "--as", "email:o@x"))
        self.table.write_text("{commands: {}}")
        self.assertEqual(self.says("--as", "dns:x"), "dns:x:\n  nothing\n")

    def test_a_long_summary_stays_within_80_columns(self):
        self.table.write_text(GOOD.replace("SUMMARY", "word " * 50))
        self.assertLessEqual(max(map(len, self.says().splitlines())), 80)

    def test_a_mistake_is_told_with_its_place(self):
        self.table.write_text(GOOD.replace("allow", "alow", 1))
        self.assertFails(self.check(), 78, "commands.json5:5:30: .*'alow'.*'allow'")

    def test_a_table_that_others_could_have_written_is_refused(self):
        self.table.chmod(0o666)
        self.assertFails(self.check(), 78, "written by everybody")
        self.table.unlink()
        self.assertFails(self.check(), 78, "there is no")

    def test_wrong_usage_ends_with_64(self):
        key = f"key:sha256:{'A' * 43}="
        pin = "sha256//" + "A" * 43 + "="
        self.assertFails(self.check("--as", pin), 64, f"did you mean '{key}'")
        for options in (["--as", "ip:127.0.0.1"], ["--as", "dns:a "], ["--as", "anyone"], ["--as", ""], ["extra"],
                        ["--as", key, "--as", key], ["--nonsense"], ["--as"]):
            self.assertFails(self.check(*options), 64)
        self.assertFails(Program(self, [PARLEYD, "check"]), 64, "--commands")

    def test_help_is_printed(self):
        program = self.check("--help")
        self.assertStatus(program, 0)
        program.stdout.expect("--as IDENTITY")

    def test_what_may_not_be_meant_is_warned_of(self):
        self.table.write_text("""{commands: {
 a: {run: ["/bin/true"]},
 b: {run: ["/bin/true", "{s}"], arguments: {s: {pattern: "x", secret: true}}, allow: ["anyone"]},
 c: {run: ["/bin/true"], allow: ["anyone"], deny: ["email:bad@x"]},
 d: {run: ["/no/such/program"], allow: ["anyone"], optional: true},
}}""")
        for options in ([], ["--quiet"]):
            program = self.check(*options)
            self.assertStatus(program, 0)
            places = [line.split("commands.json5")[1].split(" ")[0] for line in program.complaints]
            self.assertEqual(places, [":2:2:", ":3:25:", ":4:51:", ":5:12:"])
            for line in program.complaints:
                self.assertTrue(line.startswith("parleyd: warning: "), line)
            program.stdout.finish()
            self.assertEqual(program.stdout.text == "", bool(options))

    def test_a_pin_is_told_as_the_key_that_a_table_takes(self):
        key = "A" * 43 + "="
        self.table.write_text('{commands: {c: {run: ["/bin/true"], allow: ["sha256//%s"]}}}' % key)
        self.assertFails(self.check(), 78, ":1:45: ", f"did you mean 'key:sha256:{key}'")


class WholeServer(TestCase):
    """With a server's options, it fails where a start would, and a reload."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.table = authority.write(self.folder / "commands.json5", GOOD)
        self.certs = authority.good()
        self.good = {
            "certs": self.certs, "client-ca": self.certs / "ca.pem", "commands": self.table}

    def check(self, *words, **changes):
        options = {**self.good, **{name.replace("_", "-"): to for name, to in changes.items()}}
        given = [word for name, value in options.items() if value
                 for word in (f"--{name}", str(value))]
        somebody = [] if "hello" in words else AS_SOMEBODY
        return Program(self, [PARLEYD, "check", "--quiet", *words, *somebody, *given])

    def test_good_files_are_good(self):
        for program in (
                self.check(), self.check("command"), self.check(audit="-"),
                self.check(crl=authority.bad() / "crl.pem"),
                self.check("command", host="::1", port=0, audit=self.folder / "audit"),
                self.check("hello", commands=None), self.check(commands=None)):
            self.assertStatus(program, 0)
            self.assertEqual(program.complaints, [])
            program.stdout.finish()
            self.assertEqual(program.stdout.text, "")
        # It leaves nothing behind that another user's server could not open.
        self.assertFalse((self.folder / "audit").exists())

    def test_what_a_start_refuses_is_refused(self):
        bad = authority.bad()
        for word, changes in (
                ("expired", {"cert": bad / "expired.pem", "key": bad / "expired.key"}),
                ("does not match", {"key": bad / "expired.key"}),
                ("missing.pem", {"client_ca": self.folder / "missing.pem"}),
                ("missing.pem", {"crl": self.folder / "missing.pem"}),
                ("missing.pem", {"cert": self.folder / "missing.pem"}),
                ("--client-ca", {"client_ca": None}),
                ("audit", {"audit": self.folder / "missing" / "audit"})):
            with self.subTest(word=word, changes=changes):
                self.assertFails(self.check(**changes), 78, word)
        self.table.write_text("{")
        self.assertFails(self.check(), 78, "commands.json5:1:2: ")

    def test_the_key_log_is_looked_at_and_not_made(self):
        path = self.folder / "keys.log"
        program = self.check(keylog=path)
        self.assertStatus(program, 0)
        self.assertEqual(len(program.complaints), 1)
        self.assertIn("session secrets", program.complaints[0])
        self.assertFalse(path.exists())
        self.assertFails(self.check(keylog=self.folder / "missing" / "keys.log"), 78, "the key log .*missing")
        authority.write(path, "before").chmod(0o644)
        self.assertFails(self.check(keylog=path), 78, "the key log .*can be read by others")
        self.assertEqual(path.read_text(), "before")

    def test_what_a_start_warns_of_is_warned_of(self):
        both = authority.write(self.folder / "cas.pem", "".join(
            (folder / "ca.pem").read_text() for folder in (self.certs, authority.good("other"))))
        program = self.check(client_ca=both, crl=authority.bad() / "crl.pem")
        self.assertStatus(program, 0)
        self.assertEqual(len(program.complaints), 1)
        self.assertRegex(program.complaints[0], "^parleyd: warning: .*crl.pem has no CRL of the CA ")

    def test_what_was_not_seen_is_said(self):
        program = Program(self, [PARLEYD, "check", *AS_SOMEBODY, *(
            word for name, value in self.good.items() for word in (f"--{name}", str(value)))])
        self.assertStatus(program, 0)
        program.stdout.finish()
        self.assertNotIn("Not checked", program.stdout.text)
        self.assertEqual("Checked as root" in program.stdout.text, os.geteuid() == 0)

    def test_a_server_is_told_by_its_own_options(self):
        self.assertFails(self.check("nonsense"), 64, "nonsense")
        self.assertFails(self.check(host="x:1"), 64, "--host")


if __name__ == "__main__":
    unittest.main()
