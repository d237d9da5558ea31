# SPDX-License-Identifier: Apache-2.0
"""Attackers of the siege's kinds, a few at a time, alongside good clients and faults."""

import random

from actor import Actor
from attackers import Attackers
from process import Owner

LONGEST = 1.8
"""Seconds that an attack lasts, in addition to the start of its process."""


class Besieger(Actor):
    """An attack for each event. Nothing is expected of the server but that others don't notice."""

    def perform(self, event):
        self.guarded(event.action, lambda: self.attack(event.action, random.Random(event.number)))

    def attack(self, kind, dice):
        with Owner() as owner:
            attackers = Attackers(owner, [kind], "soak", self.house["remote"].port, self.house.folder)
            attackers.await_deeds(self.house.stopping)
            self.house.stopping.wait(dice.uniform(0.8, LONGEST))
            counts = attackers.end()[kind]
        if "died" in counts:
            self.ledger.complain(f"{self.name}: {kind} ended by itself with {counts['died']}")
        self.ledger.attacked(kind, counts)
