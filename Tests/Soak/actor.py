# SPDX-License-Identifier: Apache-2.0
"""Whoever takes part in a soak: does its events in their order, each at its time or later."""

import random
import threading
import traceback


class Settled(Exception):
    """An action that can't continue; the ledger has the reason."""


class Actor(threading.Thread):
    """A method for each action, with the event's own random numbers."""

    def __init__(self, name, house, events=()):
        super().__init__(name=name, daemon=True)
        self.house, self.ledger, self.events, self.done = house, house.ledger, events, 0

    def run(self):
        for event in self.events:
            if self.house.stopping.wait(max(0, event.at - self.house.clock())):
                break
            self.perform(event)
            self.done += 1
        self.guarded("end", self.leave)

    def perform(self, event):
        action = getattr(self, event.action)
        self.guarded(event.action, lambda: action(random.Random(event.number)))

    def guarded(self, what, action):
        try:
            action()
        except Settled:
            pass
        except Exception as failure:  # Whatever it is, it is not as planned.
            if not self.house.stopping.is_set():
                place = traceback.extract_tb(failure.__traceback__)[-1]
                self.ledger.complain(f"{self.name}, {what}: {type(failure).__name__}: {failure} "
                                     f"({place.name}, line {place.lineno})")

    def leave(self):
        """After the last event."""
