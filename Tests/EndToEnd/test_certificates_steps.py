# SPDX-License-Identifier: Apache-2.0
"""What scripts/generate-certs does with a set later: renews, revokes, lists, and follows its CA with another."""

import os
import re
import shutil
import subprocess
import time
import unittest
import unittest.mock

from authority import issue_ca
from certificates import (
    BASIC, BOOKS, CANNOT_CREATE, DAY, FAILURE, SCRIPT, USAGE, Case, books, contents, extension, field, generate,
    leftovers, lifetime, openssl, public_key, replaced, serial, state, verify)


class Steps(Case):
    def setUp(self):
        super().setUp()
        self.copy()

    def refuse(self, *arguments, status=FAILURE, words=()):
        """Refused, and nothing is other than before."""
        before, record = contents(self.out), books(self.out)
        with self.subTest(arguments=arguments):
            self.assertRefused(generate(self.out, *arguments), status, *words)
            self.assertEqual((contents(self.out), books(self.out)), (before, record))
            self.assertEqual(leftovers(self.out), [])

    def list(self, directory=None):
        """The state, serial number and name of each certificate on record."""
        lines = self.assertDone(generate(directory or self.out, "--list")).stdout.splitlines()
        return [(words[0], words[3], words[4]) for words in map(str.split, lines) if words[0] != "crl"]

    def revoked(self, name, crl="crl.pem"):
        result = verify(self.out, name, "-crl_check", "-CRLfile", self.out / crl)
        self.assertIn(result.returncode, (0, 2), result.stderr)
        return "revoked" in result.stderr


class Servers(Steps):
    def test_furtherServer_hasFilesOfItsOwn_andItsNameAsItsHost(self):
        before = contents(self.out)
        self.make("--server", "web2.example.org")
        self.make("--server", "web3", "--host", "three.example.org", "--host", "192.0.2.3", "--client", "more")
        for name, host in (("web2.example.org", "web2.example.org"), ("web3", "three.example.org")):
            self.assertVerified(self.out, name, "-purpose", "sslserver", "-verify_hostname", host)
            self.assertNotIn("localhost", extension(self.out / f"{name}.pem", "Subject Alternative Name")[1])
        after = contents(self.out)
        self.assertEqual({name: after[name] for name in before}, before)

    def test_serverThatIsThere_orIsNoName_isRefused(self):
        self.refuse("--server", "server", status=CANNOT_CREATE, words=["--renew server"])
        self.refuse("--server", "client", status=USAGE, words=["--server"])
        self.refuse("--server", "a", "--client", "A", status=USAGE, words=["both"])
        self.refuse("--server", "a", "--server", "b", status=USAGE, words=["twice"])
        self.refuse("--server", "under_score_", "--host", "a b", status=USAGE)


