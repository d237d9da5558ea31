# SPDX-License-Identifier: Apache-2.0
"""Where a message ends, at its record over TLS and at a read over plaintext, and its size."""

import socket
import unittest

import authority
from strangers import Engine, Stub, client_context, connect, in_both_modes, server_context
from support import Client, Server, TestCase

TWO = (b"Hello", b"Are you there?")
ANSWERS = (b"Greetings!", b"Yes, I am here!")


def shaken(connection):
    """One that has shaken hands."""
    made = Engine(connection)
    made.shake_hands()
    made.flush()
    return made


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
        engine = shaken(connection)
        connection.sendall(b"".join(engine.record(message) for message in TWO * 50))
        for answer in ANSWERS * 50:
            self.assertEqual(engine.read(), answer)

    def test_a_record_that_arrives_in_pieces_is_one_message(self):
        connection = connect(self, self.server.port)
        engine = shaken(connection)
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
            self.assertNotIsInstance(error, socket.timeout)
        other = connect(self, self.server.port, client_context())
        other.sendall(TWO[0])
        self.assertEqual(other.recv(1024), ANSWERS[0])

    def test_over_plaintext_two_messages_may_arrive_as_one(self):
        server = Server(self, "command")
        connection = connect(self, server.port)
        connection.sendall(b"".join(TWO))
        self.assertEqual(connection.recv(1024), b"Unknown command.")
        server.stdout.expect(r"Received: HelloAre you there\?\n")

    @in_both_modes
    def test_a_greeting_in_pieces_is_printed_whole(self, certs):
        def greet(connection):
            for byte in "Thank you, café".encode():
                connection.sendall(bytes([byte]))
            if certs:
                connection.unwrap()
        server = Stub(self, greet, certs and server_context())
        client = Client(self, "greeting", server.port, certs=certs)
        self.assertStatus(client, 0)
        self.assertEqual(client.stdout.text, "Thank you, café\n")


class Sizes(TestCase):
    """A message has at most 1,024 bytes of UTF-8; the client sends nothing that is longer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls, "command")

    def test_the_longest_message_is_sent_whole(self):
        client = Client(self, "command", self.server.port,
                        messages=["x" * 1024, "é" * 512])
        self.assertStatus(client, 0)
        self.assertEqual(client.stdout.text, "Unknown command.\n" * 2)
        self.server.stdout.expect(r"Received: x{1024}\nReceived: é{512}\n")

    def test_a_longer_message_is_refused_before_anything_is_sent(self):
        for size in ("L" * 1025, "é" * 513):
            with self.subTest(size[:1]):
                client = Client(self, "command", self.server.port,
                                messages=["before", size])
                self.assertFails(client, 255, "1,?024")
                self.assertEqual(client.stdout.text, "")
        self.assertNotRegex(self.server.stdout.text, "Received: (before|LL|éé)")

    def test_a_longer_line_of_a_script_ends_the_session(self):
        client = Client(self, "command", self.server.port, stdin="M" * 1025 + "\nquit\n")
        self.assertFails(client, 255, "1,?024")
        self.assertEqual(client.stdout.text, "Execute command: ")
        self.assertNotIn("MM", self.server.stdout.text)

    def test_a_longer_line_of_a_person_is_asked_again(self):
        server = Server(self, "chat", "--once", terminal=True)
        client = Client(self, "chat", server.port, terminal=True)
        client.stdout.expect("Client: ")
        client.type("C" * 1025 + "\n")
        client.stderr.expect("1,?024")
        client.stdout.expect("Client: ")
        client.type("hey\n")
        server.stdout.expect("Client says: hey\r\nServer: ")
        server.type("O" * 1025 + "\n")
        server.stderr.expect("1,?024")
        server.stdout.expect("Server: ")
        server.type("short\n")
        client.stdout.expect("Server says: short\r\nClient: ")
        client.type("BYE\n")
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)



if __name__ == "__main__":
    unittest.main()
