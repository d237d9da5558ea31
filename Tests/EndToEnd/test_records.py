# SPDX-License-Identifier: Apache-2.0
"""Where a message ends: at its record over TLS, wherever a read ends over plaintext."""

import ssl
import unittest

import authority
from strangers import client_context, connect
from support import Server, TestCase

TWO = (b"Hello", b"Are you there?")
ANSWERS = (b"Greetings!", b"Yes, I am here!")


class Engine:
    """A TLS client whose records the test carries, so that it chooses what travels together."""

    def __init__(self, connection):
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client_context().wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost")
        self._complete(self._tls.do_handshake)
        self.flush()

    def _complete(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                received = self._connection.recv(65536)
                if not received:
                    raise AssertionError("the server ended the connection") from None
                self._incoming.write(received)

    def record(self, message):
        """The bytes of one record, not sent."""
        self._tls.write(message)
        return self._outgoing.read()

    def flush(self):
        self._connection.sendall(self._outgoing.read())

    def read(self):
        """What one record holds."""
        return self._complete(lambda: self._tls.read(65536))


class Records(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls, "command", certs=authority.good())

    def test_two_messages_sent_back_to_back_get_two_replies_in_two_records(self):
        connection = connect(self, self.server.port, client_context())
        for message in TWO:
            connection.sendall(message)
        for answer in ANSWERS:
            self.assertEqual(connection.recv(1024), answer)
        self.server.stdout.expect(r"Received: Hello\nReceived: Are you there\?\n")

    def test_records_that_arrive_in_one_segment_are_still_two_messages(self):
        connection = connect(self, self.server.port)
        engine = Engine(connection)
        connection.sendall(b"".join(engine.record(message) for message in TWO * 50))
        for answer in ANSWERS * 50:
            self.assertEqual(engine.read(), answer)

    def test_a_record_that_arrives_in_pieces_is_one_message(self):
        connection = connect(self, self.server.port)
        engine = Engine(connection)
        record = engine.record(TWO[1])
        other = connect(self, self.server.port, client_context())
        for index in range(len(record)):
            connection.sendall(record[index:index + 1])
            if index % 10 == 0:  # The server is seen to be up to date between the pieces.
                other.sendall(TWO[0])
                self.assertEqual(other.recv(1024), ANSWERS[0])
        self.assertEqual(engine.read(), ANSWERS[1])

    def test_a_record_longer_than_a_message_harms_nobody_else(self):
        connection = connect(self, self.server.port, client_context())
        connection.sendall(b"x" * 16000)
        try:
            self.assertIn(connection.recv(1024), (b"", b"Unknown command."))
        except OSError as error:  # An alert or a reset says the same as an end.
            self.assertNotIsInstance(error, TimeoutError)
        other = connect(self, self.server.port, client_context())
        other.sendall(TWO[0])
        self.assertEqual(other.recv(1024), ANSWERS[0])

    def test_over_plaintext_two_messages_may_arrive_as_one(self):
        server = Server(self, "command")
        connection = connect(self, server.port)
        connection.sendall(b"".join(TWO))
        self.assertEqual(connection.recv(1024), b"Unknown command.")
        server.stdout.expect(r"Received: HelloAre you there\?\n")


if __name__ == "__main__":
    unittest.main()