class Renewal(Steps):
    def test_renewal_keepsIdentityAndKey_andTheOldFileAside(self):
        self.make("--client", "zoe=email:zoe@example.org", "--days", "30")
        before = contents(self.out)
        for name in ("server", "zoe"):
            path = self.out / f"{name}.pem"
            old = (public_key(path), extension(path, "Subject Alternative Name"), extension(path, "Extended Key Usage"),
                   field(path, "subject"))
            number = serial(path)
            self.make("--renew", name)
            self.assertEqual(old, (
                public_key(path), extension(path, "Subject Alternative Name"), extension(path, "Extended Key Usage"),
                field(path, "subject")))
            self.assertNotEqual(serial(path), number)
            start, end = lifetime(path)
            self.assertEqual(end - start, 825 * DAY)
        after = contents(self.out)
        self.assertEqual({name for name in before if before[name] != after[name]}, {"server.pem", "zoe.pem"})
        self.assertEqual([set(each) for each in replaced(self.out)], [{"server.pem"}, {"zoe.pem"}])

    def test_newKey_isOne(self):
        old = contents(self.out)
        self.make("--renew", "client", "--new-key", "--days", "7")
        new = contents(self.out)
        self.assertNotEqual(old["client.key"], new["client.key"])
        self.assertEqual(extension(self.out / "client.pem", "Subject Alternative Name"), (False, "DNS:client"))
        self.assertVerified(self.out, "client", "-purpose", "sslclient")
        kept, = replaced(self.out)
        self.assertEqual(kept, {name: old[name] for name in ("client.pem", "client.key")})

    def test_whatCannotBeRenewed_isSaid(self):
        self.refuse("--renew", "nobody", words=["nobody.pem", "--list"])
        self.refuse("--renew", "nobody", "--renew", "client", status=USAGE, words=["twice"])
        self.refuse("--renew", "ca", "--new-key", status=USAGE, words=["--successor"])
        self.refuse("--renew", "../client", status=USAGE, words=["--renew"])
        self.refuse("--renew", "client", "--host", "a", status=USAGE, words=["--host"])
        (self.out / "client.key").unlink()
        self.refuse("--renew", "client", words=["client.key", "--new-key"])
        shutil.copy(self.out / "server.key", self.out / "client.key")
        self.refuse("--renew", "client", words=["another key"])

    def test_revokedCertificate_isNotRenewed_butItsNameCanBeGivenAgain(self):
        self.make("--revoke", "both")
        self.refuse("--renew", "both", words=["was revoked"])
        old = (self.out / "both.key").read_bytes()
        self.make("--client", "both=email:both@example.org")
        self.assertNotEqual((self.out / "both.key").read_bytes(), old)
        self.assertFalse(self.revoked("both"))

    def test_setOfAnEarlierVersion_isTakenOver(self):
        out = self.folder / "earlier"
        shutil.copytree(BASIC, out, ignore=shutil.ignore_patterns(BOOKS))
        (out / "other.pem").write_text("not a certificate")
        (out / "mine.txt").write_text("mine")
        before = contents(out)
        for step in (["--list"], ["--renew", "both"], ["--revoke", "gone"], ["--client", "more"]):
            copy = self.folder / step[0]
            shutil.copytree(out, copy)
            self.assertDone(generate(copy, *step))
            after = contents(copy)
            touched = {"both.pem"} if step[0] == "--renew" else set()
            self.assertEqual({name: after[name] for name in set(before) - touched},
                             {name: before[name] for name in set(before) - touched})
            names = {name for _, _, name in self.list(copy)}
            self.assertLessEqual({"server", "client", "both", "gone"}, names)
            self.assertEqual(leftovers(copy), [])
        self.assertEqual({state for state, _, name in self.list(self.folder / "--revoke") if name == "gone"}, {"revoked"})


