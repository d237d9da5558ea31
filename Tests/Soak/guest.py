# SPDX-License-Identifier: Apache-2.0
"""A good client of `parley/1`, written from docs/protocol.md alone."""

import random
import time

from actor import Actor, Settled
from house import REPLIES, reply
from ledger import Failure, Visit, token
from parley1 import BY_ITSELF, BY_SIGNAL, CANCEL, OUTPUT, run
from process import Owner
from remote import Ended, Session

LARGEST_STREAM = 1 << 20
LARGEST_CAT = 20_000
MOST_IN_A_BATCH = 12


def data_of(name, size):
    return random.Random(name).randbytes(size)


class Guest(Actor):
    """Keeps a session over several events; each request has one token that comes back."""

    session, owner, visit = None, None, None

    def connected(self):
        """The open session, or a new one."""
        if self.session:
            return self.session
        self.owner = Owner()
        request = self.ledger.open(self.name, "session", "of parley/1")
        try:
            self.session = Session(
                self.owner, self.house["remote"].port, self.house.certificate(self.name))
        except (TimeoutError, AssertionError) as failure:
            request.lost(failure)
            raise Settled from failure
        except OSError as failure:
            request.failed(Failure("connection", 0, str(failure)))
            raise Settled from failure
        self.visit = Visit("%s:%d" % self.session.stream.getsockname(), request.began)
        possible = self.house.server_certificates.possible(request.began, time.monotonic())
        request.answered("a server certificate that is not in force",
                         self.session.stream.getpeercert(True) in possible)
        return self.session

    def drop(self):
        self.session = None
        self.owner.close()

    def settle(self, request, is_right, data=b""):
        """Reads one outcome and enters it; `is_right` judges it."""
        try:
            outcome = self.session.outcome(data)
        except Ended as ended:
            request.failed(Failure("connection", 0, str(ended)))
        except TimeoutError as failure:
            request.lost(failure)
        except AssertionError as failure:
            request.answered(f"a broken rule: {failure}", False)
        else:
            if outcome.code is not None and not outcome.output and not outcome.errors:
                request.failed(Failure("refusal", outcome.code, outcome.sentence))
            else:
                request.answered(shown(outcome), is_right(outcome))
                if request.kind == "reply":
                    self.visit.replies[request.name] += 1
            return
        self.drop()
        raise Settled

    def ask(self, kind, words, is_right, data=b""):
        session = self.connected()
        name = words[1] if len(words) > 1 else words[0]
        request = self.ledger.open(self.name, kind, name)
        session.run(*words)
        self.settle(request, is_right, data)

    # Requests: the kind, the words, and what is right

    def some(self, dice):
        """Any request that can be part of a batch."""
        return dice.choices([self.an_echo, self.a_both, self.a_reply, self.an_identity],
                            [3, 1, 5, 1])[0](dice)

    def an_echo(self, dice):
        name = token(dice)
        return "program", ("echo", name), exactly(f"{name}\n".encode())

    def a_both(self, dice):
        name, status = token(dice), dice.randrange(256)
        return "program", ("both", name, str(status)), exactly(
            f"{name}\n".encode(), f"{name} error\n".encode(), (BY_ITSELF, status))

    def a_reply(self, dice):
        name, text = reply(dice.randrange(REPLIES))
        return "reply", (name,), exactly(f"{text}\n".encode())

    def an_identity(self, _):
        start = f"dns:{self.name}.example\nnames: dns:{self.name}.example\n".encode()
        return "reply", ("whoami",), lambda outcome: (
            outcome.ended == (BY_ITSELF, 0) and outcome.output.startswith(start)
            and outcome.output.count(b"\n") == 5)

    # Actions

    def echo(self, dice):
        self.ask(*self.an_echo(dice))

    def both(self, dice):
        self.ask(*self.a_both(dice))

    def reply(self, dice):
        self.ask(*self.a_reply(dice))

    def whoami(self, dice):
        self.ask(*self.an_identity(dice))

    def help(self, _):
        self.ask("reply", ("help",), lambda outcome: outcome.ended == (BY_ITSELF, 0) and {
            line.split()[0] for line in outcome.lines} >= {"echo", "both", "cat", "reply-00"})

    def generation(self, _):
        """The reply that reloads replace."""
        self.connected()
        request = self.ledger.open(self.name, "reply", "generation")

        def is_right(outcome):
            possible = self.house.generations.possible(request.began, time.monotonic())
            return outcome.ended == (BY_ITSELF, 0) and outcome.output in {
                f"generation {number}\n".encode() for number in possible}
        self.session.run("generation")
        self.settle(request, is_right)

    def cat(self, dice):
        self.stream(dice, LARGEST_CAT)

    def stream(self, dice, most=LARGEST_STREAM):
        """Input and output at once, compared byte for byte."""
        name = token(dice)
        data = data_of(name, dice.randrange(most))
        self.ask("program", ("cat", name), exactly(f"{name}\n".encode() + data), data)

    def cancel(self, dice):
        """A program that has begun is cancelled; the session goes on."""
        session, name = self.connected(), token(dice)
        request = self.ledger.open(self.name, "program", name)
        session.run("wait", name)
        try:
            kind, payload = session.receive()
        except (Ended, TimeoutError) as failure:
            self.drop()
            return request.lost(failure)
        if kind != OUTPUT:
            return request.failed(Failure("refusal", payload[0], payload[1:].decode()))
        session.send(CANCEL)
        whole = exactly(f"{name}\n".encode(), ended=(BY_SIGNAL, 15))

        def is_right(outcome):
            outcome.output = payload + outcome.output
            return whole(outcome)
        self.settle(request, is_right)

    def batch(self, dice):
        """Requests sent in one piece, answered in order."""
        session = self.connected()
        asked = [self.some(dice) for _ in range(dice.randint(2, MOST_IN_A_BATCH))]
        requests = [self.ledger.open(self.name, kind, words[1] if len(words) > 1 else words[0],
                                     "batch") for kind, words, _ in asked]
        session.stream.sendall(b"".join(run(*words) for _, words, _ in asked))
        for request, (_, _, is_right) in zip(requests, asked):
            if not self.session:
                request.failed(Failure("connection", 0, "the session ended before its turn"))
                continue
            try:
                self.settle(request, is_right)
            except Settled:
                pass  # The others of the batch follow.

    def leave(self, _=None):
        """Ends the session: nothing more may come before the server's own polite end."""
        if not self.session:
            return
        session = self.session
        try:
            session.stream.settimeout(10)
            raw = session.stream.unwrap()
            extra = raw.recv(1)
            raw.close()
            if extra:
                self.ledger.complain(f"{self.name}: the server said {extra!r} after its end")
        except (OSError, ValueError) as failure:
            self.ledger.complain(f"{self.name}: no polite end but {failure!r}")
        else:
            self.ledger.visited(self.visit)
        if session.unread:
            self.ledger.complain(f"{self.name}: doubled: frames that nobody asked for: "
                                 f"{session.unread[:200]!r}")
        self.drop()


def exactly(output, errors=b"", ended=(BY_ITSELF, 0)):
    return lambda outcome: (outcome.output, outcome.errors, outcome.ended) == (
        output, errors, ended)


def shown(outcome):
    text = outcome.output[:2_000].decode("utf-8", "backslashreplace")
    errors = outcome.errors[:500].decode("utf-8", "backslashreplace")
    return f"{text} | {errors} | {outcome.ended} {outcome.code} ({len(outcome.output)} bytes)"
