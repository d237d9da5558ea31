# SPDX-License-Identifier: Apache-2.0
"""Good clients of the message protocols, over Python's `socket` and `ssl`."""

import socket

from actor import Actor, Settled
from house import REPLIES, reply
from ledger import Failure, Visit, token
from strangers import client_context

PATIENCE = 10.0
DOCUMENTS = [("Hello", "Greetings!"), ("Are you there?", "Yes, I am here!")]
MOST_MESSAGES = 5


class Messenger(Actor):
    """A connection for each event, from its first byte to the server's end."""

    identity = "guest-0"

    def conversation(self, server, exchanges):
        """Sends each message, compares each reply, and reads the end; None sends nothing."""
        is_plain = server.startswith("plaintext")
        request = self.ledger.open(self.name, "message", f"{server}, connection", "connection")
        try:
            stream = socket.create_connection(("127.0.0.1", self.house[server].port), PATIENCE)
            try:
                if not is_plain:
                    context = client_context(self.house.certificate(self.identity))
                    stream = context.wrap_socket(
                        stream, server_hostname="localhost", suppress_ragged_eofs=False)
                visit = Visit("%s:%d" % stream.getsockname(), request.began)
                request.answered("", True)
                for message, expected in exchanges:
                    request = self.ledger.open(self.name, "message", message or server)
                    if message is not None:
                        stream.sendall(message.encode())
                    answer = stream.recv(4096)
                    if not answer:
                        raise ConnectionError("the end in place of a reply")
                    request.answered(answer.decode("utf-8", "backslashreplace"),
                                     answer == expected.encode())
                    visit.replies[message] += 1
                request = self.ledger.open(self.name, "message", f"{server}, end", "end")
                self.finish(stream, request, is_plain)
                if server == "remote":
                    self.ledger.visited(visit)
            finally:
                stream.close()
        except TimeoutError as failure:
            request.lost(failure)
            raise Settled from failure
        except OSError as failure:
            request.failed(Failure("connection", 0, str(failure)))
            raise Settled from failure

    def finish(self, stream, request, is_plain):
        extra = stream.recv(4096)
        request.answered(f"doubled, or more than was asked for: {extra!r}", not extra)
        if not is_plain:
            stream.unwrap()

    def command(self, dice):
        texts = [reply(dice.randrange(REPLIES)) for _ in range(dice.randint(1, MOST_MESSAGES))]
        self.conversation("remote", [*texts, ("quit", "Closing down")])

    def plaintext_command(self, dice):
        texts = [dice.choice([*DOCUMENTS, (token(dice), "Unknown command.")])
                 for _ in range(dice.randint(1, MOST_MESSAGES))]
        self.conversation("plaintext command", [*texts, ("quit", "Closing down")])

    def hello(self, _, server="hello"):
        self.conversation(server, [("Hello from client", "Hello from server")])

    def plaintext_hello(self, dice):
        self.hello(dice, "plaintext hello")

    def greeting(self, _, server="greeting"):
        self.conversation(server, [(None, "Thank you for connecting")])

    def plaintext_greeting(self, dice):
        self.greeting(dice, "plaintext greeting")


class Talker(Messenger):
    """The only client of a chat, whose operator gives each message back."""

    def chat(self, dice):
        names = [token(dice) for _ in range(dice.randint(1, MOST_MESSAGES))]
        self.conversation(self.name.replace("-", " "),
                          [(name, f"you said {name}") for name in names])

    def finish(self, stream, request, is_plain):
        stream.sendall(b"BYE")
        super().finish(stream, request, is_plain)