class Revocation(Steps):
    def test_revokedName_isOnTheList_withAllItsCertificates_untilDue(self):
        first = serial(self.out / "both.pem")
        self.make("--renew", "both")
        result = self.make("--revoke", "both")
        for number in (first, serial(self.out / "both.pem")):
            self.assertIn(number, result.stdout)
        self.assertTrue(self.revoked("both"))
        self.assertFalse(self.revoked("client"))
        said = openssl("crl", "-in", self.out / "crl.pem", "-noout", "-text").stdout
        self.assertEqual(said.count("Serial Number:"), 2)
        self.assertIn("X509v3 CRL Number", said)
        self.assertIn("Signature Algorithm: ecdsa-with-SHA256", said)

    def test_serialNumber_inAnyForm_revokesThatOneAlone(self):
        number = serial(self.out / "both.pem")
        self.make("--renew", "both")
        with_colons = ":".join(re.findall("..", number.lower()))
        self.make("--revoke", with_colons)
        self.assertEqual([one for one in self.list() if one[0] == "revoked"], [("revoked", number, "both")])
        self.assertFalse(self.revoked("both"))

    def test_namesThatAreTheSameNumber_areTwo(self):
        self.make("--client", "1e3", "--client", "1000")
        self.make("--revoke", "1e3")
        self.assertTrue(self.revoked("1e3"))
        self.assertFalse(self.revoked("1000"))

    def test_nameOrSerialThatDoesNotExist_orIsRevoked_isRefused(self):
        self.make("--revoke", "both")
        number = serial(self.out / "both.pem")
        self.refuse("--revoke", "both", words=["revoked already"])
        self.refuse("--revoke", number, words=["revoked already"])
        for nobody in ("nobody", "1234", "5" * 40, "." * 40, "-x", "a.b"):
            self.refuse("--revoke", nobody, words=[nobody, "--list"])
        for nobody in ("", "a b", "../x", "*", "a\nb", ".*|$"):
            self.refuse("--revoke", nobody, status=USAGE, words=["--revoke"])

    def test_listOfRevoked_isRenewedAlone_andItsDueDateCanBeChosen(self):
        self.make("--revoke", "both", "--days", "3")

        def due():
            text = openssl("crl", "-in", self.out / "crl.pem", "-noout", "-lastupdate", "-nextupdate").stdout
            return [time.mktime(time.strptime(moment, "%b %d %H:%M:%S %Y GMT"))
                    for moment in re.findall("=(.*)", text)]
        start, end = due()
        self.assertEqual(end - start, 3 * DAY)
        self.assertGreater(time.mktime(time.gmtime()) - start, 240)
        before = contents(self.out)
        result = self.make("--crl")
        self.assertIn("crl.pem", result.stdout)
        start, end = due()
        self.assertEqual(end - start, 30 * DAY)
        after = contents(self.out)
        self.assertEqual({name for name in after if after[name] != before[name]}, {"crl.pem"})
        self.assertTrue(self.revoked("both"))

    def test_list_namesEachCertificate_andWritesNothing(self):
        self.make("--renew", "both")
        self.make("--revoke", "gone")
        shown = self.list()
        self.assertEqual(sorted((state, name) for state, _, name in shown), sorted([
            ("valid", "ca"), ("valid", "server"), ("valid", "client"), ("revoked", "gone"), ("replaced", "both"),
            ("valid", "both")]))
        for _, number, name in shown:
            if name in ("client", "gone"):
                self.assertEqual(number, serial(self.out / f"{name}.pem"))
        said = generate(self.out, "--list").stdout
        self.assertIn("dns:client", said)
        self.assertRegex(said, r"\ncrl +\d{4}-\d\d-\d\d ")
        before = {path: path.lstat().st_mtime_ns for path in self.out.rglob("*")}
        self.list()
        self.assertEqual({path: path.lstat().st_mtime_ns for path in self.out.rglob("*")}, before)

    def test_list_withoutASet_saysSo(self):
        self.assertRefused(generate(self.folder / "nowhere", "--list"), CANNOT_CREATE, "nowhere")
        (self.folder / "empty").mkdir()
        self.assertRefused(generate(self.folder / "empty", "--list"), FAILURE, "no set")
        self.assertEqual(os.listdir(self.folder / "empty"), [])


