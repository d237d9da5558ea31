# SPDX-License-Identifier: Apache-2.0
"""The audit trail of a soak, held against what the clients saw."""

import collections
import datetime
import json
import time

from attacks import DEEDS, IDENTITIES
from ledger import FAILED, RIGHT
from windows import LATE, PROGRAMS

TORN = "-torn.jsonl"
"""How the name of a file ends whose disk was full: one line of it is only begun."""
BEGINNING = b'{"time":'
"""What each record begins with."""
LONGEST = 15.0
"""Seconds that a program takes at most: its client's patience, or the server's idle deadline."""


MAY_BE_OMITTED = ("", "mallory", *IDENTITIES)
"""Whose records may be more than fit their share of the trail."""


class Trail:
    """All records of all files; `complain` gets what is wrong with them."""

    def __init__(self, folder, complain):
        self.complain, self.records, self.torn, self.compared = complain, [], 0, 0
        self.omitted = collections.Counter()
        """Records that were left out and counted, by identity; "" has those of strangers."""
        for path in sorted(folder.glob("audit*.jsonl")):
            text, torn = path.read_bytes(), int(path.name.endswith(TORN))
            if text and not text.endswith(b"\n"):
                complain(f"the audit file {path.name} ends within a line: {text[-200:]!r}")
            for number, line in enumerate(text.splitlines(), 1):
                try:
                    record = json.loads(line)
                    if not isinstance(record, dict) or "event" not in record:
                        raise ValueError("no record")
                    self.records.append(record)
                except ValueError as error:
                    torn -= 1
                    # Of which there may be a single byte.
                    if torn == 0 and line and line[:len(BEGINNING)] == BEGINNING[:len(line)]:
                        self.torn += 1
                        continue
                    complain(f"{path.name}:{number} is no record ({error}): {line[:200]!r}")

        for record in self.records:
            omitted = record.get("omitted_before", 0) + (
                record["records"] if record["event"] == "omission" else 0)
            if omitted:
                self.omitted[named(record)] += omitted

    def of(self, event):
        return [record for record in self.records if record["event"] == event]

    def check(self, ledger):
        """Starts and ends, and that they are those that the clients know of."""
        starts = collections.Counter(map(place, self.of("command-start")))
        ends = collections.Counter(map(place, self.of("command-end")))
        for record in self.of("command-start"):
            if starts[place(record)] > 1:
                self.complain(f"a program's start was recorded twice: {record}")
        began = {place(record): record["time"] for record in self.of("command-start")}
        for where in starts.keys() | ends.keys():
            may_be_lost = where in began and ledger.windows.during(
                *around(began[where]), ("full_disk",))
            if ends[where] > 1 or ends[where] != starts[where] and not may_be_lost:
                self.complain(f"session {where[0]}, command {where[1]}: {starts[where]} starts "
                              f"and {ends[where]} ends")
        self.check_names(ledger)
        self.check_visits(ledger)

    def check_effects(self):
        for effect, count in self.effects().items():
            if not count:
                self.complain(f"the bad clients were none: {effect} never happened")

    def check_attacks(self, ledger):
        """Attackers must have had what their attacks are for, and others' records must be all there."""
        for kind, deed in DEEDS.items():
            if not ledger.attacks[kind][deed]:
                self.complain(f"{kind} was no attack: {dict(ledger.attacks[kind])}")
        if not any(record.get("limit") == "--max-identity-sessions" for record in self.of("refusal")):
            self.complain("nobody had as many sessions as one may have")
        for identity, count in self.omitted.items():
            if named_of(identity) not in MAY_BE_OMITTED:
                self.complain(f"{count} records of {identity} were left out")
        refused = collections.Counter(named_of(named(record)) for record in self.of("refusal"))
        lost = sum(record.get("lost_before", 0) for record in self.records)
        for kind in ("filler", "dearest"):
            told = ledger.attacks[kind]["refusals"]
            kept, omitted = refused[kind], self.omitted[f"dns:{kind}.example"]
            if kept + omitted + lost < told:
                self.complain(f"{kind} was refused {told} times, of which {kept} are recorded and {omitted} counted")

    def effects(self):
        """What bad clients have brought about; without all of it a run would prove little."""
        bad = {record["session"] for record in self.of("session-start")
               if "mallory" in record.get("identity", "")}
        ends = [record for record in self.of("session-end") if record["session"] in bad]
        programs = [record for record in self.of("command-end") if record["session"] in bad]
        return {
            "failed handshakes": len(self.of("handshake-failure")),
            "sessions that broke the protocol": sum(
                record.get("code") == "malformed" for record in self.of("refusal")),
            "sessions that were cut": sum(
                not record["reason"].startswith("session ended") for record in ends),
            "programs that were ended with their clients": sum(
                record["outcome"] == "signal" for record in programs)}

    def check_names(self, ledger):
        by_name = {"command-start": collections.defaultdict(list),
                   "command-end": collections.defaultdict(list)}
        for record in self.records:
            if record["event"] in by_name and record.get("arguments"):
                by_name[record["event"]][record["arguments"][0]].append(record)
        for request in ledger.requests:
            if request.kind in PROGRAMS and request.outcome in (RIGHT, FAILED):
                self.check_request(ledger.windows, request, *(
                    by_name[event].get(request.name, []) for event in by_name))

    def check_request(self, windows, request, starts, ends):
        """A request's records must be what its client was told."""
        # A program's end is recorded after its client gets the exit.
        gap = windows.during(request.began, request.ended + LATE, ("full_disk",))
        told = (f"{request}, {request.outcome}: {len(starts)} starts and {len(ends)} ends in the "
                f"audit trail")
        if windows.must_refuse(request):
            if request.outcome == RIGHT or starts:
                self.complain(f"{told}, though nothing could be recorded")
        elif request.outcome == RIGHT:
            # A start can't be missing, an end may have met the full disk.
            if len(starts) != 1 or len(ends) > 1 or not ends and not gap:
                self.complain(told)
            elif not gap and ends[0]["outcome"] not in ("exit", "signal"):
                self.complain(f"{told}, and its outcome is {ends[0]['outcome']}")
        elif not gap:
            # Refused: before its start was recorded, or when it could not be made; or ended, since its pipes could not
            # be passed on.
            outcomes = [end["outcome"] for end in ends]
            allowed = {"refused"}
            if windows.during(request.began, request.ended, ("exhaustion",)):
                allowed |= {"signal", "exit"}
            if len(starts) != len(ends) or not allowed.issuperset(outcomes):
                self.complain(f"{told}, with {outcomes}")

    def check_visits(self, ledger):
        """The replies of a good session are those that were recorded, where all records are."""
        sessions = collections.defaultdict(list)
        replies = collections.defaultdict(collections.Counter)
        for record in self.records:
            if record["event"] == "session-start":
                sessions[record["address"]].append((clock(record["time"]), record["session"]))
            elif record["event"] == "reply":
                replies[record["session"]][record["name"]] += record.get("times", 1)
        for visit in ledger.visits:
            began, ended = visit.began - LATE, visit.ended + LATE
            if ledger.windows.during(began, ended, ("full_disk",)):
                continue
            numbers = [number for at, number in sessions[visit.address] if began <= at <= ended]
            if not any(replies[number] == visit.replies for number in numbers):
                self.complain(f"a session from {visit.address} had the replies {visit.replies}, "
                              f"the audit trail has {[replies[number] for number in numbers]}")
            self.compared += 1


def clock(text):
    """A record's time on the driver's clock."""
    return datetime.datetime.fromisoformat(text).timestamp() - time.time() + time.monotonic()


def around(text):
    """From a record's time to when a bad client's program has ended, on the driver's clock."""
    return clock(text), clock(text) + LONGEST


def named(record):
    """Whose record it is; nothing for a stranger's."""
    return record.get("identity", "")


def named_of(identity):
    """`mallory` of `dns:mallory.example`."""
    return identity.removeprefix("dns:").removesuffix(".example")


def place(record):
    return record["session"], record["command"]
