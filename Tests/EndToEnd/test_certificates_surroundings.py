# SPDX-License-Identifier: Apache-2.0
"""scripts/generate-certs among odd folders, other shells, missing tools and failures of openssl."""

import concurrent.futures
import os
import shutil
import unittest

from certificates import (
    BASIC, CANNOT_CREATE, FAILURE, SCRIPT, SIX, TOOLS, USAGE, Case, contents, files,
    generate, leftovers, replaced, run, shims)
from conditions import needs


class Surroundings(Case):
    def test_foldersWithOddNames_work(self):
        for name in ("with space", "-dash", "quote'\"", "$HOME `id` *", "new\nline", "ümläut", "a=b", "#x;y"):
            with self.subTest(name=name):
                result = self.assertDone(generate(name, "--self-signed", cwd=self.folder))
                self.assertEqual(result.stderr, "")
                self.assertEqual(len(files(self.folder / name)), 3)

    def test_environmentDoesNotReachTheCertificates(self):
        (self.folder / "broken.cnf").write_text("openssl_conf = nowhere\n[req\n")
        environment = {**os.environ, "OPENSSL_CONF": str(self.folder / "broken.cnf"), "CDPATH": "/", "IFS": "a",
                       "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "POSIXLY_CORRECT": "1",
                       "SSL_CERT_FILE": "missing", "SSL_CERT_DIR": "missing"}
        result = self.assertDone(generate("certs", "--host", "EXAMPLE.ORG", env=environment, cwd=self.folder))
        self.assertEqual(result.stderr, "")
        self.assertVerified(self.out, "server", "-verify_hostname", "example.org")

    def test_folderBehindALink_isFilledInPlace(self):
        (self.folder / "real").mkdir()
        self.out.symlink_to("real")
        self.make("--self-signed")
        self.make("--self-signed", "--force")
        self.assertTrue(self.out.is_symlink())
        self.assertEqual(len(files(self.folder / "real")), 3)
        self.assertEqual(len(replaced(self.folder / "real")), 1)

    def test_folderThatCannotBeMade_isRefused(self):
        (self.folder / "file").touch()
        for out in (self.folder / "file", self.folder / "file" / "below"):
            self.assertRefused(generate(out), CANNOT_CREATE, str(out))

    def test_missingTool_isNamed(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for name in (*TOOLS, "sh", "openssl"):
            (tools / name).symlink_to(shutil.which(name))
        script = [shutil.which("sh"), SCRIPT, "--out", self.out]
        for name in ("awk", "flock", "openssl"):
            (tools / name).rename(self.folder / name)
            self.assertRefused(run(*script, env={"PATH": str(tools)}), FAILURE, f"command {name} ", str(tools))
            (self.folder / name).rename(tools / name)
        self.assertFalse(self.out.exists())
        self.assertDone(run(*script, "--self-signed", "--force", env={}))

    def test_failureOfOpenSSL_atAnyCall_leavesTheOldSet_andSaysSo(self):
        self.copy()
        before = contents(self.out)
        environment = shims(self.folder / "shims", ["openssl"], (
            '[ "$1" = version ] && exec "$real" "$@"\n'
            'read -r calls <"$COUNT"\necho $((calls + 1)) >"$COUNT"\n'
            '[ "$calls" != "$FAIL_AT" ] || { echo no luck >&2; exit 1; }'))

        def attempt(call):
            out, count = self.folder / f"out {call}", self.folder / f"count {call}"
            shutil.copytree(self.out, out, symlinks=True)
            count.write_text("0\n")
            result = generate(out, "--force", env={**environment, "COUNT": str(count), "FAIL_AT": str(call)})
            return result, contents(out), leftovers(out)

        calls = (0, 1, 3, 7, 12, 18, 25, 60)
        failures = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for result, after, left in pool.map(attempt, calls):
                self.assertEqual(left, [])
                if result.returncode == 0:
                    self.assertEqual(set(after), SIX)
                else:
                    failures += 1
                    self.assertRefused(result, FAILURE, "no luck")
                    self.assertEqual(after, before)
        self.assertGreater(failures, 3)

    def test_eachShellThatIsInstalled_runsTheScript(self):
        for shell in (["dash"], ["busybox", "sh"], ["bash"], ["ksh"], ["mksh"], ["yash"]):
            if shutil.which(shell[0]) is None:
                continue
            with self.subTest(shell=shell):
                out = self.folder / shell[0]
                script = [*shell, SCRIPT, "--out", out]
                shutil.copytree(BASIC, out, symlinks=True)
                self.assertDone(run(*script, "--client", "b=email:b@example.org"))
                self.assertRefused(run(*script, "--client", "b"), CANNOT_CREATE, "b.pem")
                self.assertRefused(run(*script, "--host", "1::2::3"), USAGE, "1::2::3")
                result = self.assertDone(run(*script, "--force", "--self-signed", "--host", "2001:db8::1"))
                self.assertRegex(result.stdout, r"what was replaced:.* b\.key b\.pem")
                self.assertEqual(files(out), {"ca.pem", "server.pem", "server.key"})

    @needs("git")
    def test_gitignore_keepsKeysAndCertificatesOut(self):
        self.copy()
        for name in (".gitignore", "README.md"):
            shutil.copy(SCRIPT.parents[1] / "certs" / name, self.out)
        (self.out / "old-20260301T000000Z").mkdir()
        (self.out / "old-20260301T000000Z" / "ca.key").touch()
        for arguments in (["init", "-q"], ["add", "-A"]):
            self.assertDone(run("git", *arguments, cwd=self.out))
        self.assertEqual(run("git", "ls-files", cwd=self.out).stdout.split(), [".gitignore", "README.md"])


if __name__ == "__main__":
    unittest.main()
