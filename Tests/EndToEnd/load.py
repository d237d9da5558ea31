# SPDX-License-Identifier: Apache-2.0
"""Puts `parleyd command` under load and faults on the loopback interface; prints a line for each point."""

import argparse
import os
import pathlib
import random
import resource
import signal
import sys

from load_crowd import sessions, settle, warm_up
from load_faults import (
    FEW_FILES, exhaustion, hellos, resets, rude, stop, trickle, unread)
from load_point import Point
from load_server import Loaded
from process import Owner

FAULTS = {fault.__name__: fault
          for fault in (sessions, resets, trickle, hellos, rude, unread, exhaustion)}
ALONE = ("unread", "exhaustion")  # on a small server of its own, where growth shows


def main(arguments=None):
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(
        prog="load", description=__doc__,
        epilog="--siege [MINUTES] runs attackers of every kind at once instead; see --siege --help")
    parser.add_argument("--bin", help="folder with parleyd (default: PARLEY_BIN, or the release build)",
                        default=os.environ.get("PARLEY_BIN") or root / ".build" / "release")
    parser.add_argument("--certs", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, metavar="N",
                        help="number of concurrent sessions (default: the server's limit, 10000; 500 with --short)")
    parser.add_argument("--short", action="store_true", help="use smaller numbers; takes under 30 s")
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME",
                        help=f"run only this fault; can be repeated: {', '.join(FAULTS)}")
    parser.add_argument("--threads", type=int, metavar="N", help="number of event loops of the server")
    parser.add_argument("--seed", type=int, metavar="N", help="seed for the random hellos, to repeat a run",
                        default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    for name, most in (("sessions", 1_000_000), ("threads", 1_024)):
        value = getattr(options, name)
        if value is not None and not 1 <= value <= most:
            parser.error(f"--{name} must be from 1 to {most}")
    if options.check:
        return 0
    if not options.certs:
        parser.error("missing --certs: a folder made by scripts/generate-certs")
    if not os.access(f"{options.bin}/parleyd", os.X_OK):
        parser.error(f"there is no parleyd in {options.bin}")
    scale = argparse.Namespace(sessions=10000, silent=2000, tricklers=200, hellos=1000, rude=1000)
    if options.short:
        scale = argparse.Namespace(sessions=500, silent=200, tricklers=20, hellos=200, rude=200)
    scale.sessions, scale.seed = options.sessions or scale.sessions, options.seed
    small = argparse.Namespace(sessions=32, silent=48, unread=3 if options.short else 8)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_unlimited = hard == resource.RLIM_INFINITY
    files, most = 1 << 20 if is_unlimited else hard, "unlimited" if is_unlimited else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    for what in "sessions", "silent":
        wanted, room = getattr(scale, what), files - 100
        if wanted > room:
            print(f"note   only {room} of {wanted} {what} at once: `ulimit -Hn` is {hard}")
            setattr(scale, what, room)

    def run(names, scale, files=(min(1024, files), most), threads=options.threads):
        """The faults in turn on one server, by default with a login's limits; are all well?"""
        good = True
        with Owner() as owner:
            try:
                server = Loaded(owner, options, files, threads)
            except AssertionError as failure:
                sys.exit(f"load: the server does not get ready: {failure}")
            for name in ["warm-up", *names, "SIGTERM"]:
                point = Point(name)
                try:
                    {"warm-up": warm_up, **FAULTS, "SIGTERM": stop}[name](point, server, scale)
                    if name in FAULTS:
                        settle(point, server)
                except Exception as failure:  # of what it was before the server ended, or of load
                    point.need(False, f"{type(failure).__name__}: {failure}")
                gone = not server.running
                point.need(name == "SIGTERM" or not gone,
                           f"the server ended with {server.status}")
                if point.wrong:
                    point.wrong += [f"last words: {line}" for line in server.last_words]
                good = point.show() and good
                if gone:
                    break
        return good

    names = [name for name in FAULTS if name in (options.only or FAULTS)]
    together = [name for name in names if name not in ALONE]
    good = []
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(300 if options.short else 900)
    try:
        if together:
            good.append(run(together, scale))
        if "unread" in names:
            good.append(run(["unread"], small))
        if "exhaustion" in names:  # with few loops, since each has descriptors of its own
            loops = min(options.threads or 2, 2)
            good.append(run(["exhaustion"], small, (FEW_FILES, FEW_FILES), loops))
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return 0 if all(good) else 1


def give_up(number, _):
    sys.exit(f"load: ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, give_up)
    sys.exit(main())
