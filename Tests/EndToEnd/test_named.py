# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong with a connection or a session, the sentence names the host as the user typed it."""

import socket
import ssl
import unittest

import authority
from hosts import configured
from remote_server import REPLIES, TableServer, shell
from runs import ENDS, FalseServer
from strangers import Stub, listening, server_context
from support import PARLEY, Program, Server, TestCase

MESSAGES = ("hello", "greeting", "command", "chat")


class Named(TestCase):
    """As `web1`, which the configuration has another address for, and as what was typed."""

    def both(self, port, *words, **entry):
        """The same with and without a short name; yields the words and what a sentence begins with."""
        certs = str(authority.good())
        entry = {"address": "127.0.0.1", "port": port, "serverName": "localhost", "certs": certs, **entry}
        config = configured({"web1": entry})
        options = [word for key, option in (("serverName", "--server-name"), ("certs", "--certs"), ("cert", "--cert"),
                                            ("key", "--key"), ("ca", "--ca"), ("pin", "--pin"))
                   if key in entry for word in (option, entry[key])]
        if "--plaintext" in words:
            options = []
        yield ["--config", config], "web1", rf"web1 \(127\.0\.0\.1:{port}\): "
        yield options, f"127.0.0.1:{port}", rf"127\.0\.0\.1:{port}: "

    def fails(self, status, *saying, port, words, more=(), entry=None, begins=None, **how):
        """Each fails with one sentence, which begins with the host and then matches all of `saying`."""
        for options, host, prefix in self.both(port, *words, **(entry or {})):
            with self.subTest(words, host=host):
                run = Program(self, [PARLEY, words[0], *options, *words[1:], host, *more], **how)
                run.name = "parley"
                self.assertFails(run, status, f"^parley: {begins or prefix}", *saying)

    def everywhere(self, status, *saying, port, **how):
        """For `run` and for the tutorials' protocols over TLS."""
        self.fails(status, *saying, port=port, words=["run"], more=["--", "Hello"], **how)
        for protocol in MESSAGES:
            self.fails(status, *saying, port=port, words=[protocol], stdin="x\n", **how)


class Connections(Named):

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        for words, more in ((["run"], ["--", "x"]), (["run"], []), (["hello"], []), (["hello", "--plaintext"], [])):
            for options, host, _ in self.both(port, *words):
                with self.subTest(words, host=host):
                    run = Program(self, [PARLEY, words[0], *options, *words[1:], host, *more], stdin="")
                    name = "web1: " if host == "web1" else ""
                    self.assertFails(run, 255, f"^parley: {name}cannot connect to 127.0.0.1:{port}: ")

    def test_the_name_has_no_address(self):
        for host, options, said in (
                ("web1", ["--config", configured({"web1": {"address": "nowhere.invalid"}})],
                 "web1: cannot find an address for nowhere.invalid"),
                ("nowhere.invalid", [], "cannot find an address for nowhere.invalid")):
            for words in (["run"], ["hello", "--plaintext"]):
                run = Program(self, [PARLEY, *words, *options, host], stdin="")
                self.assertFails(run, 255, f"^parley: {said}")

    def test_nobody_answers(self):
        listener, port = listening(self, backlog=0)
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            self.addCleanup(one.close)
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        for options, host, _ in self.both(port):
            run = Program(self, [PARLEY, "run", *options, "--connect-timeout", "0.5", host, "--", "x"])
            name = "web1: " if host == "web1" else ""
            self.assertFails(run, 255, f"^parley: {name}cannot connect to 127.0.0.1:{port}: no answer")
        del listener


