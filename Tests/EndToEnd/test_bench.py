# SPDX-License-Identifier: Apache-2.0
"""The benchmark in its short form: that each figure is measured, not how good it is."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

import support
from support import PROGRAMS, REPOSITORY, SCRATCH, TestCase, eventually, measures_memory

QUICK = 300.0
"""Seconds; a run takes about sixty where the machine has nothing else to do."""

BOTH = {"parleyd", "reference"}
WITH_SPLIT = BOTH | {"reference, split"}
PROGRAMS_BESIDE = {"reference", "parleyd with parley/1"}
FIGURES = {
    "full handshakes": WITH_SPLIT,
    "mutual handshakes": WITH_SPLIT,
    "mutual handshakes, table and trail": {"parleyd with parley/1"},
    "TLS replies, 1 connection": BOTH,
    "TLS replies, 64 connections": BOTH,
    "TLS replies, 512 connections": BOTH,
    "plaintext replies, 1 connection": BOTH,
    "plaintext replies, 64 connections": BOTH,
    "plaintext replies, 512 connections": BOTH,
    "fixed replies in one session, one under way": {"reference"},
    "fixed replies in one session, parley/1 pipelined": {"parleyd with parley/1"},
    "runs of a program, one session": PROGRAMS_BESIDE,
    "runs of a program, 16 sessions at once": PROGRAMS_BESIDE,
    "median time of a program's run, alone": PROGRAMS_BESIDE,
    "median time of a program's run, beside 16 busy sessions": PROGRAMS_BESIDE,
    "memory of an idle TLS session, 100 open": BOTH,
    "memory of an idle TLS session, 200 open": BOTH,
    "memory of an idle TLS session, 300 open": BOTH,
    **{f"memory of an idle remote session, {level} open": PROGRAMS_BESIDE for level in (100, 200, 300)},
    "CPU of a TLS reply, 1 session in turn": BOTH,
    "CPU of a TLS reply, 10 sessions in turn": BOTH,
    "CPU of a TLS reply, 100 sessions in turn": BOTH,
    "CPU of a TLS reply, 300 sessions in turn": BOTH,
    "CPU of a TLS reply on one core, 64 connections": {"parleyd", "parleyd --threads 2"},
    "CPU of a TLS reply on one core, 512 connections": {"parleyd", "parleyd --threads 2"},
    "CPU of a TLS reply on all cores, 64 connections": {"parleyd", "parleyd --threads 2"},
    "CPU of a TLS reply on all cores, 512 connections": {"parleyd", "parleyd --threads 2"},
    # Where there are three processors.
    "CPU of a TLS reply on two cores of its own, 64 connections": set(),
    "CPU of a TLS reply on two cores of its own, 512 connections": set(),
    **{f"32 MiB of {what}, {view}": {"reference", "parley run"} for what in ("output", "input")
       for view in ("wall time", "server's CPU", "client's CPU")},
    "start-up to the ready line, or first accept": BOTH,
    "start-up of a program that says its version": {"reference", "parley", "parleyd", "openssl", "true"},
    "one Hello as a whole process": {"parley command", "openssl s_client"},
    **{f"one program as a whole process, {view}": {"parley run", "reference"}
       for view in ("wall time", "client's CPU", "server's CPU")},
    "size of parleyd, stripped": set(),
    "size of parley, stripped": set(),
    "user-space instructions of a TLS reply": set(),
}
"""Each figure's servers that need nothing but what the build and the tests need."""

PEERS = {"redis", "nginx", "Go crypto/tls", "stunnel", "socat", "ssh", "openssl s_server, s_client",
         "ssh, open ControlMaster", "check_nrpe", "remctl"}


def start(*options, bin=PROGRAMS):
    """`scripts/bench`, with a folder for temporary files that is its own."""
    folder = tempfile.mkdtemp(prefix="bench-", dir=SCRATCH)
    environment = {**os.environ, "PARLEY_BIN": str(bin), "TMPDIR": folder}
    return folder, subprocess.Popen(
        [REPOSITORY / "scripts" / "bench", "--no-install", *options], env=environment,
        cwd=support.ELSEWHERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True)


def end(process):
    """So that it ends its servers, which are in no group of the script's."""
    if process.poll() is None:
        process.terminate()
        process.communicate(timeout=support.LIMIT)


