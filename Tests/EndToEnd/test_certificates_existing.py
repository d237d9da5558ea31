# SPDX-License-Identifier: Apache-2.0
"""What scripts/generate-certs adds to an existing set, replaces in it, and leaves alone."""

import os
import shutil
import stat
import time
import unittest

from authority import issue_ca, pin
from certificates import (
    BASIC, CANNOT_CREATE, DAY, FAILURE, SHARED, SIX, Case, contents, extension, files, generate,
    leftovers, lifetime, openssl, replaced, shims)


class Existing(Case):
    def test_secondRun_isRefused_andChangesNothing(self):
        self.copy()
        before = contents(self.out)
        for arguments, word in (([], "--client"), (["--self-signed"], "--out"), (["--days", "5"], "--client")):
            # These ask for a whole set, which --force replaces and keeps.
            self.assertRefused(generate(self.out, *arguments), CANNOT_CREATE, "--force", "beside", word)
        for arguments in (["--host", "example.org"], ["--host", "localhost"], ["--client", "a", "--host", "b"]):
            result = generate(self.out, *arguments)
            self.assertRefused(result, CANNOT_CREATE, "--renew server")
            self.assertNotIn("--force", result.stderr)
        self.assertEqual(contents(self.out), before)
        self.assertEqual(leftovers(self.out), [])

    def test_singleFileOfASet_isNotOverwritten(self):
        for name in sorted(SIX):
            out = self.folder / name
            out.mkdir()
            (out / name).write_text("mine")
            self.assertRefused(generate(out), CANNOT_CREATE, name, "--force")
            self.assertEqual(os.listdir(out), [name])
            self.assertEqual((out / name).read_text(), "mine")

    def test_force_replacesAll_andKeepsAllThatItReplaces_withItsModes(self):
        self.copy()
        before = contents(self.out)
        result = self.make("--force", "--client", "both", "--client", "new")
        after = contents(self.out)
        self.assertEqual(set(after), {name for name in SIX if "client" not in name} | {
            "both.pem", "both.key", "new.pem", "new.key"})
        self.assertEqual({name for name in after if after[name] == before.get(name)}, set())
        self.assertEqual(replaced(self.out), [before])
        kept, = self.out.glob("old-*")
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o700)
        self.assertIn(f"{kept}\n    what was replaced: {' '.join(sorted(before))}\n", result.stdout)
        for name in ("server", "both", "new"):
            self.assertVerified(self.out, name)

    def test_force_neverTouchesWhatAnEarlierOneKept(self):
        # Several in one second, so that their folders would have one name.
        environment = shims(self.folder / "shims", ["date"], (
            'case $* in *T*) echo 20260301T000000Z; exit ;; esac'))
        sets = []
        for _ in range(4):
            self.make("--self-signed", "--force", env=environment)
            sets.append(contents(self.out))
        self.assertEqual({path.name for path in self.out.glob("old-*")}, {
            f"old-20260301T000000Z-{step}" for step in (1, 2, 3)})
        self.assertEqual(replaced(self.out), sets[:-1])

    def test_force_leavesFilesOfOthersAlone(self):
        self.copy()
        for name in ("README.md", ".gitignore", "other.pem", "other.key", "odd name.pem"):
            (self.out / name).write_text(name)
        shutil.copy(SHARED / "alice.pem", self.out / "alice.pem")
        (self.out / "link.pem").symlink_to("other.pem")
        (self.out / "folder.pem").mkdir()
        self.make("--force")
        self.assertEqual(files(self.out) - SIX, {
            "README.md", ".gitignore", "other.pem", "other.key", "odd name.pem", "alice.pem", "link.pem", "folder.pem"})
        self.assertEqual(os.readlink(self.out / "link.pem"), "other.pem")

    def test_force_refusesToReplaceWhatIsNoFile(self):
        self.copy()
        before = contents(self.out)
        (self.out / "alice.key").mkdir()
        self.assertRefused(generate(self.out, "--force", "--client", "alice"), CANNOT_CREATE, "alice.key")
        (self.out / "alice.key").rmdir()
        self.assertEqual(contents(self.out), before)
        self.assertEqual(leftovers(self.out), [])

    def test_furtherClient_isAddedToTheSameCA_andTouchesNoOtherFile(self):
        self.copy()
        before = {name: os.lstat(self.out / name) for name in files(self.out)}
        result = self.make("--client", "b", "--client=c=uri:spiffe://example.org/c", "--days", "30")
        after = {name: os.lstat(self.out / name) for name in files(self.out)}
        self.assertEqual(set(after) - set(before), {"b.pem", "b.key", "c.pem", "c.key"})
        for name, status in before.items():
            self.assertEqual((after[name].st_ino, after[name].st_mtime_ns, after[name].st_mode),
                             (status.st_ino, status.st_mtime_ns, status.st_mode), name)
        for name in ("b", "c"):
            self.assertVerified(self.out, name, "-purpose", "sslclient")
            start, end = lifetime(self.out / f"{name}.pem")
            self.assertEqual(end - start, 30 * DAY)
        self.assertIn(pin(self.out / "b.pem"), result.stdout)
        self.assertNotIn(pin(self.out / "both.pem"), result.stdout)

    def test_clientThatIsThere_isNotOverwritten(self):
        self.copy()
        (self.out / "b.key").write_text("mine")
        before = contents(self.out)
        for name in ("both", "b", "client"):
            result = generate(self.out, "--client", name)
            self.assertRefused(result, CANNOT_CREATE, f"{name}.", "away" if name == "b" else f"--renew {name}")
            self.assertNotIn("--force", result.stderr)
        self.assertRefused(generate(self.out, "--client", "new", "--client", "both"), CANNOT_CREATE, "both.pem")
        self.assertEqual(contents(self.out), before)

    def test_clientFileOfOthersInANewFolder_isNotOverwritten(self):
        self.out.mkdir()
        (self.out / "alice.key").write_text("mine")
        self.assertRefused(generate(self.out, "--client", "alice"), CANNOT_CREATE, "alice.key")
        self.assertEqual(os.listdir(self.out), ["alice.key"])

    def test_clientThatWasMovedAway_isMadeAnewUnderTheSameCA(self):
        self.copy()
        for name in ("both.pem", "both.key"):
            (self.out / name).unlink()
        self.make("--client", "both")
        self.assertVerified(self.out, "both", "-purpose", "sslclient")

    def test_serverThatWasMovedAway_isMadeAgainUnderTheSameCA_forTheHostsThatAreAskedFor(self):
        self.copy()
        for name in ("server.pem", "server.key"):
            (self.out / name).unlink()
        before = contents(self.out)
        self.make("--host", "web2.example.org", "--client", "new", "--days", "30")
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", "web2.example.org")
        self.assertEqual(extension(self.out / "server.pem", "Subject Alternative Name"), (False, "DNS:web2.example.org"))
        start, end = lifetime(self.out / "server.pem")
        self.assertEqual(end - start, 30 * DAY)
        after = contents(self.out)
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertEqual(set(after) - set(before), {"server.pem", "server.key", "new.pem", "new.key"})

    def test_folderWithTheCAAlone_signsClientsAndServers(self):
        self.out.mkdir()
        for name in ("ca.pem", "ca.key"):
            shutil.copy2(SHARED / name, self.out)
        self.make("--client", "a")
        self.assertEqual(files(self.out), {"ca.pem", "ca.key", "a.pem", "a.key"})
        self.make("--host", "example.org")
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", "example.org")

    def test_addingAClient_withoutAWorkingCA_saysWhatIsWrong(self):
        def lacking(name):
            return lambda out: (out / name).unlink()

        def holding(name, source):
            def change(out):
                (out / name).unlink()
                (out / name).write_bytes(source)
            return change

        encrypted = openssl("pkey", "-in", BASIC / "ca.key", "-aes128", "-passout", "pass:secret").stdout.encode()
        other = (BASIC / "server.key").read_bytes()
        for number, (change, words) in enumerate((
            (lacking("ca.key"), ["ca.key is missing"]),
            (lacking("ca.pem"), ["ca.pem is missing"]),
            (holding("ca.key", other), ["ca.key does not match"]),
            (holding("ca.key", encrypted), ["encrypted", "--passphrase-fd"]),
            (holding("ca.key", b""), ["ca.key"]),
            (holding("ca.pem", b"nonsense"), ["ca.pem has no certificate"]),
        )):
            with self.subTest(words=words):
                out = self.folder / str(number)
                shutil.copytree(BASIC, out, symlinks=True)
                change(out)
                before = contents(out)
                for arguments in (["--client", "new"], ["--host", "a", "--client", "new"]):
                    if "--host" in arguments:
                        (out / "server.key").unlink(missing_ok=True)
                        (out / "server.pem").unlink(missing_ok=True)
                        before = contents(out)
                    result = generate(out, *arguments)
                    self.assertRefused(result, FAILURE, *words)
                    self.assertNotIn("--force", result.stderr)
                self.assertEqual(contents(out), before)
                self.assertEqual(leftovers(out), [])

    def make_ca(self, days):
        """A CA that expires in that many days."""
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY))
        self.out.mkdir()
        issue_ca(self.out, "ca", end=end)

    def test_expiredCA_signsNothing(self):
        self.make_ca(days=-1)
        result = generate(self.out, "--client", "a")
        self.assertRefused(result, FAILURE, "expired on", "--out")
        self.assertNotIn("--force", result.stderr)

    def test_clientNeverOutlivesItsCA(self):
        self.make_ca(days=100)
        self.assertRefused(generate(self.out, "--client", "a", "--days", "101"), FAILURE, "expires on", "--days")
        self.make("--client", "a")
        self.assertEqual(lifetime(self.out / "a.pem")[1], lifetime(self.out / "ca.pem")[1])
        self.make("--client", "b", "--days", "98")
        self.assertLess(lifetime(self.out / "b.pem")[1], lifetime(self.out / "ca.pem")[1])


