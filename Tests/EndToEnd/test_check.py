# SPDX-License-Identifier: Apache-2.0
"""parleyd check: what a table allows, and how a mistake in one is told."""

import pathlib
import tempfile

from support import PARLEYD, Program, TestCase

GOOD = """{
  groups: {ops: ["email:o@x"]},
  commands: {
    Hello: {reply: "Greetings!", summary: "Says hello"},
    up: {run: ["/bin/true"], allow: ["anyone"], summary: "SUMMARY"},
    disk: {run: ["/bin/true", "{path}"], arguments: {path: "/.*"}, allow: ["ops"]},
  },
}"""


class Check(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.table = pathlib.Path(folder.name, "commands.json5")
        self.table.write_text(GOOD)

    def check(self, *options):
        return Program(self, [PARLEYD, "check", "--commands", str(self.table), *options])

    def says(self, *options):
        program = self.check(*options)
        self.assertStatus(program, 0)
        self.assertEqual(program.complaints, [])
        program.stdout.finish()
        return program.stdout.text

    def test_a_good_table_is_told_identity_by_identity(self):
        self.assertEqual(self.says(), """\
anyone who may connect:
  Hello  Says hello

anyone whose certificate the client CA signed:
  up  SUMMARY

email:o@x:
  disk {path}
  up           SUMMARY
""")

    def test_one_identity_is_told_alone(self):
        self.assertEqual(self.says("--as", "dns:x"), "dns:x:\n  up  SUMMARY\n")
        self.assertIn("disk {path}", self.says("--as", "dns:x", "--as", "email:o@x"))
        self.table.write_text("{commands: {}}")
        self.assertEqual(self.says("--as", "dns:x"), "dns:x:\n  may run nothing\n")

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
        for options in (["--as", "ip:127.0.0.1"], ["--as", "anyone"], ["--as", ""], ["extra"],
                        ["--as", key, "--as", key], ["--nonsense"], ["--as"]):
            self.assertFails(self.check(*options), 64)
        self.assertFails(Program(self, [PARLEYD, "check"]), 64, "--commands")

    def test_help_is_printed(self):
        self.assertIn("--as IDENTITY", self.says("--help"))
