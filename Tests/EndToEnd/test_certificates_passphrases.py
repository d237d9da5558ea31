# SPDX-License-Identifier: Apache-2.0
"""A CA whose key is encrypted: where scripts/generate-certs gets the passphrase, and what it does without."""

import contextlib
import os
import unittest

from certificates import (
    BASIC, FAILURE, USAGE, Case, command_line, contents, generate, leftovers, openssl)
from support import Program

GOOD, BAD = "correct horse \"$HOME\" 'x' \\n", "battery staple"


class Passphrases(Case):
    def given(self, *arguments, passphrase=GOOD + "\n"):
        """A run with the passphrase at a descriptor."""
        reader, writer = os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, reader)
            os.write(writer, passphrase.encode())
            os.close(writer)
            os.dup2(reader, 7, inheritable=True)
            stack.callback(os.close, 7)
            return generate(self.out, *arguments, "--passphrase-fd", "7", pass_fds=[7])

    def at_terminal(self, *arguments, answers):
        program = Program(self, command_line(self.out, *arguments), terminal=True)
        for prompt, answer in answers:
            program.stdout.expect(prompt)
            program.type(answer + "\n")
        status = program.wait()
        for _, answer in answers:
            self.assertNotIn(answer, program.stdout.text, "the passphrase was shown")
        return status, program

    def test_keyIsEncrypted_andEveryStepNeedsThePassphrase(self):
        self.assertDone(self.given("--encrypt"))
        self.assertTrue((self.out / "ca.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        self.assertEqual(openssl("pkey", "-in", self.out / "ca.key", "-passin", f"pass:{GOOD}", "-noout").returncode, 0)
        for step in (["--client", "a"], ["--server", "b"], ["--renew", "a"], ["--revoke", "a"], ["--crl"],
                     ["--renew", "ca"], ["--successor"]):
            before = contents(self.out)
            self.assertRefused(self.given(*step, passphrase=BAD), FAILURE, "passphrase is not that of")
            self.assertRefused(generate(self.out, *step, start_new_session=True), FAILURE, "--passphrase-fd")
            self.assertEqual(contents(self.out), before)
            self.assertEqual(leftovers(self.out), [])
            self.assertDone(self.given(*step))
        # The key of the successor has the same one.
        self.assertTrue((self.out / "ca.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        self.assertDone(generate(self.out, "--list"))
        self.assertDone(self.given("--client", "c"))
        for path in self.out.rglob("*.key"):
            if path.name in ("ca.key", "@previous.key"):
                self.assertIn("ENCRYPTED", path.read_text(), path)

    def test_passphraseAtATerminal_isAskedForTwice_andNotShown(self):
        status, _ = self.at_terminal("--encrypt", answers=[("Passphrase", GOOD), ("same again", BAD)])
        self.assertEqual(status, FAILURE)
        self.assertFalse(self.out.exists())
        status, program = self.at_terminal("--encrypt", answers=[("Passphrase", GOOD), ("same again", GOOD)])
        self.assertEqual(status, 0, program.story)
        status, _ = self.at_terminal("--client", "a", answers=[("Passphrase", BAD)])
        self.assertEqual(status, FAILURE)
        status, program = self.at_terminal("--client", "a", answers=[("Passphrase", GOOD)])
        self.assertEqual(status, 0, program.story)
        self.assertVerified(self.out, "a", "-purpose", "sslclient")

    def test_passphraseThatIsNone_isRefused(self):
        for passphrase, words in (("", "no passphrase"), ("\n", "no passphrase"), ("short\n", "8 to 1000"), ("x" * 1001, "8 to 1000")):
            with self.subTest(passphrase=passphrase[:9]):
                self.assertRefused(self.given("--encrypt", passphrase=passphrase), FAILURE, words)
                self.assertFalse(self.out.exists())
        for descriptor in ("", "x", "10", "-1"):
            self.assertRefused(generate(self.out, "--passphrase-fd", descriptor), USAGE, "--passphrase-fd")
        self.assertRefused(generate(self.out, "--passphrase-fd", "6"), FAILURE, "descriptor 6")

    def test_passphrase_isInNoFile_andNoArgument(self):
        log = self.folder / "arguments"
        tools = self.folder / "tools"
        tools.mkdir()
        shim = tools / "openssl"
        shim.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{log}"\nexec /usr/bin/env PATH="$REAL" openssl "$@"\n')
        shim.chmod(0o755)
        old = dict(os.environ)
        self.addCleanup(os.environ.update, old)
        os.environ.update(REAL=old["PATH"], PATH=f"{tools}:{old['PATH']}")
        self.assertDone(self.given("--encrypt"))
        os.environ.update(old)
        self.assertNotIn(GOOD, log.read_text())
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(GOOD.encode(), path.read_bytes(), path)

    def test_keyWithoutPassphrase_ignoresOne_andEncryptIsForANewCA(self):
        self.copy(BASIC)
        self.assertDone(self.given("--client", "a"))
        self.assertRefused(self.given("--encrypt", "--client", "b"), 73, "--encrypt")
        self.assertRefused(self.given("--encrypt", "--self-signed"), USAGE, "--self-signed")


if __name__ == "__main__":
    unittest.main()
