# SPDX-License-Identifier: Apache-2.0
"""Shows that scripts/generate-certs creates certificates that other software accepts, and reports what it created."""

import os
import re
import stat
import subprocess
import time
import unittest

from authority import pin, revoke
from certificates import (
    BASIC, BOOKS, CLIENTS, DAY, SHARED, SIX, Case, certificate, command_line, contents, extension, field,
    files, generate, lifetime, openssl, public_key, verify)
from support import LIMIT


class Profile(Case):
    def test_set_hasTheFilesOfTheDesign_andNoOther(self):
        clients = {f"{name}.{suffix}" for name in CLIENTS for suffix in ("pem", "key")}
        self.assertEqual(files(SHARED), SIX | clients)

    def test_keysAreForTheirOwnerOnly_andCertificatesForAll(self):
        for name, (_, mode) in contents(SHARED).items():
            expected = 0o400 if name == "ca.key" else 0o600 if name.endswith(".key") else 0o644
            self.assertEqual(mode, expected, name)
            self.assertEqual(os.readlink(SHARED / name), f"{BOOKS}/current/{name}")

    def test_permissionsDoNotDependOnTheUmask(self):
        for umask in (0, 0o077):
            out = self.folder / f"{umask:o}"
            self.assertDone(generate(out, "--self-signed", preexec_fn=lambda: os.umask(umask)))
            self.assertEqual({name: mode for name, (_, mode) in contents(out).items()},
                             {"ca.pem": 0o644, "server.pem": 0o644, "server.key": 0o600})
            self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o755 & ~umask)

    def test_caSignsCertificatesAndRevocations_andItsSuccessorOnly(self):
        ca = SHARED / "ca.pem"
        self.assertEqual(extension(ca, "Basic Constraints"), (True, "CA:TRUE, pathlen:1"))
        self.assertEqual(extension(ca, "Key Usage"), (True, "Certificate Sign, CRL Sign"))
        self.assertIsNone(extension(ca, "Extended Key Usage"))

    def test_leavesHaveTheirOwnUsageOnly(self):
        for name in ("server", *CLIENTS):
            usage = "TLS Web Server Authentication" if name == "server" else "TLS Web Client Authentication"
            leaf = SHARED / f"{name}.pem"
            self.assertEqual(extension(leaf, "Basic Constraints"), (True, "CA:FALSE"))
            self.assertEqual(extension(leaf, "Key Usage"), (True, "Digital Signature"))
            self.assertEqual(extension(leaf, "Extended Key Usage"), (False, usage))

    def test_keysAreP256_unencrypted_andMatchTheirCertificates(self):
        for name in ("ca", "server", *CLIENTS):
            self.assertIn("ASN1 OID: prime256v1", certificate(SHARED / f"{name}.pem"))
            self.assertIn("BEGIN PRIVATE KEY", (SHARED / f"{name}.key").read_text())
            self.assertEqual(openssl("pkey", "-in", SHARED / f"{name}.key", "-pubout").stdout,
                             public_key(SHARED / f"{name}.pem"))

    def test_serialsArePositive_upTo160BitsLong_andAllDifferent(self):
        serials = [field(path, "serial") for path in SHARED.glob("*.pem")]
        self.assertEqual(len(set(serials)), len(serials))
        for serial in serials:
            self.assertRegex(serial, r"\A[0-7][0-9A-F]{33,39}\Z")

    def test_keyIdentifiersLinkLeavesToTheCA(self):
        _, issuer = extension(SHARED / "ca.pem", "Subject Key Identifier")
        self.assertRegex(issuer, r"\A([0-9A-F]{2}:){19}[0-9A-F]{2}\Z")
        for name in ("ca", "server", *CLIENTS):
            _, link = extension(SHARED / f"{name}.pem", "Authority Key Identifier")
            self.assertEqual(link.replace("keyid:", ""), issuer)
            self.assertIsNotNone(extension(SHARED / f"{name}.pem", "Subject Key Identifier"))

    def test_leavesLast825Days_andTheCALonger(self):
        _, ca_end = lifetime(SHARED / "ca.pem")
        for name in ("server", *CLIENTS):
            start, end = lifetime(SHARED / f"{name}.pem")
            self.assertEqual(end - start, 825 * DAY)
            self.assertGreater(ca_end, end)

    def test_eachCAHasANameOfItsOwn(self):
        self.assertNotEqual(field(SHARED / "ca.pem", "subject"), field(BASIC / "ca.pem", "subject"))

    def test_clientIdentityIsItsName_unlessSANSaysOtherwise(self):
        for name, identity in CLIENTS.items():
            self.assertEqual(extension(SHARED / f"{name}.pem", "Subject Alternative Name"), (False, identity))
            self.assertRegex(field(SHARED / f"{name}.pem", "subject"), rf"\ACN ?= ?{re.escape(name)}\Z")


