# SPDX-License-Identifier: Apache-2.0
"""The documents' conversations: both ends' standard output, to the byte, in every pairing."""

import dataclasses
import re
import unittest

import authority
from strangers import ask, client_context, connect, in_both_modes, read_to_end
from support import PARLEY, Client, Program, Server, TestCase, peer

CLIENT = "('127.0.0.1', CLIENT)"


@dataclasses.dataclass
class Conversation:
    """What both ends read and what they print; PORT and CLIENT are placeholders for the two ports."""

    protocol: str
    start: str
    session: str
    client: str
    operator: str = ""
    typed: str = ""

    @property
    def server(self):
        return self.start + self.session


HELLO = Conversation(
    protocol="hello",
    start="Server listening on port PORT\n",
    session=(f"Connection from: {CLIENT}\n"
             "Received from client: Hello from client\n"
             "Hello message sent\n"),
    client=("Hello message sent\n"
            "Received from server: Hello from server\n"),
)

GREETING = Conversation(
    protocol="greeting",
    start=("Socket creation successful\n"
           "socket binded to PORT\n"
           "socket is listening\n"),
    session=f"Got connection from {CLIENT}\n",
    client="Thank you for connecting\n",
)

COMMAND = Conversation(
    protocol="command",
    start=("Socket initialized successfully.\n"
           "Socket ready for incoming messages.\n"),
    session=("Connected.\n"
             "Received: Hello\n"
             "Received: Are you there?\n"
             "Received: Où est la gare ? 🚉\n"
             "Received:  hello \n"
             "Received: quit\n"),
    typed="Hello\nAre you there?\nOù est la gare ? 🚉\n hello \nquit\n",
    client=("Execute command: Server response: Greetings!\n"
            "Execute command: Server response: Yes, I am here!\n"
            "Execute command: Server response: Unknown command.\n"
            "Execute command: Server response: Unknown command.\n"
            "Execute command: Server response: Closing down\n"),
)

CHAT = Conversation(
    protocol="chat",
    start="Server started. Waiting for a client...\n",
    session=(f"Client connected from {CLIENT}\n"
             "Client says: Anybody home?\n"
             "Server: Client says: Ça va ?\n"
             "Server: Closing connection\n"),
    operator="Only me.\nOui, merci.\n",
    typed="Anybody home?\nÇa va ?\nBYE\n",
    client=("Connected to the server.\n"
            "Client: Server says: Only me.\n"
            "Client: Server says: Oui, merci.\n"
            "Client: "),
)

CONVERSATIONS = [HELLO, GREETING, COMMAND, CHAT]

PAIR_SERVER = ["Server listening on port PORT", f"Connection from {CLIENT}",
               "Server: Hello from client", "Hello message sent from server"]
PAIR_CLIENT = ["Client: Hello message sent", "Client: Hello from server"]


def anonymous(text, port):
    """Replace what the kernel chose: the server's port, then the client's."""
    text = re.sub(rf"(?m)^(Server listening on port|socket binded to) {port}$", r"\1 PORT", text)
    return re.sub(r"\('127\.0\.0\.1', \d+\)", CLIENT, text)


def screen(program):
    """What a terminal shows, without the carriage returns that the terminal adds."""
    return program.stdout.text.replace("\r\n", "\n")


class Transcripts(TestCase):
    """A pair prints what the documents' own pair prints."""

    def serve(self, ours, conversation, certs):
        operator = conversation.operator or None
        if ours:
            return Server(self, conversation.protocol, "--once", certs=certs, stdin=operator)
        return peer(self, conversation.protocol, "server", certs=certs, stdin=operator)

    def ask(self, ours, conversation, port, certs):
        typed = conversation.typed or None
        if ours:
            return Client(
                self, conversation.protocol, port, certs=certs, stdin=typed)
        return peer(self, conversation.protocol, "client", port, certs=certs, stdin=typed)

    def check(self, our_server, our_client, certs):
        for conversation in CONVERSATIONS:
            with self.subTest(conversation.protocol):
                self.converse(our_server, our_client, conversation, certs)

    def converse(self, our_server, our_client, conversation, certs):
        server = self.serve(our_server, conversation, certs)
        client = self.ask(our_client, conversation, server.port, certs)
        # The counterpart ends without close_notify, which only `greeting` needs to recognise an end.
        cut = certs and our_client and not our_server and conversation is GREETING
        self.assertStatus(client, 252 if cut else 0)
        self.assertStatus(server, 0)
        self.assertEqual(anonymous(server.stdout.text, server.port), conversation.server)
        self.assertEqual(client.stdout.text, conversation.client)

    @in_both_modes
    def test_our_server_and_a_stranger_print_the_documents_lines(self, certs):
        self.check(our_server=True, our_client=False, certs=certs)

    @in_both_modes
    def test_our_client_and_a_stranger_print_the_documents_lines(self, certs):
        self.check(our_server=False, our_client=True, certs=certs)

    @in_both_modes
    def test_our_own_pair_prints_the_documents_lines(self, certs):
        self.check(our_server=True, our_client=True, certs=certs)

    @in_both_modes
    def test_the_strangers_themselves_print_the_documents_lines(self, certs):
        self.check(our_server=False, our_client=False, certs=certs)

    @in_both_modes
    def test_both_ends_in_one_process_print_the_first_documents_lines(self, certs):
        security = ["--certs", str(certs)] if certs else ["--plaintext"]
        pair = Program(self, [PARLEY, "pair", "hello", "--port", "0", *security])
        self.assertStatus(pair, 0)
        port = re.search(r"listening on port (\d+)", pair.stdout.text)[1]
        lines = anonymous(pair.stdout.text, port).splitlines()
        self.assertCountEqual(lines, PAIR_SERVER + PAIR_CLIENT)
        for end in (PAIR_SERVER, PAIR_CLIENT):  # The order between the two ends is not defined.
            self.assertEqual([line for line in lines if line in end], end)


