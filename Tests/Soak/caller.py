# SPDX-License-Identifier: Apache-2.0
"""A good client that is the `parley` executable, a process for each event."""

import json
import re
import subprocess

from actor import Actor, Settled
from guest import LARGEST_CAT, data_of
from house import REPLIES, reply
from ledger import Failure, token
from messenger import DOCUMENTS
from support import ELSEWHERE, PARLEY
from windows import REFUSED

PATIENCE = 30.0
STATED = re.compile(r"parley: [^\n]+\n|\{[^\n]*\"outcome\":\"refused\"[^\n]*\}\n")
"""One sentence, or one object of `--json`."""
OWN_FAILURES = range(251, 256)


class Caller(Actor):

    def identity(self):
        return self.house.identity("caller")

    def call(self, arguments, data=b""):
        """Runs `parley`; its status, standard output, and standard error without greetings."""
        done = subprocess.run([PARLEY, *arguments], input=data, capture_output=True,
                              cwd=ELSEWHERE, timeout=PATIENCE, start_new_session=True)
        lines = done.stderr.decode("utf-8", "backslashreplace").splitlines(True)
        said = "".join(line for line in lines if not line.startswith("parley: connected to "))
        return done.returncode, done.stdout, said

    def judge(self, request, arguments, is_right, data=b""):
        """One process that is one request; `is_right` judges status, output and errors."""
        try:
            status, output, errors = self.call(arguments, data)
        except subprocess.TimeoutExpired as failure:
            request.lost(failure)
            raise Settled from failure
        if is_right(status, output, errors):
            request.answered("", True)
        elif status in OWN_FAILURES and STATED.fullmatch(errors):
            request.failed(Failure("status", status, errors.strip()))
        else:
            text = output.decode("utf-8", "backslashreplace")
            request.answered(f"{text} | {errors} | {status}", False)

    def run_program(self, name, words, is_right, data=b"", options=()):
        request = self.ledger.open(self.name, "process", name)
        self.judge(request, ["run", *self.identity(), *options, self.remote, "--", *words],
                   is_right, data)

    @property
    def remote(self):
        return f"127.0.0.1:{self.house['remote'].port}"

    def run_echo(self, dice):
        name = token(dice)
        self.run_program(name, ["echo", name], exactly(f"{name}\n".encode()))

    def run_both(self, dice):
        name, status = token(dice), dice.randrange(251)
        self.run_program(name, ["both", name, str(status)], exactly(
            f"{name}\n".encode(), f"{name} error\n", status))

    def run_cat(self, dice):
        name = token(dice)
        data = data_of(name, dice.randrange(LARGEST_CAT))
        self.run_program(name, ["cat", name], exactly(f"{name}\n".encode() + data), data)

    def run_reply(self, dice):
        name, text = reply(dice.randrange(REPLIES))
        request = self.ledger.open(self.name, "process reply", name, "process")
        self.judge(request, ["run", *self.identity(), self.remote, "--", name],
                   exactly(f"{text}\n".encode()))

    def run_json(self, dice):
        """How it ended is an object on standard error."""
        name = token(dice)

        def is_right(status, output, errors):
            return (status, output) == (0, f"{name}\n".encode()) and json.loads(
                errors.splitlines()[-1])["status"] == 0
        self.run_program(name, ["echo", name], is_right, options=["--json"])

    def run_batch(self, dice):
        """A line is one request each: programs that say their token, and replies."""
        lines, requests = [], []
        for _ in range(dice.randint(2, 6)):
            if dice.random() < 0.5:
                name = token(dice)
                lines.append((f"echo {name}", name))
                requests.append(self.ledger.open(self.name, "process", name, "process batch"))
            else:
                name, text = reply(dice.randrange(REPLIES))
                lines.append((name, text))
                requests.append(self.ledger.open(
                    self.name, "process reply", name, "process batch"))
        text = "".join(f"{line}\n" for line, _ in lines).encode()
        try:
            status, output, errors = self.call(
                ["run", *self.identity(), "--batch", self.remote], text)
        except subprocess.TimeoutExpired as failure:
            for request in requests:
                request.lost(failure)
            raise Settled from failure
        answers, results = output.decode().splitlines(), errors.splitlines()
        for number, (request, (line, expected)) in enumerate(zip(requests, lines), 1):
            result = results.pop(0) if results else "nothing"
            if result == f"parley: {self.remote}: [{number}] {line.split()[0]}: exit status 0":
                answer = answers.pop(0) if answers else "no output"
                request.answered(f"{answer} in {output!r}", answer == expected)
            elif result.startswith(f"parley: {self.remote}: [{number}] {line.split()[0]}: refused: "):
                request.failed(Failure("status", REFUSED, result))
            else:
                request.answered(f"{result} in {errors!r} with status {status}", False)
        if answers or results:
            self.ledger.complain(f"{self.name}: a batch of {len(lines)} has more results: "
                                 f"{output!r} {errors!r}")

    def run_several(self, dice):
        for _ in range(3):
            self.run_echo(dice)

    # Message protocols

    def messages(self, protocol, server, exchanges, is_asking=True):
        is_plain = server.startswith("plaintext")
        security = ["--plaintext"] if is_plain else self.identity()
        words = ["--", *(message for message, _ in exchanges)] if is_asking else []
        request = self.ledger.open(
            self.name, "process message", f"{server}, {exchanges[0][0]}", "process")
        expected = [answer.encode() for _, answer in exchanges]
        self.judge(
            request, [protocol, *security, f"127.0.0.1:{self.house[server].port}", *words],
            lambda status, output, errors: (status, errors) == (0, "") and (
                output.splitlines() == expected if is_asking
                else output.count(expected[0]) == 1))

    def command(self, dice):
        self.messages("command", "remote", [
            reply(dice.randrange(REPLIES)) for _ in range(dice.randint(1, 4))])

    def plaintext_command(self, dice):
        self.messages("command", "plaintext command", [
            dice.choice([*DOCUMENTS, (token(dice), "Unknown command.")])
            for _ in range(dice.randint(1, 4))])

    def hello(self, _, server="hello"):
        self.messages("hello", server, [("", "Hello from server")], is_asking=False)

    def plaintext_hello(self, dice):
        self.hello(dice, "plaintext hello")

    def greeting(self, _, server="greeting"):
        self.messages("greeting", server, [("", "Thank you for connecting")], is_asking=False)

    def plaintext_greeting(self, dice):
        self.greeting(dice, "plaintext greeting")


def exactly(output, errors="", status=0):
    return lambda *result: result == (status, output, errors)
