# SPDX-License-Identifier: Apache-2.0
"""scripts/generate-certs under CAs that other tools have made."""

import shutil
import time
import unittest

from authority import issue_ca
from certificates import DAY, FAILURE, Case, contents, generate, lifetime, openssl


class OtherAuthorities(Case):
    """A folder with the CA of another tool: clients and servers are signed whatever its shape."""

    def setUp(self):
        super().setUp()
        self.out.mkdir()

    def sign(self, *anchors):
        """Certificates under ca.pem, which the anchors (else the CA itself) verify as a peer would send them."""
        self.make("--client", "zoe=email:zoe@example.org", "--host", "web.example.org")
        for name, purpose in (("zoe", "sslclient"), ("server", "sslserver")):
            for anchor in anchors or ("ca",):
                path = self.out / f"{name}.pem"
                result = openssl("verify", "-purpose", purpose, "-no-CApath", "-no-CAstore", "-CAfile",
                                 self.out / f"{anchor}.pem", "-untrusted", path, path)
                self.assertEqual(result.returncode, 0, result.stderr)

    def clear(self):
        shutil.rmtree(self.out)
        self.out.mkdir()

    def blocks(self, name):
        return (self.out / f"{name}.pem").read_text().count("BEGIN CERTIFICATE")

    def test_laxCA_asEasyRSAMakesIt_signs(self):
        issue_ca(self.out, "ca", extensions=[
            "basicConstraints = CA:TRUE", "keyUsage = keyCertSign, cRLSign", "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid, issuer"])
        self.sign()
        self.assertEqual(self.blocks("zoe"), 1)

    def test_caWithoutKeyUsage_orIdentifier_signs(self):
        for extensions in (["basicConstraints = critical, CA:TRUE"],
                           ["basicConstraints = critical, CA:TRUE", "subjectKeyIdentifier = hash"],
                           ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign"]):
            with self.subTest(extensions):
                self.clear()
                issue_ca(self.out, "ca", extensions=extensions + ["subjectKeyIdentifier = none"] * (len(extensions) < 2))
                self.sign()

    def test_keysOfEveryKind_sign(self):
        for key in ("RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-384", "ED25519",
                    "RSA-PSS -pkeyopt rsa_keygen_bits:2048"):
            with self.subTest(key):
                self.clear()
                issue_ca(self.out, "ca", key=key)
                self.sign()

    def test_intermediateAlone_signs_andStandsInTheFilesItSigned(self):
        issue_ca(self.out, "root")
        issue_ca(self.out, "ca", issuer="root")
        self.sign("root")
        self.assertEqual((self.blocks("zoe"), self.blocks("server")), (2, 2))
        self.assertIn((self.out / "ca.pem").read_text(), (self.out / "zoe.pem").read_text())

    def test_chainOfIntermediates_standsInTheFiles_withoutTheRoot(self):
        issue_ca(self.out, "root")
        issue_ca(self.out, "middle", issuer="root")
        issue_ca(self.out, "ca", issuer="middle")
        for order in (["middle", "root"], ["middle"]):
            with self.subTest(order):
                ca = (self.out / "ca.pem").read_text().split("-----END CERTIFICATE-----\n")[0]
                ca += "-----END CERTIFICATE-----\n"
                (self.out / "ca.pem").write_text(
                    ca + "".join((self.out / f"{name}.pem").read_text() for name in order))
                self.sign("root")
                self.assertEqual((self.blocks("zoe"), self.blocks("server")), (3, 3))
                for name in ("zoe.pem", "zoe.key", "server.pem", "server.key"):
                    (self.out / name).unlink()

    def test_certificateNeverOutlivesAnyCAAboveIt(self):
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 50 * DAY))
        issue_ca(self.out, "root", end=soon)
        issue_ca(self.out, "ca", issuer="root")
        with open(self.out / "ca.pem", "a") as file:
            file.write((self.out / "root.pem").read_text())
        self.assertRefused(generate(self.out, "--client", "a", "--days", "60"), FAILURE, "expires on")
        self.make("--client", "a")
        self.assertEqual(lifetime(self.out / "a.pem")[1], lifetime(self.out / "root.pem")[1])

    def test_certificateThatIsNoCA_orMayNotSignThis_isToldSo(self):
        for extensions in (["basicConstraints = critical, CA:FALSE"],
                           ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, cRLSign"],
                           ["basicConstraints = critical, CA:TRUE", "extendedKeyUsage = codeSigning"]):
            with self.subTest(extensions):
                self.clear()
                issue_ca(self.out, "ca", extensions=extensions)
                before = contents(self.out)
                for arguments, role in ((["--client", "a"], "client"), (["--host", "a"], "server")):
                    self.assertRefused(generate(self.out, *arguments), FAILURE, f"certificate for a {role}")
                self.assertEqual(contents(self.out), before)


if __name__ == "__main__":
    unittest.main()