class Verification(Case):
    def test_eachCertificatePassesStrictly_forItsPurposeAlone(self):
        self.assertVerified(SHARED, "ca")
        for name in ("server", *CLIENTS):
            mine, other = ("sslserver", "sslclient") if name == "server" else ("sslclient", "sslserver")
            self.assertVerified(SHARED, name, "-purpose", mine)
            self.assertNotEqual(verify(SHARED, name, "-purpose", other).returncode, 0)

    def test_serverIsValidForEachHost_andNoOther(self):
        for name in ("example.org", "EXAMPLE.ORG", "a.apps.example.org", "my_service", "xn--bcher-kva.example"):
            self.assertVerified(SHARED, "server", "-verify_hostname", name)
        for address in ("192.0.2.7", "2001:db8::7", "2001:DB8:0:0::7"):
            self.assertVerified(SHARED, "server", "-verify_ip", address)
        for name in ("example.com", "www.example.org", "apps.example.org", "a.b.apps.example.org",
                     os.uname().nodename):
            self.assertNotEqual(verify(SHARED, "server", "-verify_hostname", name).returncode, 0, name)
        self.assertNotEqual(verify(SHARED, "server", "-verify_ip", "127.0.0.2").returncode, 0)

    def test_serverWithoutAskedHosts_isValidForThisMachine(self):
        names = ["localhost"]
        machine = os.uname().nodename.lower()
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", machine):
            names.append(machine)
        for name in names:
            self.assertVerified(BASIC, "server", "-verify_hostname", name)
        for address in ("127.0.0.1", "::1"):
            self.assertVerified(BASIC, "server", "-verify_ip", address)

    def test_clientIsMade_onlyWhereNoneWasAskedFor(self):
        self.make("--host", "example.org", "--client", "alice")
        self.assertEqual(files(self.out), {
            "ca.pem", "ca.key", "server.pem", "server.key", "alice.pem", "alice.key"})
        self.assertEqual(extension(self.out / "server.pem", "Subject Alternative Name"), (False, "DNS:example.org"))
        self.make("--host", "example.org", "--force")
        self.assertEqual(files(self.out), SIX)

    def test_certificatesBeginSomeMinutesAgo(self):
        self.make()
        self.make("--client", "later", "--days", "7")
        for name in ("ca", "server", "client", "later"):
            age = time.time() - lifetime(self.out / f"{name}.pem")[0]
            self.assertTrue(240 < age < 300 + LIMIT, (name, age))
        self.make("--self-signed", "--force")
        self.assertLess(lifetime(self.out / "server.pem")[0], time.time() - 240)

    def test_certificatesOfAnotherCA_areRejected(self):
        result = openssl("verify", "-CAfile", SHARED / "ca.pem", BASIC / "server.pem")
        self.assertNotEqual(result.returncode, 0)

    def test_caKeySignsARevocationList_thatVerificationHonours(self):
        self.copy()
        revoke(self.folder, "client", authority=self.out, certificate=self.out / "client.pem")
        check = ("-crl_check", "-CRLfile", self.folder / "crl.pem")
        self.assertVerified(self.out, "server", *check)
        self.assertIn("revoked", verify(self.out, "client", *check).stderr)


class Report(Case):
    def test_report_namesEachFile_identity_end_andPin(self):
        for name in ("ca", "server", *CLIENTS):
            block = re.search(
                rf"^{re.escape(str(SHARED))}/{re.escape(name)}\.pem, \S+/{re.escape(name)}\.key\n((?:    .*\n)+)",
                self.report, re.MULTILINE)
            self.assertIsNotNone(block, name)
            self.assertIn(pin(SHARED / f"{name}.pem"), block[1])
            self.assertIn(field(SHARED / f"{name}.pem", "notAfter"), block[1])
        for identity in ("dns:example.org", "ip:192.0.2.7", "dns:*.apps.example.org", "ip:2001:DB8:0:0:0:0:0:7",
                         "email:alice@example.org", "uri:spiffe://example.org/deploy", "dns:host-1.example.org"):
            self.assertIn(identity, self.report)

    def test_reportThatNobodyReads_leavesAWholeSet(self):
        process = subprocess.Popen(command_line(self.out), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        process.stderr.read()
        process.stderr.close()
        process.wait(LIMIT)
        self.assertEqual(files(self.out), SIX)

    def test_help_isBrief_andChangesNothing(self):
        result = self.assertDone(generate(self.out, "--help"))
        lines = result.stdout.splitlines()
        self.assertLessEqual(len(lines), 40)
        self.assertLessEqual(max(map(len, lines)), 100)
        for option in ("--out", "--host", "--client", "--server", "--days", "--self-signed", "--force", "--encrypt",
                       "--passphrase-fd", "--renew", "--new-key", "--request", "--sign", "--revoke", "--crl", "--list",
                       "--successor"):
            self.assertIn(option, result.stdout)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