class SelfSigned(Case):
    def test_certificateIsItsOwnAnchor_forEachHost(self):
        result = self.make("--self-signed", "--host", "example.org", "--host", "192.0.2.1", "--days", "30")
        self.assertEqual(files(self.out), {"ca.pem", "server.pem", "server.key"})
        self.assertEqual((self.out / "ca.pem").read_bytes(), (self.out / "server.pem").read_bytes())
        for host in (["-verify_hostname", "example.org"], ["-verify_ip", "192.0.2.1"]):
            self.assertVerified(self.out, "server", "-purpose", "sslserver", *host)
        self.assertEqual(extension(self.out / "server.pem", "Basic Constraints")[1], "CA:FALSE")
        self.assertEqual(extension(self.out / "server.pem", "Key Usage")[1], "Digital Signature")
        self.assertEqual(extension(self.out / "server.pem", "Extended Key Usage")[1], "TLS Web Server Authentication")
        start, end = lifetime(self.out / "server.pem")
        self.assertEqual(end - start, 30 * DAY)
        self.assertIn(pin(self.out / "server.pem"), result.stdout)

    def test_selfSignedSet_takesNoClients(self):
        self.make("--self-signed")
        self.assertRefused(generate(self.out, "--client", "a"), FAILURE, "self-signed", "--out")

    def test_force_turnsOneKindOfSetIntoTheOther(self):
        self.copy()
        self.make("--self-signed", "--force")
        self.assertEqual(files(self.out), {"ca.pem", "server.pem", "server.key"})
        self.make("--force")
        self.assertEqual(files(self.out), SIX)
        self.assertVerified(self.out, "client", "-purpose", "sslclient")


if __name__ == "__main__":
    unittest.main()
