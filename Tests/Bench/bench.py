# SPDX-License-Identifier: Apache-2.0
"""Measures Parley against other servers, all in turns; `scripts/bench` prepares and calls it."""

import argparse
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import document
import figures
from load import Failed, Load
from machine import Machine, which
from processes import Unavailable, adopt_orphans, leave_nothing
from results import Results


LONGEST = 560.0
"""Seconds after which a run that was not told its number of rounds begins no other one."""


class Plan:
    """How long and how often, in a full run and in a quick one."""

    def __init__(self, is_quick, most_sessions, bulk_mib):
        self.seconds = 0.25 if is_quick else 0.8
        self.turn_seconds = 0.1 if is_quick else 0.3
        self.warm_up = 0.05 if is_quick else 0.2
        self.connections = (1, 64, 512)
        self.memory_levels = (100, 200, 300) if is_quick else (1_000, 5_000, 10_000)
        self.growth_levels = (1, 10, 100, 300) if is_quick else (1, 10, 100, 1_000, 10_000)
        self.bulk_mib = bulk_mib or (32 if is_quick else 1024)
        self.starts = 1 if is_quick else 3
        self.visits = 3 if is_quick else 9
        # More, since the kernel tells hundredths of a second of what a server's children use.
        self.whole_visits = 3 if is_quick else 40
        # Operations of the short and of the long run under callgrind.
        self.counted = (50, 250) if is_quick else (200, 1_200)
        self.counted_handshakes = (5, 25) if is_quick else (10, 60)
        wanted = {*self.connections, *self.memory_levels, *self.growth_levels}
        self.scaled = sorted(level for level in wanted if level > most_sessions)
        self.connections = fitted(self.connections, most_sessions)
        self.memory_levels = fitted(self.memory_levels, most_sessions)
        self.growth_levels = fitted(self.growth_levels, most_sessions)


def fitted(levels, most):
    return tuple(sorted({min(level, most) for level in levels}))


class Bench:
    """What all figures share: programs, certificates, the machine, servers that run, results."""

    def __init__(self, options):
        self.options = options
        self.binaries, self.certs = options.bin, options.certs
        self.machine = Machine()
        self.plan = Plan(options.quick, self.machine.most_sessions, options.bulk)
        self.results = Results()
        self.load = Load(self)
        self.servers, self.faults = {}, {}
        self.begun = time.monotonic()
        # A default run keeps to ten minutes, whatever else the machine has to do.
        self.until = self.begun + LONGEST if options.rounds is None else float("inf")
        options.rounds = options.rounds or (1 if options.quick else 5)
        self.retries = 0 if options.quick else 4 * options.rounds
        self.round = 0
        self.goserver, self.goserver_fault = None, "Go is not installed"
        if options.quick:
            self.results.remark("A quick run: short, one round, few sessions; no figure to quote.")
        if self.machine.is_shared:
            self.results.remark(
                "This machine has one core, which server and load share: times say little.")
        if self.plan.scaled:
            self.results.remark(
                f"Sessions are limited to {self.machine.most_sessions:,} by `ulimit -Hn`, instead "
                f"of {', '.join(f'{level:,}' for level in self.plan.scaled)}.")

    def folder(self, name):
        """A new one for each server."""
        number = sum(1 for _ in self.options.work.iterdir())
        folder = self.options.work / f"{number}-{name.split()[0]}"
        folder.mkdir()
        # A server that gives up root's rights must still reach its files.
        folder.chmod(0o755)
        return folder

    def may_retry(self):
        """Whether a disturbed measurement may be made again: not too often in a run."""
        self.retries -= 1
        return self.retries >= 0

    def server(self, kind, plaintext=False, cores=None):
        """A server that runs over all rounds; raises what kept it from starting each time."""
        key = (kind, plaintext, tuple(cores or ()))
        if key in self.faults:
            raise self.faults[key]
        if key not in self.servers:
            try:
                self.servers[key] = kind(self, plaintext, cores).begin()
            except Unavailable as fault:
                self.faults[key] = fault
                raise
        return self.servers[key]

    def build_goserver(self):
        compiler = which("go")
        if not compiler:
            return
        source = pathlib.Path(__file__).parent / "goserver" / "main.go"
        target = self.options.cache / "goserver"
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            if self.options.no_install:
                self.goserver_fault = "not built: --no-install"
                return
            self.say("building the server in Go")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                made = subprocess.run(
                    [compiler, "build", "-o", str(target), str(source)], check=False, timeout=300,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True, env={**os.environ, "GOCACHE": f"{self.options.cache}/go-cache",
                                    "GO111MODULE": "off", "CGO_ENABLED": "0"})
            except (OSError, subprocess.SubprocessError) as fault:
                self.goserver_fault = f"go build: {fault}"
                return
            if made.returncode:
                self.goserver_fault = f"go build: {(made.stdout.splitlines() or [''])[-1]}"
                return
        self.goserver = str(target)

    def say(self, text):
        """Progress: one line that changes at a terminal, else a line each."""
        taken = int(time.monotonic() - self.begun)
        line = f"bench: {taken // 60}:{taken % 60:02d} {text}"
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)
        elif text:
            print(line, file=sys.stderr, flush=True)

    def run(self):
        chosen = [figure for figure in figures.ALL if figure.name in self.options.only]
        timed = [figure for figure in chosen if not figure.is_counted]
        self.build_goserver()
        last = 0.0
        for self.round in range(self.options.rounds):
            begun = time.monotonic()
            if begun + last > self.until:
                self.results.remark(
                    f"Ended after {self.round} of {self.options.rounds} rounds: this machine is "
                    "too slow or too busy for more in ten minutes; --rounds asks for them anyhow.")
                self.options.rounds = self.round
                break
            for figure in timed:
                self.say(f"round {self.round + 1} of {self.options.rounds}: {figure.title}")
                figure.measure(self)
            last = time.monotonic() - begun
        for figure in chosen:
            if figure.is_counted:  # A count is the same each time.
                self.say(figure.title)
                figure.measure(self)
        if self.options.profile:
            figures.profile(self)
        for server in self.servers.values():
            server.end()