class Terminals(TestCase):
    """The screen of a person at the keyboard is the documents' too."""

    @in_both_modes
    def test_command_at_a_terminal_shows_each_exchange_on_its_lines(self, certs):
        for ours in (True, False):
            with self.subTest(our_server=ours):
                server = (Server(self, "command", "--once", certs=certs) if ours else
                          peer(self, "command", "server", certs=certs))
                client = Client(self, "command", server.port, certs=certs, terminal=True)
                for message in ("Hello", "quit"):
                    client.stdout.expect("Execute command: ")
                    client.type(message + "\n")
                client.stdout.expect("Closing down\r\n")
                self.assertStatus(client, 0)
                self.assertEqual(screen(client), (
                    "Execute command: Hello\nServer response: Greetings!\n"
                    "Execute command: quit\nServer response: Closing down\n"))

    @in_both_modes
    def test_chat_at_two_terminals_shows_each_exchange_on_its_lines(self, certs):
        server = Server(self, "chat", "--once", certs=certs, terminal=True)
        client = Client(self, "chat", server.port, certs=certs, terminal=True)
        client.stdout.expect("Client: ")
        client.type("Anybody home?\n")
        server.stdout.expect("Server: ")
        server.type("Only me.\n")
        client.stdout.expect("Only me.\r\nClient: ")
        client.type("BYE\n")
        client.stdout.expect("BYE\r\n")
        server.stdout.expect("Closing connection\r\n")
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        self.assertEqual(anonymous(screen(server), server.port), (
            f"Server started. Waiting for a client...\nClient connected from {CLIENT}\n"
            "Client says: Anybody home?\nServer: Only me.\nClosing connection\n"))
        self.assertEqual(screen(client), (
            "Connected to the server.\nClient: Anybody home?\nServer says: Only me.\n"
            "Client: BYE\n"))

    def test_the_end_of_input_at_a_terminal_ends_the_session(self):
        server = Server(self, "command")
        client = Client(self, "command", server.port, terminal=True)
        client.stdout.expect("Execute command: ")
        client.end_input()
        self.assertStatus(client, 0)