class Successor(Steps):
    def verify(self, anchors, name, *more):
        path = self.out / f"{name}.pem"
        return openssl("verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", anchors, "-untrusted", path,
                       *more, path)

    def test_whoKnowsTheOldCAAlone_acceptsWhatTheNewOneSigns_andTheOtherWayRound(self):
        old = self.folder / "old.pem"
        shutil.copy(self.out / "ca.pem", old)
        self.make("--revoke", "gone")
        self.make("--successor")
        self.make("--client", "new", "--server", "web2")
        self.make("--renew", "both")
        for name in ("new", "web2", "both", "client", "server"):
            for anchors in (old, self.out / "ca.pem"):
                self.assertDone(self.verify(anchors, name))
        first = self.folder / "first.pem"
        first.write_text(openssl("x509", "-in", self.out / "ca.pem").stdout)
        self.assertDone(self.verify(first, "new"))
        self.assertEqual((self.out / "ca.pem").read_text().count("BEGIN CERTIFICATE"), 2)
        # A list of each CA, and both have all.
        self.assertEqual((self.out / "crl.pem").read_text().count("BEGIN X509 CRL"), 2)
        for name in ("new", "client"):
            self.make("--revoke", name)
            self.assertIn("revoked", self.verify(
                self.out / "ca.pem", name, "-crl_check", "-CRLfile", self.out / "crl.pem").stderr)
        self.refuse("--successor", words=["not expired yet"])
        self.refuse("--revoke", "ca", words=["cannot revoke itself"])
        self.refuse("--revoke", serial(self.out / "ca.pem"), words=["cannot revoke itself"])
        # These are names like any other.
        self.make("--client", "previous", "--client", "cross")
        self.make("--client", "last")
        self.assertDone(self.verify(old, "last"))
        self.assertEqual((self.out / "last.pem").read_text().count("BEGIN CERTIFICATE"), 2)
        kept = replaced(self.out)[0]
        self.assertLessEqual({"ca.pem", "ca.key"}, set(kept))

    def test_renewedCA_hasTheSameKey_andOldCertificatesStayValid(self):
        key, name = public_key(self.out / "ca.pem"), field(self.out / "ca.pem", "subject")
        number = serial(self.out / "ca.pem")
        old = self.folder / "old.pem"
        shutil.copy(self.out / "ca.pem", old)
        self.make("--renew", "ca")
        self.assertEqual((public_key(self.out / "ca.pem"), field(self.out / "ca.pem", "subject")), (key, name))
        self.assertNotEqual(serial(self.out / "ca.pem"), number)
        self.make("--client", "new")
        for anchors in (old, self.out / "ca.pem"):
            for leaf in ("client", "server", "new"):
                self.assertDone(self.verify(anchors, leaf))

    def test_caOfAnEarlierVersion_isRenewedFirst(self):
        out = self.folder / "earlier"
        out.mkdir()
        issue_ca(out, "ca", end="20300101000000Z", extensions=[
            "basicConstraints = critical, CA:TRUE, pathlen:0", "keyUsage = critical, keyCertSign, cRLSign",
            "subjectKeyIdentifier = hash"])
        result = generate(out, "--successor")
        self.assertRefused(result, FAILURE, "another tool")

    def test_caOfAnotherTool_isLeftToThat(self):
        for name in ("ca.pem", "ca.key"):
            (self.out / name).unlink()
        issue_ca(self.out, "ca")
        self.refuse("--renew", "ca", words=["another tool"])
        self.refuse("--successor", words=["another tool"])

    def test_whatAnotherToolsCRLRevokes_staysRevoked(self):
        tool = self.folder / "tool"
        tool.mkdir()
        (tool / "index.txt").touch()
        (tool / "crlnumber").write_text("07\n")
        (tool / "ca.cnf").write_text(
            f"[ca]\ndefault_ca = x\n[x]\ndatabase = {tool}/index.txt\ncrlnumber = {tool}/crlnumber\n"
            "default_md = sha256\ndefault_crl_days = 30\n")
        ca = ["ca", "-config", tool / "ca.cnf", "-keyfile", BASIC / "ca.key", "-cert", BASIC / "ca.pem"]
        openssl(*ca, "-revoke", BASIC / "client.pem")
        openssl(*ca, "-gencrl", "-out", tool / "crl.pem")
        revoked = serial(BASIC / "client.pem")
        for known in (["server", "client"], []):
            with self.subTest(known=known):
                out = self.folder / f"taken-{len(known)}"
                out.mkdir()
                for name in ("ca.pem", "ca.key", *(f"{name}.pem" for name in known)):
                    shutil.copy(BASIC / name, out)
                shutil.copy(tool / "crl.pem", out)
                self.assertDone(generate(out, "--client", "new"))
                name = "client" if known else "@before"
                self.assertRegex(generate(out, "--list").stdout, rf"(?m)^revoked .* {revoked}  {name} .*\(revoked 20")
                self.assertDone(generate(out, "--revoke", "new"))
                text = openssl("crl", "-in", out / "crl.pem", "-noout", "-text", "-crlnumber").stdout
                self.assertGreater(int(re.search(r"crlNumber=0x(\w+)", text)[1], 16), 7)
                self.assertEqual(set(re.findall(r"Serial Number: (\w+)", text)), {revoked, serial(out / "new.pem")})
        out = self.folder / "unread"
        out.mkdir()
        for name in ("ca.pem", "ca.key"):
            shutil.copy(BASIC / name, out)
        (out / "crl.pem").write_text("x")
        self.assertRefused(generate(out, "--client", "new"), FAILURE, "crl.pem", "would be forgotten")
        self.assertEqual((out / "crl.pem").read_text(), "x")


