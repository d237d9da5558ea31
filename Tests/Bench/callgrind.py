# SPDX-License-Identifier: Apache-2.0
"""User-space instructions, counted by callgrind: what a longer run has more of than a short one."""

import collections
import os
import re

from load import Failed
from machine import which
from processes import Unavailable
from servers import Parleyd

LAYERS = ("System", "Sockets", "TLS", "Conversations", "Remote", "Serving", "Vouching", "Broker", "Commands",
          "Programs", "Records", "Console", "parleyd")


def slope(bench, kind, mode, counts):
    """Instructions of one operation."""
    short, long = (sum(functions(bench, kind, mode, count).values()) for count in counts)
    return (long - short) / (counts[1] - counts[0])


def layers(bench, mode, counts):
    """Instructions of one operation of parleyd's by layer, with shares of its CPU time."""
    grouped = []
    for count in counts:
        sums = collections.Counter()
        for (binary, function), cost in functions(bench, Parleyd, mode, count).items():
            sums[layer(binary, function)] += cost
        grouped.append(sums)
    each = {name: (grouped[1][name] - grouped[0][name]) / (counts[1] - counts[0])
            for name in grouped[1]}
    line = bench.load.measure(
        bench.server(Parleyd), mode, "--connections", "64" if mode == "reply" else "16",
        "--warm-up", bench.plan.warm_up, seconds=5 * bench.plan.seconds)
    ticks = line["server_user_ticks"] + line["server_system_ticks"]
    if not ticks:
        raise Failed("the kernel counted no CPU time")
    kernel = line["server_system_ticks"] / ticks
    total = sum(cost for cost in each.values() if cost > 0)
    return [("the kernel", None, kernel), *sorted(
        ((name, cost, (1 - kernel) * cost / total) for name, cost in each.items()
         if cost > 0.001 * total), key=lambda entry: -entry[1])]


def functions(bench, kind, mode, count):
    """Cost of each function of a server that did `count` operations, by binary and name."""
    valgrind = which("valgrind")
    if not valgrind:
        raise Unavailable("valgrind is not installed")
    server = kind(bench)
    # valgrind ends at debugging information that is newer than itself.
    server.is_bare = True
    profile = server.work / "profile"
    server.prefix = ("env", "PARLEY_TRACED=1", valgrind, "--tool=callgrind", "--demangle=no",
                     "--trace-children=yes", f"--callgrind-out-file={profile}.%p")
    server.begin()
    try:
        bench.load.lines(server, mode, "--connections", 1, "--count", count, *server.question,
                         seconds=60)
        server.end()
        costs = collections.Counter()
        for path in profile.parent.glob(f"{profile.name}.*"):
            costs.update(read(path))
        return costs
    except OSError as error:
        raise Unavailable(f"callgrind left no profile: {error.strerror}") from None
    finally:
        server.kill()


def read(path):
    """Self cost by binary and function of a profile in callgrind's format."""
    costs = collections.Counter()
    names = {"ob": {}, "fn": {}}
    binary = function = ""
    is_call = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if match := re.match(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?", line):
                called, kind, number, name = match.groups()
                if name:
                    names[kind][number] = name
                if not called:
                    if kind == "ob":
                        binary = os.path.basename(names["ob"].get(number, ""))
                    else:
                        function = names["fn"].get(number, "")
            elif line.startswith("calls="):
                is_call = True  # The next line is what the call cost, which its callee has already.
            elif line[:1].isdigit() or line[:1] in "+-*":
                if not is_call:
                    costs[binary, function] += int(line.split()[1])
                is_call = False
    if not costs:
        raise Unavailable("callgrind's profile is empty")
    return costs


def layer(binary, function):
    """To whom a function belongs; Swift's names begin with their module's."""
    if binary.startswith("libcrypto"):
        return "OpenSSL's libcrypto"
    if binary.startswith("libssl"):
        return "OpenSSL's libssl"
    if not binary.startswith("parley"):
        return "libc"
    if function.startswith("parley_"):
        return "Parley: CLinux"
    if match := re.match(r"\$s(\d+)", function):
        start, length = match.end(), int(match[1])
        module = function[start:start + length]
        if module in LAYERS:
            return f"Parley: {module}"
    return "Swift's runtime and library"