def left_behind(folder):
    """Processes that were started with something in the folder, or for temporary files in it."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text(errors="replace")
            surroundings = (process / "environ").read_text(errors="replace").split("\0")
        except OSError:
            continue  # It has ended meanwhile.
        if folder in words or any(
                entry.startswith(f"TMPDIR={folder}") for entry in surroundings):
            yield words.replace("\0", " ")


class Bench(TestCase):
    def run_to_end(self, *options, **how):
        folder, process = start(*options, **how)
        self.addCleanup(end, process)
        output, complaints = process.communicate(timeout=QUICK)
        self.assertEqual(os.listdir(folder), [])
        self.assertEqual(list(left_behind(folder)), [])
        return process.returncode, output, complaints

    @measures_memory
    def test_a_quick_run_has_each_figure_and_says_what_is_missing(self):
        status, output, complaints = self.run_to_end("--quick")
        self.assertEqual(status, 0, output + complaints)
        seen, title = {}, ""
        for line in output.splitlines():
            if not line.startswith("| ") or line.startswith(("| figure", "| ---")):
                continue
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            title = cells[0] or title
            seen.setdefault(title, {})[cells[1]] = cells[2], cells[3], cells[5]
        self.assertEqual(list(seen), list(FIGURES), output)
        for title, servers in FIGURES.items():
            rows = seen[title]
            self.assertLessEqual(servers, set(rows), title)
            for server, (value, ratio, note) in rows.items():
                if server in servers or value:
                    self.assertRegex(value, r"^[0-9.,]+( |$)", f"{title}: {server}: {note}")
                    self.assertGreater(float(re.match(r"[0-9.,]+", value)[0].replace(",", "")), 0)
                    # Its base is a peer, or there is none.
                    self.assertTrue(ratio or server in PEERS or title.startswith(("size ", "one program")), f"{title}: {server}")
                else:
                    self.assertTrue(note, f"{title}: {server} has neither a figure nor a reason")

    @measures_memory
    def test_another_build_is_measured_in_the_same_rounds(self):
        status, output, complaints = self.run_to_end(
            "--quick", "--before", PROGRAMS, "--only", "handshake,pipelined,memory")
        self.assertEqual(status, 0, output + complaints)
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in output.splitlines() if line.startswith("| ")]
        names = [row[1] for row in rows]
        self.assertEqual(names.count("parleyd"), names.count("parleyd before"), output)
        # Pipelined, and a remote session's memory at three levels.
        self.assertEqual(names.count("parleyd before with parley/1"), 4, output)
        self.assertFalse(PEERS & set(names), output)
        for row in rows:
            if "before" in row[1]:
                self.assertEqual(row[3], "1.00", output)

    def test_an_interrupted_run_leaves_nothing_behind(self):
        folder, process = start("--quick", "--only", "reply-tls", "--rounds", "100")
        self.addCleanup(end, process)
        alarm = threading.Timer(QUICK, process.kill)
        alarm.start()
        self.addCleanup(alarm.cancel)
        while "round 1" not in (line := process.stderr.readline()):
            self.assertTrue(line, "it ended before it measured")
        eventually(lambda: any("parley-bench" in words for words in left_behind(folder)),
                   "a load that runs")
        # What a terminal does: the whole group gets the signal.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=support.LIMIT)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(os.listdir(folder), [])
        self.assertEqual(list(left_behind(folder)), [])

    def test_a_broken_server_of_ours_fails_the_run(self):
        broken = pathlib.Path(tempfile.mkdtemp(prefix="broken-", dir=SCRATCH))
        for program in ("parley", "parley-bench", "parley-reference"):
            (broken / program).symlink_to(PROGRAMS / program)
        # It speaks before it is asked, so that no reply is the expected one.
        (broken / "parleyd").write_text(
            "#!/bin/sh\n"
            'while [ "$1" != --certs ]; do shift; done\n'
            f'exec "{PROGRAMS}/parleyd" greeting --host 127.0.0.1 --port 0 --certs "$2"\n')
        (broken / "parleyd").chmod(0o755)
        status, output, complaints = self.run_to_end("--quick", "--only", "handshake", bin=broken)
        self.assertEqual(status, 1, output + complaints)
        self.assertIn("parleyd, full handshakes", complaints)
        self.assertNotIn("| parleyd", output)

    def test_a_mistake_in_the_options_is_told_before_anything_is_done(self):
        for options in (["--only", "speed"], ["--rounds", "0"], ["--plot", "--only", "handshake"],
                        ["--bulk", "0"], ["--before", "/"], ["--before", PROGRAMS, "--plot"]):
            with self.subTest(options=options):
                status, output, complaints = self.run_to_end(*options)
                self.assertEqual((status, output), (2, ""))
                self.assertIn("scripts/bench: error: ", complaints)