class Handshakes(Named):

    def test_the_server_sends_nothing(self):
        _, port = listening(self)
        for words in (["run", "--handshake-timeout", "0.3"], ["hello", "--handshake-timeout", "0.3"]):
            self.fails(255, "handshake timed out", port=port, words=words)

    def test_the_server_speaks_no_tls(self):
        server = Server(self, "greeting")
        self.everywhere(255, "speaks plaintext", port=server.port)

    def test_the_server_leaves_in_the_handshake(self):
        stub = Stub(self, lambda connection: connection.recv(65_536))
        self.everywhere(255, "ended the connection during the TLS handshake", port=stub.port)

    def test_the_servers_certificate_is_not_trusted(self):
        bad = authority.bad()
        for name, words in (("wrong-name", "is not for localhost"), ("expired", "expired"), ("other-ca", "CA"),
                            ("self-signed", "self-signed"), ("wrong-purpose", "wrong purpose")):
            with self.subTest(name):
                stub = Stub(self, context=server_context(bad / name))
                self.everywhere(254, words, port=stub.port)

    def test_the_key_is_not_the_pinned_one(self):
        stub = Stub(self, context=server_context())
        self.everywhere(254, "not the pinned one", port=stub.port, entry={"pin": "sha256//" + "A" * 43 + "="})

    def test_the_server_has_another_version(self):
        stub = Stub(self, context=server_context(maximum=ssl.TLSVersion.TLSv1_2))
        self.everywhere(255, "no TLS version in common", port=stub.port)

    def test_the_server_does_not_trust_the_client(self):
        server = Server(self, "command", "--client-ca", authority.good() / "ca.pem", certs=authority.good())
        other = authority.good("other")
        ca = str(authority.good() / "ca.pem")
        for entry, words in (({"certs": None, "ca": ca, "cert": str(other / "client.pem"),
                               "key": str(other / "client.key")}, "rejected our certificate"),
                             ({"certs": None, "ca": ca}, "requires a client certificate")):
            entry = {"serverName": "localhost", **entry}
            for command, more in ((["command"], ["--", "Hello"]), (["run"], ["--", "Hello"])):
                self.untrusted(server.port, entry, command, more, words)

    def untrusted(self, port, entry, command, more, words):
        entry = {key: value for key, value in entry.items() if value}
        config = configured({"web1": {"address": "127.0.0.1", "port": port, **entry}})
        run = Program(self, [PARLEY, *command, "--config", config, "web1", *more])
        self.assertFails(run, 254, rf"^parley: web1 \(127\.0\.0\.1:{port}\): ", words)

    def test_the_server_has_no_remote_sessions(self):
        server = Server(self, "command", certs=authority.good())
        self.fails(255, "does not offer remote sessions", port=server.port, words=["run"], more=["--", "Hello"])


class Sessions(Named):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = TableServer(cls, {
            **REPLIES, "much": shell("head -c 100000 /dev/zero", output=5000), "late": shell("sleep 60", timeout=0.2),
            "nobody": {"run": ["/bin/true"]}, "status": shell("exit 3")})

    def test_a_command_is_refused_or_stopped(self):
        for command, status, words in (("nobody", 253, "refused: .*not allowed"), ("late", 251, "time limit"),
                                       ("unheard of", 253, "no command")):
            self.fails(status, command, words, port=self.server.port, words=["run"], more=["--", command])

    def test_the_output_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            self.fails(255, "cannot write to standard output", port=self.server.port, words=["run"],
                       more=["--", "Hello"], stdout=full.fileno())
            self.fails(255, "cannot write to standard output", port=self.server.port, words=["command"],
                       more=["--", "Hello"], stdout=full.fileno())

    def test_the_connection_ends_too_early(self):
        for how, end in ENDS.items():
            with self.subTest(how):
                server = FalseServer(self, b"", end)
                self.fails(252, "outcome was known|cut short|broke during the read", port=server.port, words=["run"],
                           more=["--", "Hello"])

    def test_a_message_session_ends_too_early(self):
        stub = Stub(self, lambda connection: connection.recv(64), server_context())
        for words, more in ((["hello"], []), (["command"], ["--", "Hello"]), (["chat"], [])):
            self.fails(252, "ended|cut short", port=stub.port, words=words, more=more, stdin="x\n")
        plain = Stub(self, lambda connection: connection.recv(64))
        for words, more in ((["hello"], []), (["command"], ["--", "Hello"])):
            self.fails(252, "ended", port=plain.port, words=[*words, "--plaintext"], more=more)

    def test_the_server_breaks_the_protocol(self):
        server = FalseServer(self, b"\xff\0\0\0\0")
        self.fails(255, "violated parley/1", port=server.port, words=["run"], more=["--", "Hello"])

    def test_a_person_at_a_prompt_reads_it_too(self):
        for options, host, prefix in self.both(self.server.port):
            with self.subTest(host):
                session = Program(self, [PARLEY, "run", *options, host], terminal=True)
                self.addCleanup(session.type, "\x04")
                at = rf"web1 at 127\.0\.0\.1:{self.server.port}" if host == "web1" else host
                session.stderr.expect(rf"parley: connected to {at} \(TLS")
                for line, words in (("status", "status: exit status 3"), ("nobody", "nobody: refused: "),
                                    ("help nothing", "no command 'nothing'"), ("'", "not sent")):
                    session.stdout.expect(r"(web1|:\d+)> ")
                    session.type(line + "\n")
                    session.stderr.expect(f"parley: {prefix}.*{words}")

    def test_a_session_that_the_server_ends(self):
        server = TableServer(self, REPLIES)
        for options, host, prefix in list(self.both(server.port))[:1]:
            session = Program(self, [PARLEY, "run", *options, host], terminal=True)
            session.stdout.expect(r"(web1|:\d+)> ")
            server.signal(15)
            session.stderr.expect(f"parley: {prefix}the server ended the session")
            session.wait()


if __name__ == "__main__":
    unittest.main()
