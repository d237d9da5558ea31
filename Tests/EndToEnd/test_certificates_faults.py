# SPDX-License-Identifier: Apache-2.0
"""Keys, requests, copies and disks that scripts/generate-certs cannot work with: what it says of each, or does instead."""

import fcntl
import os
import shutil
import subprocess
import unittest

from authority import issue
from certificates import (
    BASIC, BOOKS, CANNOT_CREATE, FAILURE, USAGE, Case, command_line, contents, generate, openssl, run, serial,
    state, verify)


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.copy()

    def list(self):
        """The state, serial number and name of each certificate on record."""
        lines = self.assertDone(generate(self.out, "--list")).stdout.splitlines()
        return [(words[0], words[3], words[4]) for words in map(str.split, lines) if words[0] != "crl"]

    def key(self, kind):
        path = self.folder / "hostile.key"
        if kind == "DSA":
            self.assertDone(openssl("dsaparam", "-genkey", "-noout", "-out", path, "2048"))
        else:
            self.assertDone(openssl("genpkey", "-algorithm", *kind.split(), "-out", path))
        return path

    def request(self, key, *arguments):
        csr = self.folder / "hostile.csr"
        self.assertDone(openssl("req", "-new", "-key", key, "-subj", "/CN=x", *arguments, "-out", csr))
        return csr

    def test_certificatePutThereLater_isRenewed_andRevoked(self):
        issue(self.folder, "late", authority=self.out, names="DNS:late")
        for step in (["--renew", "late"], ["--revoke", "late"]):
            out = self.folder / step[0]
            shutil.copytree(self.out, out, symlinks=True)
            for name in ("late.pem", "late.key"):
                shutil.copy(self.folder / name, out)
            self.assertIn("late  dns:late", generate(out, "--list").stdout)
            self.assertDone(generate(out, *step))
        self.assertNotEqual(serial(self.folder / "--renew" / "late.pem"), serial(self.folder / "late.pem"))
        revoked = verify(self.folder / "--revoke", "late", "-crl_check", "-CRLfile", self.folder / "--revoke" / "crl.pem")
        self.assertIn("revoked", revoked.stderr)

    def test_aNewCA_hasNothingOfTheOldOnesRecord(self):
        self.make("--revoke", "both")
        old = serial(self.out / "both.pem")
        self.make("--force", "--client", "new")
        self.assertEqual(sorted((kind, name) for kind, _, name in self.list()),
                         [("valid", "ca"), ("valid", "new"), ("valid", "server")])
        self.make("--crl")
        text = openssl("crl", "-in", self.out / "crl.pem", "-noout", "-text").stdout
        self.assertNotIn(old, text)
        self.assertIn("No Revoked Certificates", text)

    def test_namesThatAnEarlierVersionKeptApart_areTakenOver(self):
        """Its index did not have them, and each certificate was kept by its serial number."""
        record = state(self.out) / "index.txt"
        rows = [line.split("\t") for line in record.read_text().splitlines()]
        names = [(row[3], row[4].split()[0]) for row in rows]
        record.write_text("".join("\t".join([*row[:4], "unknown", row[5]]) + "\n" for row in rows))
        (state(self.out) / "names").write_text("".join(f"{number} {name}\n" for number, name in names))
        (self.out / BOOKS / "certs").mkdir()
        for number, name in names:
            shutil.copy(self.out / f"{name}.pem", self.out / BOOKS / "certs" / f"{number}.pem")
        self.assertIn("both  dns:both", generate(self.out, "--list").stdout)
        self.make("--renew", "both")
        self.make("--revoke", "both")
        self.assertEqual([name for kind, _, name in self.list() if kind == "revoked"], ["both", "both"])
        self.assertFalse((state(self.out) / "names").exists())

    def test_list_holdsNoLock_andStepsGoOnMeanwhile(self):
        with open(self.out / BOOKS / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertTrue(self.list())

    def test_requestSignedWithSHA1_inAnyForm_isRefused(self):
        rsa = self.key("RSA -pkeyopt rsa_keygen_bits:2048")
        for options in (["-sha1"], ["-sha1", "-sigopt", "rsa_padding_mode:pss"], ["-md5"]):
            with self.subTest(options):
                csr = self.request(rsa, *options)
                self.assertRefused(generate(self.out, "--sign", csr, "--client", "weak"), FAILURE, "SHA-1")
        csr = self.request(rsa, "-sha256", "-sigopt", "rsa_padding_mode:pss")
        self.make("--sign", csr, "--client", "strong")

    def test_keyThatTLSDoesNotAccept_isNeitherSigned_norRequested(self):
        before = contents(self.out)
        for kind in ("EC -pkeyopt ec_paramgen_curve:secp256k1", "RSA -pkeyopt rsa_keygen_bits:1024", "DSA",
                     "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"):
            with self.subTest(kind):
                key = self.key(kind)
                csr = self.request(key, "-sha256", "-addext", "nsComment=ASN1 OID: prime256v1")
                refused = generate(self.out, "--sign", csr, "--client", "weak")
                self.assertRefused(refused, FAILURE, "too weak", "P-256")
                machine = self.folder / "machine"
                machine.mkdir(exist_ok=True)
                shutil.copy(key, machine / "theirs.key")
                self.assertRefused(generate(machine, "--request", "theirs"), FAILURE, "too weak", "theirs.key")
                self.assertEqual(os.listdir(machine), ["theirs.key"])
        self.assertEqual(contents(self.out), before)

    def test_encryptedKey_isNotRequestedFor(self):
        machine = self.folder / "machine"
        machine.mkdir()
        self.assertDone(openssl("genpkey", "-algorithm", "ED25519", "-aes256", "-pass", "pass:secret",
                                "-out", machine / "theirs.key"))
        self.assertRefused(generate(machine, "--request", "theirs"), FAILURE, "theirs.key is encrypted", "openssl pkey")
        self.assertEqual(os.listdir(machine), ["theirs.key"])

    def test_copyWithoutItsLinks_isToldSo(self):
        out = self.folder / "flat"
        subprocess.run(["cp", "-rL", self.out, out], check=True)
        for step in (["--list"], ["--crl"], ["--client", "new"]):
            self.assertRefused(generate(out, *step), CANNOT_CREATE, "without its links", "cp -a")

    def test_selfSignedSet_ofAServerWithAnotherName_isToldSo(self):
        out = self.folder / "alone"
        self.assertDone(generate(out, "--self-signed", "--server", "web"))
        self.assertRefused(generate(out, "--client", "a"), FAILURE, "self-signed")

    def test_descriptorsThatTheScriptUses_carryAPassphrase_orAreRefused(self):
        secret = self.folder / "passphrase"
        secret.write_text("correct horse\n")
        for number in ("0", "3", "6", "8", "9"):
            with self.subTest(number):
                out = self.folder / f"of {number}"
                self.assertDone(run("sh", "-c", f'exec "$@" {number}<"$0"', secret,
                                    *command_line(out, "--encrypt", "--passphrase-fd", number)))
                self.assertIn("ENCRYPTED", (out / "ca.key").read_text())
        for number in ("1", "2"):
            self.assertRefused(generate(self.out, "--crl", "--passphrase-fd", number), USAGE, "3 to 9")

    def test_linkToAKeyElsewhere_isNotReplacedByACopy(self):
        elsewhere = self.folder / "elsewhere.key"
        shutil.copy(self.out / "ca.key", elsewhere)
        (self.out / "ca.key").unlink()
        (self.out / "ca.key").symlink_to(elsewhere)
        self.make("--client", "a")
        self.assertEqual(os.readlink(self.out / "ca.key"), str(elsewhere))

    def test_crlWithAHugeNumber_isFollowedByAHigherOne(self):
        tool = self.folder / "tool"
        tool.mkdir()
        (tool / "index.txt").touch()
        number = "7F" * 15
        (tool / "crlnumber").write_text(number + "\n")
        (tool / "ca.cnf").write_text(
            f"[ca]\ndefault_ca = x\n[x]\ndatabase = {tool}/index.txt\ncrlnumber = {tool}/crlnumber\n"
            "default_md = sha256\ndefault_crl_days = 30\n")
        out = self.folder / "taken"
        out.mkdir()
        for name in ("ca.pem", "ca.key"):
            shutil.copy(BASIC / name, out)
        self.assertDone(openssl("ca", "-config", tool / "ca.cnf", "-keyfile", BASIC / "ca.key", "-cert",
                                BASIC / "ca.pem", "-gencrl", "-out", out / "crl.pem"))
        self.assertDone(generate(out, "--crl"))
        said = openssl("crl", "-in", out / "crl.pem", "-noout", "-crlnumber").stdout
        self.assertGreater(int(said.strip().partition("=")[2], 16), int(number, 16))

    @unittest.skipUnless(os.geteuid() == 0, "only root mounts")
    def test_fullFileSystem_isNamedAsTheCause(self):
        mount = self.folder / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", mount], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        out = mount / "pki"
        shutil.copytree(self.out, out, symlinks=True)
        space = os.statvfs(mount)
        for left in (0, 2, 5, 8):
            with self.subTest(left):
                (mount / "filler").write_bytes(b"x" * max(0, (space.f_bavail - left) * space.f_bsize))
                self.assertRefused(generate(out, "--client", "new"), CANNOT_CREATE, "No space left")
                (mount / "filler").unlink()


if __name__ == "__main__":
    unittest.main()
