# SPDX-License-Identifier: Apache-2.0
"""Sessions by the thousand, and whether the server is as it was when they have gone."""

import time

from ground import until
from load_conversation import asked, connected, drive, end, quit_politely, session
from load_server import MIB, SETTLED

WARM_ROUNDS = 1
SESSION_KIB = 24  # resident memory that an idle session may cost, where there are 5,000 or more


def ask(point, server):
    """The seconds until a new, verifying, well-behaved client has its reply."""

    def visit():
        with (yield from session(server)) as tls:
            yield from asked(tls, b"Are you there?", b"Yes, I am here!")
            took = time.monotonic() - begun
            yield from quit_politely(tls)
        return took

    begun = time.monotonic()
    took = drive([visit()], seconds=2 * server.patience)[0]
    good = not isinstance(took, OSError) and took <= server.patience
    point.need(good, f"a well-behaved client had no reply within {server.patience:.0f} s: {took}")
    return took if good else time.monotonic() - begun


def settle(point, server):
    """After each fault: the server is prompt, and uses what it used before."""
    latency = ask(point, server)
    files = until(lambda: server.descriptors, lambda value: value <= server.base_files, SETTLED)
    memory = until(lambda: server.resident, server.has_given_back, SETTLED)
    point.say(f"then a reply in {latency * 1000:.0f} ms, {files} descriptors (before: "
              f"{server.base_files}), {memory / MIB:.1f} MiB ({server.base_memory / MIB:.1f})")
    point.need(files <= server.base_files, "descriptors are not back")
    point.need(server.has_given_back(memory), "resident memory is not back within 10 %")


def sessions(point, server, scale):
    """Many sessions open at once, idle, then each asked again."""
    begun = time.monotonic()
    opened = drive((session(server, number) for number in range(scale.sessions)), seconds=240)
    took = time.monotonic() - begun
    opened = point.all_went(opened, "not opened")
    files = until(lambda: server.descriptors, lambda value: value >= len(opened), 1)
    each = (server.resident - server.cold_memory) / max(len(opened), 1) / 1024
    begun = time.monotonic()
    point.all_went(drive(asked(tls) for tls in opened), "not answered")
    point.say(f"{len(opened)} open at once in {took:.1f} s, {each:.1f} KiB each; "
              f"all asked again in {time.monotonic() - begun:.1f} s")
    point.need(files >= len(opened), f"{files} descriptors can't be {len(opened)} sessions")
    point.need(len(opened) < 5000 or each <= SESSION_KIB or server.is_sanitized,
               f"over {SESSION_KIB} KiB a session")
    for tls in opened:
        end(tls)


def warm_up(point, server, scale):
    """Fills memory pools as often as needed; notes what the server must come back to.

    Each loop has a pool of its own, and which one takes a connection is chance.
    """
    sessions(point, server, scale)
    for _ in range(WARM_ROUNDS):
        until(lambda: server.descriptors, lambda value: value <= server.base_files, SETTLED)
        silent = (connected(server, number) for number in range(scale.silent))
        silent = point.all_went(drive(silent, window=scale.silent), "not connected")
        until(lambda: server.descriptors,
              lambda value: value >= len(silent) + server.base_files, 1)
        for sock in silent:
            sock.close()
        ask(point, server)
        files = until(lambda: server.descriptors, lambda value: value <= server.base_files, SETTLED)
        server.base_memory = max(server.base_memory, server.settled)
    point.say(f"{WARM_ROUNDS} times {scale.silent} silent ones; then {files} descriptors "
              f"({server.base_files} at first), at most {server.base_memory / MIB:.1f} MiB")
    server.base_files = files
