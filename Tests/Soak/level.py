# SPDX-License-Identifier: Apache-2.0
"""What a server uses when nobody is there, before and after."""

from ground import IS_SANITIZED, until
from watched import lowest

SETTLED = 30.0
"""Seconds until it must be back: the idle deadline, a program's grace time, and as much again."""
STEADY = 2.0
"""Seconds in which memory did not fall: the server gives it back a second after a crowd."""
MARGIN, MARGIN_KIB = 1.05, 2048
"""What memory may have grown by. Each loop's heap keeps what lies between pages still in use, and
which loop served which crowd is chance: up to 1 MiB was seen. In ten minutes the remote server has
some 18,000 connections, so that a leak of 200 bytes for each goes beyond it.
"""


class Level:
    """One server's; `first` is measured when it is ready, `rest` after the warm-up."""

    def __init__(self, daemon):
        self.daemon, self.first = daemon, daemon.descriptors
        self.rest = self.last = self.descriptors = 0

    def measure(self):
        return self.daemon.memory

    @property
    def is_quiet(self):
        return self.daemon.descriptors <= self.first and not self.daemon.children

    def judge_quiet(self, complain):
        self.descriptors, children = self.daemon.descriptors, self.daemon.children
        if self.descriptors > self.first:
            complain(f"{self.daemon.title} has {self.descriptors} descriptors, {self.first} at "
                     "first")
        if children:
            complain(f"{self.daemon.title} still has the children {children}")

    @property
    def is_back(self):
        return self.last <= self.rest * MARGIN + MARGIN_KIB or IS_SANITIZED

    def judge_memory(self, complain):
        if not self.is_back:
            complain(f"{self.daemon.title} holds {self.last} KiB, {self.rest} after the warm-up")

    def __str__(self):
        return (f"{self.daemon.title:<20}{self.first:>10}{self.descriptors:>6}"
                f"{self.rest / 1024:>14.1f}{self.last / 1024:>7.1f}")


HEADER = f"{'server':<20}{'fds first':>10}{'end':>6}{'MiB warm':>14}{'end':>7}"


def settle(levels, complain, is_warm_up):
    """Waits until nobody uses anything and memory falls no more; notes or judges what is left."""
    until(lambda: all(level.is_quiet for level in levels), seconds=SETTLED)
    for level in levels:
        level.judge_quiet(complain)

    def measured():
        for level, last in zip(levels, lowest([level.measure for level in levels], STEADY)):
            level.last = last
        return is_warm_up or all(level.is_back for level in levels)
    until(measured, seconds=SETTLED)
    for level in levels:
        if is_warm_up:
            level.rest = level.last
        else:
            level.judge_memory(complain)
