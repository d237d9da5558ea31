# SPDX-License-Identifier: Apache-2.0
"""What a reload and the time change for open sessions of messages."""

import datetime
import shutil
import signal
import unittest

import authority
from authority import issue
from people import client, people
from remote_server import REPLIES, RemoteServer
from strangers import ask, client_context, connect
from support import PIPE, Server, TestCase, eventually
from test_remote_reload import revocation


class Reload(TestCase):

    def session(self, server, certificate):
        return connect(self, server.port, client_context(certificate))

    def crl(self):
        before, after = revocation()
        crl = people() / f"{self.id()}.pem"
        shutil.copy(before, crl)
        return crl, after

    def test_the_replies_in_force_are_given(self):
        server = RemoteServer(self, REPLIES)
        session = self.session(server, client("dora"))
        self.assertEqual(ask(session, "Hello"), "Greetings!")
        server.replace({"Hello": {"reply": "Good day!"}})
        self.assertEqual(ask(session, "Hello"), "Good day!")
        self.assertEqual(ask(session, "Are you there?"), "Unknown command.")

    def test_a_client_that_was_revoked_is_ended_at_its_next_message(self):
        crl, after = self.crl()
        server = RemoteServer(self, REPLIES, "--crl", str(crl))
        leaver, other = (self.session(server, client(name)) for name in ("leaver", "dora"))
        for session in (leaver, other):
            self.assertEqual(ask(session, "Hello"), "Greetings!")
        shutil.copy(after, crl)
        server.reload()
        # A clean end: Python raises for any other.
        self.assertEqual(ask(leaver, "Hello"), "")
        server.stderr.expect(r"leaver\.example.*it was ended instead of replying.*revoked")
        eventually(lambda: server.records("session-end"), "the record of the end")
        refusal, = server.records("refusal")
        self.assertEqual((refusal["code"], refusal["names"]),
                         ("notAllowed", ["dns:leaver.example"]))
        self.assertRegex(server.records("session-end")[0]["reason"], "revoked")
        self.assertEqual(ask(other, "Hello"), "Greetings!")

    def test_a_client_whose_certificate_expired_is_ended_at_its_next_message(self):
        server = RemoteServer(self, REPLIES)
        people()
        # Time enough for a handshake on a busy machine.
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
        issue(people(), "fleeting", names="DNS:fleeting.example", purpose="clientAuth",
              dates=("20200101000000Z", end.strftime("%Y%m%d%H%M%SZ")))
        session = self.session(server, people() / "fleeting")
        replies = [ask(session, "Hello")]
        self.assertEqual(replies, ["Greetings!"])
        eventually(lambda: (replies.append(ask(session, "Hello")), replies[-1] == "")[1], "the end")
        server.stderr.expect("expired on")
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc),
                                end.replace(microsecond=0))

    def test_an_operator_is_not_asked_for_a_client_that_was_revoked(self):
        crl, after = self.crl()
        server = Server(self, "chat", "--client-ca", str(authority.good() / "ca.pem"),
                        "--crl", str(crl), certs=authority.good(), stdin=PIPE)
        leaver = self.session(server, client("leaver"))
        leaver.sendall(b"hey")
        server.stdout.expect("Server: ")
        server.type("welcome\n")
        self.assertEqual(leaver.recv(1024), b"welcome")
        shutil.copy(after, crl)
        server.signal(signal.SIGHUP)
        server.stderr.expect(r"SIGHUP: certificates[^\n]*\n")
        self.assertEqual(ask(leaver, "secret"), "")
        server.stderr.expect("revoked")
        self.assertNotIn("secret", server.stdout.text)


if __name__ == "__main__":
    unittest.main()