class Surroundings(Steps):
    """Each step where the umask, the file system or the user is not the usual one."""

    STEPS = (["--server", "web2"], ["--renew", "client", "--new-key"], ["--revoke", "both"], ["--crl"],
             ["--renew", "ca"], ["--successor"])

    def test_eachStep_inAFolderWithSpacesAndANewline_withAnyUmask(self):
        for umask in (0, 0o022, 0o077):
            self.out = self.folder / f"a b\n{umask:o}"
            shutil.copytree(BASIC, self.out, symlinks=True)
            self.out.chmod(0o755)
            for step in self.STEPS:
                result = self.make(*step, preexec_fn=lambda: os.umask(umask))
                self.assertEqual(result.stderr, "")
            for name, (_, mode) in contents(self.out).items():
                self.assertEqual(mode, 0o400 if name == "ca.key" else 0o600 if name.endswith(".key") else 0o644, name)
            for path in (self.out / BOOKS, state(self.out)):
                self.assertEqual(path.stat().st_mode & 0o777, 0o755)
            for path in state(self.out).glob("*.key"):
                self.assertEqual(path.stat().st_mode & 0o077, 0, path.name)

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_ordinaryUser_doesAllOfIt(self):
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        home = self.folder / "theirs"
        home.mkdir()
        os.chown(home, 65534, 65534)
        for path in (self.folder, *self.folder.parents[:-2]):
            if path.stat().st_mode & 0o001 == 0:
                path.chmod(path.stat().st_mode | 0o011)
        # Wherever the repository is, they can read this.
        script = home / "generate-certs"
        shutil.copy(SCRIPT, script)
        self.enterContext(unittest.mock.patch("certificates.SCRIPT", script))
        self.out = home / "pki"
        for step in (["--client", "client", "--client", "both"], *self.STEPS, ["--list"]):
            self.make(*step, cwd=home, **nobody)
        self.assertEqual({path.lstat().st_uid for path in self.out.rglob("*")}, {65534})
        # A folder of root's is read, and not written.
        shared = self.folder / "certs"
        before = contents(shared)
        self.assertRefused(generate(shared, "--crl", cwd=home, **nobody), CANNOT_CREATE, "Permission denied")
        self.assertEqual(self.list_as(shared, home, nobody), self.list(shared))
        self.assertEqual(contents(shared), before)

    def list_as(self, directory, home, user):
        lines = self.assertDone(generate(directory, "--list", cwd=home, **user)).stdout.splitlines()
        return [(words[0], words[3], words[4]) for words in map(str.split, lines)]

    @unittest.skipUnless(os.geteuid() == 0, "only root mounts")
    def test_readOnly_orFull_changesNothing(self):
        mount = self.folder / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", mount], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        self.out = mount / "pki"
        self.make("--client", "client", "--client", "both")
        before, record = contents(self.out), books(self.out)
        space = os.statvfs(mount)
        for left in (0, 1, 3, 6, 9, 12):
            with open(mount / "filler", "wb") as filler:
                filler.write(b"x" * max(0, (space.f_bavail - left) * space.f_bsize))
            for step in (["--client", "new"], ["--revoke", "both"], ["--renew", "client", "--new-key"]):
                result = generate(self.out, *step)
                if result.returncode != 0:
                    self.assertRegex(result.stderr, r"\Agenerate-certs: [^\n]+\n\Z")
                    self.assertEqual((contents(self.out), books(self.out)), (before, record), (left, step))
                else:
                    # It had room: what it did is whole.
                    self.assertVerified(self.out, "client", "-purpose", "sslclient")
                    before, record = contents(self.out), books(self.out)
            (mount / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True, timeout=60)
        self.assertRefused(generate(self.out, "--crl"), CANNOT_CREATE, "Read-only")
        self.assertTrue(self.list(self.out))
        self.assertEqual(contents(self.out), before)


if __name__ == "__main__":
    unittest.main()