class Sessions(TestCase):
    """Where the documents' programs stop, wait for ever or crash, ours go on."""

    def test_a_server_without_once_serves_any_number_of_sessions(self):
        for conversation in (HELLO, GREETING, COMMAND):
            with self.subTest(conversation.protocol):
                server = Server(self, conversation.protocol)
                for _ in range(3):
                    client = Client(self, conversation.protocol, server.port,
                                    stdin=conversation.typed or None)
                    self.assertStatus(client, 0)
                    server.stdout.expect(re.escape(conversation.session.splitlines()[-1]) + "\n"
                                         if conversation is not GREETING else r"\d\)\n")
                self.assertEqual(anonymous(server.stdout.text, server.port),
                                 conversation.start + conversation.session * 3)

    def test_command_sessions_are_open_side_by_side(self):
        server = Server(self, "command", "--threads", "1")
        connections = [connect(self, server.port) for _ in range(10)]
        for connection in connections + connections[::-1]:
            self.assertEqual(ask(connection, "Hello"), "Greetings!")

    @in_both_modes
    def test_a_second_chat_client_waits_until_the_first_is_over(self, certs):
        context = certs and client_context()
        server = Server(self, "chat", certs=certs, stdin="one\ntwo\nthree\n")
        first = connect(self, server.port, context)
        self.assertEqual(ask(first, "a1"), "one")
        second = connect(self, server.port, context)
        second.sendall(b"b1")
        self.assertEqual(ask(first, "a2"), "two")
        first.sendall(b"BYE")
        self.assertEqual(second.recv(1024), b"three")
        second.sendall(b"BYE")
        server.stdout.expect("(?s)Closing connection\n.*Closing connection\n")
        self.assertEqual(anonymous(server.stdout.text, server.port), (
            CHAT.start +
            f"Client connected from {CLIENT}\n"
            "Client says: a1\nServer: Client says: a2\nServer: Closing connection\n"
            f"Client connected from {CLIENT}\n"
            "Client says: b1\nServer: Closing connection\n"))

    def test_an_empty_line_is_asked_again(self):
        server = Server(self, "command")
        client = Client(self, "command", server.port, stdin="\n\nHello\nquit\n")
        self.assertStatus(client, 0)
        self.assertEqual(client.stdout.text, (
            "Execute command: Execute command: Execute command: Server response: Greetings!\n"
            "Execute command: Server response: Closing down\n"))

    def test_an_empty_line_of_either_chat_end_is_asked_again(self):
        server = Server(self, "chat", "--once", stdin="\nyes\n")
        client = Client(self, "chat", server.port, stdin="\nhey\n\nBYE\n")
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        self.assertTrue(server.stdout.text.endswith(
            "Client says: hey\nServer: Server: Closing connection\n"), server.story)
        self.assertEqual(client.stdout.text, (
            "Connected to the server.\nClient: Client: Server says: yes\nClient: Client: "))

    def test_the_end_of_input_ends_the_session_after_the_prompt(self):
        for protocol, expected in (
            ("command", "Execute command: Server response: Unknown command.\nExecute command: "),
            ("chat", "Connected to the server.\nClient: Server says: yes\nClient: "),
        ):
            with self.subTest(protocol):
                server = Server(self, protocol, "--once", stdin="yes\n")
                client = Client(self, protocol, server.port, stdin="hey\n")
                self.assertStatus(client, 0)
                self.assertStatus(server, 0)
                self.assertEqual(client.stdout.text, expected)

    def test_a_last_line_without_a_newline_is_a_message(self):
        server = Server(self, "command", "--once")
        client = Client(self, "command", server.port, stdin="Hello\nquit")
        self.assertStatus(client, 0)
        self.assertTrue(client.stdout.text.endswith("response: Closing down\n"), client.story)

    def test_the_end_of_the_operators_input_ends_the_chat_and_the_server(self):
        for options in ([], ["--once"]):
            with self.subTest(options):
                server = Server(self, "chat", *options, stdin="")
                client = Client(self, "chat", server.port, stdin="hey\n")
                self.assertFails(client, 252)
                self.assertStatus(server, 0)

    def test_bytes_that_are_no_utf8_are_an_unknown_command(self):
        server = Server(self, "command")
        self.assertEqual(ask(connect(self, server.port), b"caf\xe9"), "Unknown command.")
        server.stdout.expect("Received: caf\ufffd\n")

    def test_a_failed_handshake_is_no_session_for_once(self):
        server = Server(self, "hello", "--once", certs=authority.good())
        stranger = connect(self, server.port)
        stranger.sendall(b"this is no handshake")
        read_to_end(stranger)
        stranger.close()
        client = Client(self, "hello", server.port, certs=authority.good())
        self.assertStatus(client, 0)
        self.assertStatus(server, 0)
        self.assertEqual(anonymous(server.stdout.text, server.port), HELLO.server)

    def test_a_second_client_is_no_session_for_once(self):
        server = Server(self, "command", "--once", certs=authority.good())
        # Connected first, so that it was accepted before the one session began.
        second = connect(self, server.port)
        first = connect(self, server.port, client_context())
        second = client_context().wrap_socket(second, server_hostname="127.0.0.1")
        self.addCleanup(second.close)
        self.assertEqual(read_to_end(second), b"")
        server.stderr.expect("refused: the one session of --once is under way\n")
        self.assertEqual(ask(first, "Hello"), "Greetings!")
        first.close()
        self.assertStatus(server, 0)

    def test_a_client_that_leaves_without_a_word_ends_only_its_session(self):
        server = Server(self, "command")
        connect(self, server.port).close()
        server.stdout.expect("Connected.\n")
        self.assertEqual(ask(connect(self, server.port), "Hello"), "Greetings!")


if __name__ == "__main__":
    unittest.main()
