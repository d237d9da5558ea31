# SPDX-License-Identifier: Apache-2.0
"""What scripts/generate-certs makes of its options: hosts, clients, identities and days."""

import ipaddress
import re
import unittest

from certificates import DAY, USAGE, Case, certificate, extension, field, generate, lifetime


class Options(Case):
    def refuse(self, *arguments, status=USAGE, words=()):
        with self.subTest(arguments=arguments):
            result = generate(self.out, *arguments)
            self.assertRefused(result, status, *words)
            self.assertFalse(self.out.exists())

    def test_wrongUsage_isOneSentence_andMakesNothing(self):
        for arguments, word in (
            (["--frobnicate"], "--frobnicate"), (["-x"], "-x"), (["certs"], "certs"), (["--", "x"], "--"),
            (["--host"], "needs a value"), (["--days"], "needs a value"), (["--force=yes"], "--force=yes"),
            (["--out", ""], "--out"), (["--out="], "--out"), (["--self-signed", "--client", "a"], "--self-signed"),
        ):
            self.refuse(*arguments, words=[word, "--help"])

    def test_daysOutsideOneTo825_areRefused(self):
        for days in ("826", "99999999999999999999", "0", "-1", "+5", "1.5", "ten", "", "0x10", "010", "5 6"):
            self.refuse("--days", days, words=["--days"])

    def test_days_setTheLifeOfTheLeaves(self):
        self.make("--days", "7")
        for name in ("server", "client"):
            start, end = lifetime(self.out / f"{name}.pem")
            self.assertEqual(end - start, 7 * DAY)
        start, end = lifetime(self.out / "ca.pem")
        self.assertGreaterEqual(end - start, 825 * DAY)

    def test_hostThatIsNeitherNameNorAddress_isRefused(self):
        for host in (
            "", " ", "a b", "a,DNS:b", "a\nb", "a\n", "a'b", 'a"b', "a;b", "a#b", "$HOME", "${x}", "a/b", "bücher.de",
            ".org", "example.org.", "a..b", "-a.org", "a-.org", "*", "*.org", "*.*.org", "a.*.org", "*a.example.org",
            "x" * 64, ".".join(["abcdefgh"] * 30), "*.1.2", "https://example.org", "example.org:443", "user@host",
            "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04", "1.2.3.-4", "192.0.2.0/24", "a.1",
            ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::g", "[::1]",
            "fe80::1%eth0", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "::1/128", "1:", ":1",
        ):
            self.refuse("--host", host, words=["--host"])

    def test_hostsOfEveryKind_areAccepted_andDuplicatesFolded(self):
        long_name = ".".join(["abcdefg"] * 31)
        hosts = ("localhost", "LocalHost", "127.0.0.1", "0:0:0:0:0:0:0:1", "::0001", "example.org", "Example.ORG",
                 "2001:db8::1", "2001:DB8:0:0::1", "2001:db8:0:0:0:0:0:1", "::ffff:192.0.2.1", "::FFFF:c000:201",
                 "::", "fe80::", "1:2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1a.example", "*.Example.org",
                 "255.255.255.255", long_name)
        self.make(*(f"--host={host}" for host in hosts))
        self.assertRegex(field(self.out / "server.pem", "subject"), r"CN ?= ?localhost")
        found = re.sub(r"IP Address:", "IP:", extension(self.out / "server.pem", "Subject Alternative Name")[1]).split(", ")
        names = [entry[4:] for entry in found if entry.startswith("DNS:")]
        addresses = [ipaddress.ip_address(entry[3:]) for entry in found if entry.startswith("IP:")]
        self.assertEqual(names, [
            "localhost", "example.org", "1a.example", "*.example.org", long_name])
        self.assertEqual(addresses, [ipaddress.ip_address(address) for address in (
            "127.0.0.1", "0:0:0:0:0:0:0:1", "::0001", "2001:db8::1", "2001:DB8:0:0::1", "2001:db8:0:0:0:0:0:1",
            "::ffff:192.0.2.1", "::FFFF:c000:201", "::", "fe80::", "1:2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8", "255.255.255.255")])

    def test_hostNameThatIsTooLongForACommonName_isStillAHost(self):
        name = "abcdefghi." * 7 + "org"
        self.make("--host", name)
        self.assertVerified(self.out, "server", "-purpose", "sslserver", "-verify_hostname", name)
        self.assertNotIn("localhost", certificate(self.out / "server.pem"))

    def test_clientNameThatIsNoFileName_isRefused(self):
        for name in (
            "", "=dns:a", ".", "..", ".a", "-a", "a/b", "../a", "/a", "a b", "a\nb", "a\n", "a\tb", "a,b", "a'b", 'a"b',
            "a;b", "$(id)", "`id`", "a*", "a\\b", "é", "a:b", "a..b", "a.", "ca", "CA", "server", "Server",
            "x" * 65,
        ):
            self.refuse("--client", name, words=["--client"])

    def test_clientNameOf64Characters_isAccepted(self):
        self.make("--client", "x" * 64)
        self.assertVerified(self.out, "x" * 64, "-purpose", "sslclient")

    def test_clientGivenTwice_isRefused(self):
        self.refuse("--client", "a", "--client", "a=dns:b", words=["twice"])
        self.refuse("--client", "a", "--client", "A", words=["twice"])

    def test_identityThatIsNone_isRefused(self):
        for identity in (
            "", "alice", "ip:127.0.0.1", "EMAIL:a@b.c", "email:", "email:a", "email:a@", "email:@b", "email:a@b@c",
            "email:a b@c.d", "email:copy", "email:move", "email:a@b,DNS:c", "email:a@b\nDNS.2=c", "email:a@b ",
            "email:a@b\n", "email:.a@b", "email:a.@b", "email:a..b@c", "email:a@-b", "email:$ENV@b", 'email:"a"@b',
            "dns:", "dns:*.example.org", "dns:a b", "dns:a,b", "dns:a..b", "dns:a_$b", "dns:-a",
            "uri:", "uri:example.org", "uri:spiffe:", "uri:spiffe://", "uri:spiffe:///a", "uri:1a://b", "uri:a://b c",
            "uri:a://b,URI:c", "uri:a://b#c", "uri:a://$HOME", "uri:a://b;c", "uri:a://b'c", 'uri:a://b"c',
            "uri:a://b\\c", "uri:a://b\nc", "uri:a://b%zz", "uri:a://[::1]", "uri:é://b", "uri:x:" + "a" * 1024,
        ):
            self.refuse("--client", f"alice={identity}", words=["--client alice"])

    def test_identitiesOfEveryKind_reachTheCertificate(self):
        identities = {
            "a": ("email:first.last+tag@mail.example.org", "email:first.last+tag@mail.example.org"),
            "b": ("uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                  "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            "c": ("uri:https://example.org:8443/a%20b?c=d&e=~f", "URI:https://example.org:8443/a%20b?c=d&e=~f"),
            "d": ("dns:under_score.example.org", "DNS:under_score.example.org"),
            "client": ("email:me@localhost", "email:me@localhost"),
        }
        self.make(*(f"--client={name}={given}" for name, (given, _) in identities.items()))
        for name, (_, expected) in identities.items():
            self.assertEqual(extension(self.out / f"{name}.pem", "Subject Alternative Name"), (False, expected))


if __name__ == "__main__":
    unittest.main()
