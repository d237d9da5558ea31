# SPDX-License-Identifier: Apache-2.0
"""The books: what was asked, what came back, and whether that is as it must be."""

import collections
import dataclasses
import re
import threading
import time

TOKEN = re.compile(r"t[0-9a-f]{12}x")
RIGHT, FAILED, WRONG = "right", "failed", "wrong"
MOST_COMPLAINTS = 200


def token(dice):
    """What makes a request and its answer known among all others."""
    return f"t{dice.getrandbits(48):012x}x"


@dataclasses.dataclass(frozen=True)
class Failure:
    """A stated failure: the client was told in a defined way that it has no answer.

    How it was told is one of: "refusal", a refusal frame with its code; "status", an end of
    `parley` with 251 to 255 and one sentence; "connection", a connection that was refused or ended
    before the answer, so that the client knows that none comes. Silence is none of these.
    """

    how: str
    code: int
    sentence: str

    def __str__(self):
        return f"{self.how} {self.code}: {self.sentence}"


@dataclasses.dataclass
class Visit:
    """A session of a good client that began and ended well, and the replies that it got."""

    address: str
    began: float
    ended: float = None
    replies: collections.Counter = dataclasses.field(default_factory=collections.Counter)


class Request:
    """One request, from the moment at which it is sent; it is settled exactly once."""

    def __init__(self, ledger, actor, kind, name, group):
        self.ledger, self.actor, self.kind, self.name = ledger, actor, kind, name
        self.group = group or kind
        self.began, self.ended, self.outcome, self.failure = time.monotonic(), None, None, None

    def __str__(self):
        return f"{self.actor}'s {self.kind} {self.name}"

    def answered(self, answer, is_right):
        """The whole answer is there; `answer` is text to show and to look for tokens in."""
        self._settle(RIGHT if is_right else WRONG)
        if not is_right:
            self.ledger.complain(f"{self} has a wrong answer, {self.ledger.origin(self, answer)}: "
                                 f"{answer[:300]!r}")

    def failed(self, failure):
        self.failure = failure
        self._settle(FAILED)
        if not self.ledger.windows.allow(self):
            self.ledger.complain(f"{self} failed outside of any window for that: {failure}")

    def lost(self, why):
        """No answer and no stated failure within the client's patience."""
        self._settle(WRONG)
        self.ledger.complain(f"{self} is lost: {why}")

    def _settle(self, outcome):
        self.ended = time.monotonic()
        if self.outcome is not None:
            self.ledger.complain(f"{self} was settled twice: {self.outcome}, {outcome}")
        self.outcome = outcome


class Ledger:
    """All requests of good clients, and all complaints of a run."""

    def __init__(self, windows, seed, say=print):
        self.windows, self.seed, self.say = windows, seed, say
        self.requests, self.visits, self.complaints = [], [], []
        self.deeds = collections.Counter()
        """What bad clients and the director have done."""
        self.attacks = collections.defaultdict(collections.Counter)
        """What attackers of each kind say that they have done."""
        self.is_over = False
        """Broken off: what ends now ends for that reason."""
        self._by_name = {}
        self._lock = threading.Lock()

    def open(self, actor, kind, name, group=None):
        """A request that is about to be sent; its time counts in `group`, or its kind."""
        request = Request(self, actor, kind, name, group)
        with self._lock:
            self.requests.append(request)
            if TOKEN.fullmatch(name) and self._by_name.setdefault(name, request) is not request:
                raise ValueError(f"the token {name} is not unique")
        return request

    def visited(self, visit):
        visit.ended = time.monotonic()
        with self._lock:
            self.visits.append(visit)

    def did(self, deed):
        with self._lock:
            self.deeds[deed] += 1

    def attacked(self, kind, counts):
        with self._lock:
            self.attacks[kind].update(counts)

    def complain(self, what):
        if self.is_over:
            return
        with self._lock:
            self.complaints.append(what)
            count = len(self.complaints)
        if count <= MOST_COMPLAINTS:
            self.say(f"soak: seed {self.seed}: WRONG: {what}")

    def origin(self, request, answer):
        """What a wrong answer is, as far as its tokens tell."""
        strange = [self._by_name[name] for name in TOKEN.findall(answer)
                   if name != request.name and name in self._by_name]
        if not strange:
            return "doubled" if answer.count(request.name) > 1 else "of unknown origin"
        other = strange[0]
        if other.actor != request.actor:
            return f"crossed from {other}"
        return f"doubled, of {other}" if other.outcome else f"out of order, of {other}"

    def close(self):
        """At the end: whatever was never settled is lost."""
        for request in self.requests:
            if request.outcome is None:
                request.lost("nothing has come back by the end of the run")

    def named(self, name):
        return self._by_name.get(name)
