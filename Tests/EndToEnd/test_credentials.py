# SPDX-License-Identifier: Apache-2.0
"""What both programs make of certificates and keys of other people's making."""

import pathlib
import signal
import socket
import tempfile
import unittest

import authority
from ground import eventually
from authority import ca, own
from support import PARLEYD, Client, Program, Server, TestCase


class Credentials(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def issue(self, name, **how):
        authority.issue(self.folder, name, **how)
        return self.folder / name

    def test_a_client_without_a_name_is_known_by_its_key(self):
        nameless = self.issue("nameless", names="", purpose="clientAuth")
        server = Server(self, "command", "--client-ca", ca(), certs=authority.good())
        client = Client(self, "command", server.port, messages=["Hello"],
                        certs=["--ca", ca(), *own(nameless)])
        self.assertStatus(client, 0)
        key = authority.pin(f"{nameless}.pem").removeprefix("sha256//")
        server.stderr.expect(rf"127\.0\.0\.1:\d+ key:sha256:{key.replace('+', '[+]')} ")

    def test_a_server_is_asked_for_by_its_uri(self):
        spiffe = self.issue("spiffe", names="URI:spiffe://example.org/server")
        server = Server(self, "hello", certs=own(spiffe))
        client = Client(self, "hello", server.port, "--server-name",
                        "uri:spiffe://example.org/server", certs=["--ca", ca()])
        self.assertStatus(client, 0)
        self.assertIn("uri:spiffe://example.org/server", client.stderr.text)
        stranger = Client(self, "hello", server.port, certs=["--ca", ca()])
        self.assertFails(stranger, 254, "--server-name uri:spiffe://example.org/server")

    def test_the_leaf_is_sent_first_wherever_it_is_in_its_file(self):
        bundle = self.folder / "bundle.pem"
        leaf = authority.good() / "server"
        bundle.write_text(pathlib.Path(ca()).read_text() + leaf.with_suffix(".pem").read_text())
        server = Server(self, "hello", certs=["--cert", str(bundle), "--key", f"{leaf}.key"])
        self.assertIn("bundle.pem", server.stderr.text)
        self.assertStatus(Client(self, "hello", server.port, certs=["--ca", ca()]), 0)

    def test_a_server_goes_on_over_reloads_whatever_the_kind_of_its_key(self):
        for key in ("ED25519", "ED448", "RSA-PSS -pkeyopt rsa_keygen_bits:2048"):
            with self.subTest(key):
                server = Server(self, "command", certs=own(self.issue(key[:7], key=key)))
                for _ in range(6):
                    server.signal(signal.SIGHUP)
                    server.stderr.expect("SIGHUP: certificates reloaded")
                client = Client(self, "command", server.port, certs=["--ca", ca()], messages=["Hello"])
                self.assertStatus(client, 0)

    def test_a_chain_is_as_long_as_clients_take_it_and_refused_where_it_is_read(self):
        pair = self.issue("pair")
        path = pair.with_suffix(".pem")
        leaf, above = path.read_text(), pathlib.Path(ca()).read_text()
        path.write_text(leaf + 11 * above)
        server = Server(self, "command", certs=own(pair))
        names = ",".join(f"DNS:{number}.example" for number in range(1000, 3600))
        large = self.issue("large", names=names).with_suffix(".pem").read_text()
        path.write_text(leaf + 3 * large)
        server.signal(signal.SIGHUP)
        server.stderr.expect("SIGHUP: kept the old certificates: .*pair.pem.* intermediate CAs")
        client = Client(self, "command", server.port, certs=["--ca", ca()], messages=["Hello"])
        self.assertStatus(client, 0)
        self.assertRefusesToStart("command", "pair.pem", "intermediate CAs", certs=own(pair))
        check = Program(self, [PARLEYD, "check", "command", *own(pair)])
        self.assertFails(check, 78, "pair.pem", "intermediate CAs")

    def test_a_key_that_the_configuration_leaves_no_signature_for_is_refused(self):
        configuration = self.folder / "openssl.cnf"
        configuration.write_text(
            "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
            "[c]\nSignatureAlgorithms = rsa_pss_rsae_sha256\n")
        narrowed = {"OPENSSL_CONF": str(configuration)}
        pair = authority.good() / "server"
        self.assertRefusesToStart("hello", "server.key", "signature", "OpenSSL configuration",
                                  certs=own(pair), environment=narrowed)
        # A client's key is only tried where a server asks, since each connection would have to wait for that.
        certs = ["--ca", ca(), *own(authority.good() / "client")]
        rsa = own(self.issue("rsa", key="RSA -pkeyopt rsa_keygen_bits:2048"))
        asking = Server(self, "command", "--client-ca", ca(), certs=rsa)
        client = Client(self, "command", asking.port, messages=["Hello"], certs=certs, environment=narrowed)
        self.assertFails(client, 255, "client.key", "signature", "OpenSSL configuration")
        silent = Server(self, "command", certs=rsa)
        client = Client(self, "command", silent.port, messages=["Hello"], certs=certs, environment=narrowed)
        self.assertStatus(client, 0)

    def test_a_health_check_is_a_line_and_no_record(self):
        trail = self.folder / "audit"
        table = self.folder / "table.json5"
        authority.write(table, "{commands: {hi: {reply: 'hi'}}}")
        server = Server(self, "command", "--commands", str(table), "--audit", str(trail),
                        "--client-ca", ca(), certs=authority.good())
        socket.create_connection(("127.0.0.1", server.port)).close()
        server.stderr.expect(r"127\.0\.0\.1:\d+: .*without sending anything.*\n")
        with socket.create_connection(("127.0.0.1", server.port)) as balancer:
            balancer.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
            balancer.settimeout(30)
            balancer.recv(1)
        server.stderr.expect(r"127\.0\.0\.1:\d+: refused: .*PROXY protocol.*\n")
        # It is written by another loop than the line.
        eventually(lambda: "proxyHeader" in trail.read_text(), "the balancer's record")
        records = trail.read_text().splitlines()
        self.assertEqual([r for r in records if "without sending anything" in r], [])
        self.assertEqual(sum("proxyHeader" in r for r in records), 1)


if __name__ == "__main__":
    unittest.main()