def main(words=None):
    names = [figure.name for figure in figures.ALL]
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure Parley against other servers and a C reference server, in alternating rounds.",
        epilog="Figures: " + ", ".join(names) + ".\nSet PARLEY_BIN to a folder of executables to "
        "measure them instead of building a release.")
    parser.add_argument("--quick", action="store_true", help="run one short round, in one to three minutes")
    parser.add_argument("--rounds", type=int, help="number of rounds (default: 5)")
    parser.add_argument("--only", metavar="FIGURE,...", help="measure only these figures")
    parser.add_argument("--plot", action="store_true",
                        help="also write the plots and the table to docs/benchmarks.md")
    parser.add_argument("--profile", action="store_true",
                        help="show where a reply and a handshake spend their time, by layer, and a "
                        "program's run and a transfer, by process")
    parser.add_argument("--no-install", action="store_true",
                        help="install no packages and build no Go server; whatever is missing gets "
                        "a row saying so")
    parser.add_argument("--before", metavar="FOLDER", type=pathlib.Path,
                        help="measure the executables of another build, such as an earlier commit, in the same "
                        "rounds instead of other servers; ratios are relative to them")
    parser.add_argument("--bulk", metavar="MIB", type=int, help="size of a bulk transfer (default: 1024, quick 32)")
    for private in ("--bin", "--certs", "--work", "--cache", "--docs"):
        parser.add_argument(private, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = sys.argv[1:] if words is None else words
    options = parser.parse_args(arguments)
    if options.rounds is not None and not 1 <= options.rounds <= 100:
        parser.error("--rounds must be from 1 to 100")
    if options.bulk is not None and not 1 <= options.bulk <= 65536:
        parser.error("--bulk must be from 1 to 65536")
    asked = options.only.split(",") if options.only else names
    if unknown := [name for name in asked if name not in names]:
        parser.error(f"unknown figure {unknown[0]!r}; use one of {', '.join(names)}")
    if options.plot and options.only:
        parser.error("--plot writes the whole table, so it can't be combined with --only")
    if options.plot and not which("gnuplot") and options.no_install:
        parser.error("--plot needs gnuplot, which is not installed")
    if options.before and not (options.before / "parleyd").is_file():
        parser.error(f"--before: there is no parleyd in {options.before}")
    if options.before and options.plot:
        parser.error("--plot writes the table of all servers, so it can't be combined with --before")
    options.only = asked
    if options.check:
        return 0
    # Else the driver would be ended without ending its servers. A shell's background process has
    # SIGINT ignored, and so have its children.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    command = shlex.join(["scripts/bench", *public(arguments)])
    try:
        adopt_orphans()
        bench = Bench(options)
        bench.run()
        bench.say("")
        page = document.Page(bench, command)
        print(page.text(), flush=True)
        if options.plot:
            page.write(options.docs)
        return 0
    except (Unavailable, Failed) as failure:
        print(f"\nbench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    finally:
        # A second Ctrl-C must not leave a server behind.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        leave_nothing()


def public(arguments):
    """The command line without what `scripts/bench` adds."""
    words = iter(arguments)
    for word in words:
        if word in ("--bin", "--certs", "--work", "--cache", "--docs"):
            next(words, None)
        else:
            yield word


if __name__ == "__main__":
    sys.exit(main())
