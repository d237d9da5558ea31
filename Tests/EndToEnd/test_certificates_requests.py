# SPDX-License-Identifier: Apache-2.0
"""Requests for scripts/generate-certs: the key stays where it is used, and the operator says for whom it is."""

import os
import stat
import unittest

from certificates import (
    CANNOT_CREATE, FAILURE, USAGE, Case, books, contents, extension, field, files, generate, leftovers, openssl,
    public_key, replaced)


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.copy()
        self.machine = self.folder / "machine"
        self.machine.mkdir()

    def request(self, name="theirs"):
        self.assertDone(generate(self.machine, "--request", name))
        return self.machine / f"{name}.csr"

    def refuse(self, *arguments, status=FAILURE, words=()):
        before, record = contents(self.out), books(self.out)
        result = generate(self.out, *arguments)
        self.assertRefused(result, status, *words)
        self.assertEqual((contents(self.out), books(self.out)), (before, record))
        self.assertEqual(leftovers(self.out), [])

    def test_request_makesAKeyAndARequest_andNothingElse(self):
        result = generate(self.machine, "--request", "theirs")
        self.assertDone(result)
        self.assertEqual(set(os.listdir(self.machine)), {"theirs.key", "theirs.csr"})
        self.assertEqual(stat.S_IMODE((self.machine / "theirs.key").lstat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE((self.machine / "theirs.csr").lstat().st_mode), 0o644)
        self.assertIn("theirs.csr", result.stdout)

    def test_requestThatIsThere_isNotReplaced_andAKeyThatIsThereIsUsed(self):
        self.request()
        key = (self.machine / "theirs.key").read_bytes()
        self.assertRefused(generate(self.machine, "--request", "theirs"), CANNOT_CREATE, "theirs.csr")
        (self.machine / "theirs.csr").unlink()
        self.request()
        self.assertEqual((self.machine / "theirs.key").read_bytes(), key)
        for name, status in (("ca", USAGE), ("../x", USAGE), ("", USAGE)):
            self.assertRefused(generate(self.machine, "--request", name), status, "--request")
        self.assertRefused(generate(self.folder / "nowhere", "--request", "a"), CANNOT_CREATE, "nowhere")

    def test_signed_forAClientOrAServer_withTheIdentityThatTheOperatorStates(self):
        csr = self.request()
        self.make("--sign", csr, "--client", "carol=email:carol@example.org")
        self.assertEqual(extension(self.out / "carol.pem", "Subject Alternative Name"),
                         (False, "email:carol@example.org"))
        self.assertRegex(field(self.out / "carol.pem", "subject"), r"CN ?= ?carol\Z")
        self.assertEqual(public_key(self.out / "carol.pem"),
                         openssl("pkey", "-in", self.machine / "theirs.key", "-pubout").stdout)
        self.assertNotIn("carol.key", files(self.out))
        self.assertVerified(self.out, "carol", "-purpose", "sslclient")
        self.make("--sign", csr, "--server", "web2", "--host", "web2.example.org")
        self.assertVerified(self.out, "web2", "-purpose", "sslserver", "-verify_hostname", "web2.example.org")

    def test_signedCertificate_isRenewedWithoutItsKey_orWithAnotherRequest(self):
        self.make("--sign", self.request(), "--client", "carol=email:carol@example.org")
        key = public_key(self.out / "carol.pem")
        self.make("--renew", "carol")
        self.assertEqual(public_key(self.out / "carol.pem"), key)
        self.make("--sign", self.request("second"), "--renew", "carol")
        self.assertEqual(public_key(self.out / "carol.pem"),
                         openssl("pkey", "-in", self.machine / "second.key", "-pubout").stdout)
        self.assertEqual(extension(self.out / "carol.pem", "Subject Alternative Name"),
                         (False, "email:carol@example.org"))
        # A key that was made here is of no more use then, and is kept aside.
        self.make("--sign", self.request("third"), "--renew", "both")
        self.assertNotIn("both.key", files(self.out))
        self.assertEqual(set(replaced(self.out)[-1]), {"both.pem", "both.key"})
        self.make("--renew", "both")

    def test_whoItIsFor_mustBeSaid_once(self):
        csr = self.request()
        self.refuse("--sign", csr, status=USAGE, words=["--client"])
        self.refuse("--sign", csr, "--client", "a", "--client", "b", status=USAGE, words=["one"])
        self.refuse("--sign", csr, "--client", "a", "--server", "b", status=USAGE, words=["one"])
        self.refuse("--sign", csr, "--client", "a", "--renew", "both", status=USAGE, words=["one"])
        self.refuse("--sign", csr, "--sign", csr, "--client", "a", status=USAGE, words=["twice"])
        self.refuse("--sign", csr, "--revoke", "both", status=USAGE, words=["--sign", "--revoke"])
        self.refuse("--sign", csr, "--client", "both", status=CANNOT_CREATE, words=["--renew both"])

    def hostile(self, *arguments, key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        csr = self.folder / "hostile.csr"
        self.assertDone(openssl("req", "-new", *key, "-noenc", "-keyout", self.folder / "hostile.key", "-out", csr,
                                *(arguments or ("-subj", "/CN=x"))))
        return csr

    def test_whatTheRequestStates_doesNotReachTheCertificate(self):
        csr = self.hostile(
            "-subj", "/O=Evil/CN=ca/emailAddress=root@example.org",
            "-addext", "subjectAltName=email:root@example.org,DNS:*.example.org",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign",
            "-addext", "extendedKeyUsage=serverAuth,clientAuth,anyExtendedKeyUsage",
            "-addext", "nsComment=evil", "-addext", "1.2.3.4=ASN1:UTF8String:evil")
        self.make("--sign", csr, "--client", "guest")
        path = self.out / "guest.pem"
        self.assertRegex(field(path, "subject"), r"\ACN ?= ?guest\Z")
        self.assertEqual(extension(path, "Subject Alternative Name"), (False, "DNS:guest"))
        self.assertEqual(extension(path, "Basic Constraints"), (True, "CA:FALSE"))
        self.assertEqual(extension(path, "Key Usage"), (True, "Digital Signature"))
        self.assertEqual(extension(path, "Extended Key Usage"), (False, "TLS Web Client Authentication"))
        self.assertNotIn("evil", openssl("x509", "-in", path, "-noout", "-text").stdout.lower())
        # Nor when it is for somebody who is there.
        self.make("--sign", csr, "--renew", "both")
        self.assertEqual(extension(self.out / "both.pem", "Subject Alternative Name"), (False, "DNS:both"))

    def test_weakKey_orWeakSignature_isRefused(self):
        for key in (("-newkey", "rsa:1024"), ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1")):
            with self.subTest(key=key):
                self.refuse("--sign", self.hostile(key=key), "--client", "weak", words=["too weak"])
        for digest in ("-md5", "-sha1"):
            with self.subTest(digest=digest):
                csr = self.hostile("-subj", "/CN=x", digest, key=("-newkey", "rsa:2048"))
                self.refuse("--sign", csr, "--client", "weak", words=["MD5 or SHA-1"])
        self.make("--sign", self.hostile(key=("-newkey", "rsa:2048")), "--client", "strong")

    def test_whatIsNoRequest_isSaidToBeNone(self):
        csr = self.request()
        text = csr.read_text()
        forged = text[:120] + ("A" if text[120] != "A" else "B") + text[121:]
        for name, content in (("empty", b""), ("words", b"please sign"), ("binary", os.urandom(5_000)),
                              ("certificate", (self.out / "client.pem").read_bytes()), ("forged", forged.encode()),
                              ("key", (self.out / "client.key").read_bytes())):
            with self.subTest(name=name):
                (self.folder / name).write_bytes(content)
                self.refuse("--sign", self.folder / name, "--client", "a", words=["not a certificate request"])
        with open(self.folder / "huge", "wb") as huge:
            huge.write(csr.read_bytes())
            huge.truncate(1 << 40)
        self.refuse("--sign", self.folder / "huge", "--client", "a", words=["larger than"])
        os.mkfifo(self.folder / "pipe")
        for name in ("nowhere", "machine", "pipe"):
            self.refuse("--sign", self.folder / name, "--client", "a", words=["not a file"])

    def test_requestWithAnOddName_orFromTheCurrentFolder_isRead(self):
        csr = self.request()
        odd = self.folder / "-a b\n;$(x).csr"
        odd.write_bytes(csr.read_bytes())
        self.assertDone(generate(self.out, f"--sign={odd.name}", "--client", "a", cwd=self.folder))
        self.assertVerified(self.out, "a", "-purpose", "sslclient")


if __name__ == "__main__":
    unittest.main()
