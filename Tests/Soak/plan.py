# SPDX-License-Identifier: Apache-2.0
"""What a soak does, and when: all made from its seed before anything starts."""

import random
import typing

GUESTS = {
    "echo": 5, "both": 2, "cat": 3, "reply": 4, "whoami": 1, "help": 1, "generation": 2,
    "cancel": 1, "batch": 3, "stream": 1, "leave": 2}
MESSENGERS = {
    "command": 4, "plaintext_command": 4, "hello": 2, "plaintext_hello": 2, "greeting": 2,
    "plaintext_greeting": 2}
CALLERS = {
    "run_echo": 4, "run_both": 2, "run_cat": 2, "run_reply": 2, "run_json": 1, "run_batch": 2,
    "run_several": 1, "command": 2, "plaintext_command": 2, "hello": 1, "plaintext_hello": 1,
    "greeting": 1, "plaintext_greeting": 1}
TALKERS = {"chat": 1}
LAGGARDS = {"trickle": 1, "silent": 1, "half_handshake": 1, "never_read": 2, "slow_reader": 1}
VANDALS = {
    "reset": 2, "half_open": 1, "garbage": 2, "truncate": 2, "mutate": 3, "kill_caller": 2,
    "abandon_run": 2}

GOOD = {
    **{f"guest-{number}": (GUESTS, 0.09) for number in range(4)},
    "messenger-0": (MESSENGERS, 0.1), "messenger-1": (MESSENGERS, 0.1),
    "caller-0": (CALLERS, 0.25), "caller-1": (CALLERS, 0.25),
    "chat": (TALKERS, 0.3), "plaintext-chat": (TALKERS, 0.3)}
"""Who asks what: the weights of what they do, and the mean seconds between two beginnings."""

BAD = {
    "laggard-0": (LAGGARDS, 0.8), "laggard-1": (LAGGARDS, 0.8),
    "vandal-0": (VANDALS, 0.25), "vandal-1": (VANDALS, 0.25), "vandal-2": (VANDALS, 0.25)}

FAULTS = ("table", "broken_table", "certificate", "broken_certificate", "revocation",
          "exhaustion", "full_device", "full_disk", "rotation")
"""All of them come in each cycle, in another order."""

ATTACKS = ("silent-one", "silent-many", "hellos", "greedy", "filler", "dearest")
"""Those of Tests/Siege, all of them in each cycle as well."""
ATTACKERS = ("attacker-0", "attacker-1")

CYCLE = 20.0
"""Seconds of a calm phase and one with faults together."""
WARM_UP = 12.0
"""Seconds, or as many as the soak itself has where that is shorter."""
CALM_SHARE = 1 / 3
LAST_OF_A_PHASE = 2.5
"""Seconds before a phase's end in which no bad client begins, since each takes its time."""


class Event(typing.NamedTuple):
    """One thing that one actor does; `number` decides all the rest of it."""

    at: float
    actor: str
    action: str
    number: int

    def __str__(self):
        return f"{self.at:9.3f}  {self.actor:<14}  {self.action:<18}  {self.number:012x}"


class Phase(typing.NamedTuple):
    """Part of a stage, in seconds from its beginning."""

    begin: float
    end: float
    is_calm: bool


class Stage:
    """A list of events in order of time, and the phases that they lie in."""

    def __init__(self, name, dice, phases):
        self.name, self.phases, events = name, phases, []
        end = phases[-1].end
        for actor, habits in GOOD.items():
            events += life(actor, habits, 0.0, end, dice)
        for phase in phases:
            if not phase.is_calm:
                for actor, habits in BAD.items():
                    events += life(actor, habits, phase.begin, phase.end - LAST_OF_A_PHASE, dice)
                events += faults(phase, dice)
                events += attacks(phase, dice)
        self.events = sorted(events)

    @property
    def length(self):
        return self.phases[-1].end

    def of(self, actor):
        return [event for event in self.events if event.actor == actor]


def life(actor, habits, begin, end, dice):
    """What an actor does between two times."""
    weights, pause = habits
    at = begin + dice.uniform(0, pause)
    while at < end:
        action = dice.choices(list(weights), list(weights.values()))[0]
        yield Event(round(at, 3), actor, action, dice.getrandbits(48))
        at += dice.uniform(0.2, 1.8) * pause


def faults(phase, dice):
    order = dice.sample(FAULTS, len(FAULTS))
    each = (phase.end - phase.begin - 1) / len(order)
    for place, fault in enumerate(order):
        yield Event(round(phase.begin + (place + dice.uniform(0, 0.3)) * each, 3), "director",
                    fault, dice.getrandbits(48))


def attacks(phase, dice):
    """By turns of those who attack; who isn't through with one begins the next one late."""
    order = dice.sample(ATTACKS, len(ATTACKS))
    each = max(0, phase.end - LAST_OF_A_PHASE - phase.begin) / len(order)
    for place, attack in enumerate(order):
        yield Event(round(phase.begin + (place + dice.uniform(0, 0.5)) * each, 3),
                    ATTACKERS[place % len(ATTACKERS)], attack, dice.getrandbits(48))


def plan(minutes, seed):
    """The stages: a warm-up, and then calm phases and such with faults by turns."""
    dice, seconds = random.Random(seed), 60 * minutes
    calm = CYCLE * CALM_SHARE
    cycles = max(1, round((seconds - calm) / CYCLE))
    length = max(6.0, (seconds - calm) / cycles)
    phases = []
    for number in range(cycles):
        begin = number * length
        phases.append(Phase(begin, begin + length * CALM_SHARE, True))
        phases.append(Phase(begin + length * CALM_SHARE, begin + length, False))
    phases.append(Phase(cycles * length, cycles * length + calm, True))
    warm_up = Phase(0.0, min(WARM_UP, seconds), False)
    return [Stage("warm-up", dice, [warm_up]), Stage("soak", dice, phases)]
