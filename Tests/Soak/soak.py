# SPDX-License-Identifier: Apache-2.0
"""Runs faults, thousands of bad clients and attackers against `parleyd` while good clients check every answer."""

import argparse
import random
import signal
import sys
import time

from plan import ATTACKERS, BAD, GOOD, plan

PROGRESS = 5.0
"""Seconds between two lines that tell how far it is."""
PATIENCE = 90.0
"""Seconds that a stage may take longer than planned: a busy machine, and clients' time limits."""


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10, metavar="MINUTES",
                        help="how long to run, after a warm-up of some seconds (default: 10)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed, to repeat the same events in the same order",
                        default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--threads", type=int, default=2, metavar="N",
                        help="number of event loops of each server (default: 2)")
    parser.add_argument("--plan", action="store_true", help="print the events and do nothing")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not 1 <= options.threads <= 1_024:
        parser.error("--threads must be from 1 to 1024")
    if not 0 < options.minutes <= 24 * 60:
        parser.error("MINUTES must be more than 0 and at most a day")
    if options.check:
        return 0
    stages = plan(options.minutes, options.seed)
    if options.plan:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # It may be read by `head`.
        for stage in stages:
            print(f"{stage.name}, {stage.length:.1f} s")
            print("\n".join(map(str, stage.events)))
        return 0
    heed_signals()
    print(f"soak: --seed {options.seed}, {options.minutes:g} minutes", flush=True)
    try:
        return run(stages, options)
    except KeyboardInterrupt:
        print(f"soak: seed {options.seed}: interrupted", flush=True)
        return 130


def heed_signals():
    """The first signal ends the run; no other disturbs its end."""
    received = []

    def break_off(number, _):
        received.append(number)
        if len(received) == 1:
            raise KeyboardInterrupt
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, break_off)


def run(stages, options):
    from house import House  # Its modules look for executables, which a plan doesn't need.
    from ledger import Ledger
    from level import Level, settle
    from trail import Trail
    from windows import Windows
    heed_signals()  # Once more: ground.py has its own way.
    ledger = Ledger(Windows(), options.seed, lambda line: print(line, flush=True))
    house = House(ledger, options.threads)
    try:
        levels = [Level(daemon) for daemon in house.daemons.values()]
        for stage in stages:
            perform(stage, house)
            if house.stopping.is_set():
                break
            settle(levels, ledger.complain, stage is stages[0])
        else:
            for daemon in house.daemons.values():
                wrong = daemon.stop()
                if wrong:
                    ledger.complain(f"{daemon.title}: {wrong}")
            ledger.close()
        trail = Trail(house.folder, ledger.complain)
        if not house.stopping.is_set():  # Else much is missing that nobody has lost.
            trail.check(ledger)
            trail.check_effects()
            trail.check_attacks(ledger)
        tell(ledger, levels, trail, house)
    finally:
        ledger.is_over = True
        house.stopping.set()
        house.kill()
        for actor in house.actors:
            actor.join(10)
    return 1 if ledger.complaints else 0


def perform(stage, house):
    """Has everybody live through a stage; tells how far it is. What can't go on is stopped."""
    house.restart_clock()
    house.stage = stage
    house.actors = actors = cast(stage, house)
    for actor in actors:
        actor.start()
    told = 0.0
    while any(actor.is_alive() for actor in actors):
        actors[0].join(0.2)
        time.sleep(0.2)
        if ended := [name for name, daemon in house.daemons.items() if not daemon.running]:
            house.ledger.complain(f"ended by itself: {', '.join(ended)}")
            house.stopping.set()
            return
        if house.clock() > told + PROGRESS:
            told = house.clock()
            progress(stage, house)
        if house.clock() > stage.length + PATIENCE:
            for actor in actors:
                if actor.is_alive():
                    house.ledger.complain(f"{actor.name} never comes to its end: "
                                          f"{actor.done} of {len(actor.events)} events")
            house.stopping.set()
            return


def cast(stage, house):
    """Everybody who takes part, with their events."""
    from besieger import Besieger
    from caller import Caller
    from director import Director
    from guest import Guest
    from messenger import Messenger, Talker
    from vandal import Laggard, Vandal
    kinds = {"guest": Guest, "messenger": Messenger, "caller": Caller, "chat": Talker,
             "plaintext": Talker, "laggard": Laggard, "vandal": Vandal, "attacker": Besieger,
             "director": Director}
    return [kinds[name.partition("-")[0]](name, house, stage.of(name))
            for name in (*GOOD, *BAD, *ATTACKERS, "director")]


def progress(stage, house):
    server, ledger = house["remote"], house.ledger
    done = [request for request in list(ledger.requests) if request.outcome]
    right = sum(request.outcome == "right" for request in done)
    print(f"soak: {stage.name} {house.clock():.0f} of {stage.length:.0f} s: {right} of {len(done)} "
          f"requests right, {len(ledger.complaints)} complaints, {len(ledger.windows.all)} faults, "
          f"{ledger.deeds.total()} bad deeds; remote has {server.descriptors} descriptors, "
          f"{len(server.children)} children, {server.memory / 1024:.1f} MiB", flush=True)


def tell(ledger, levels, trail, house):
    import level
    import summary
    print()
    for lines in (
        summary.counts(ledger),
        summary.latencies(ledger.requests, house.stage, house.zero, ledger.windows),
        summary.windows_table(ledger.windows), summary.deeds(ledger),
        summary.attacks(ledger),
        [level.HEADER, *map(str, levels)],
    ):
        print("\n".join(lines), end="\n\n")
    print("bad clients brought about: " + ", ".join(
        f"{count} {effect}" for effect, count in trail.effects().items()))
    print(f"audit trail: {len(trail.records)} records, {len(trail.of('command-start'))} starts, "
          f"{len(trail.of('command-end'))} ends, {trail.torn} lines torn by "
          f"{house.made['torn']} full disks; the replies of {trail.compared} sessions compared; "
          f"{trail.omitted.total()} records of attackers left out and counted")
    if not house.volume:
        print("no file system could be mounted for the full disk: it was /dev/full each time")
    if ledger.complaints:
        print(f"soak: seed {ledger.seed}: {len(ledger.complaints)} things are wrong:")
        for complaint in ledger.complaints[:50]:
            print(f"  {complaint}")
    else:
        print(f"soak: seed {ledger.seed}: all held", flush=True)


if __name__ == "__main__":
    sys.exit(main())
