# SPDX-License-Identifier: Apache-2.0
"""A trail that a client tries to fill, one that nobody reads, and one whose disk is full."""

import array
import contextlib
import fcntl
import json
import os
import pathlib
import select
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from parley1 import (
    BY_ITSELF, BY_SIGNAL, CANCEL, CANCELLED, EXIT, FROM_SERVER, NOT_ALLOWED, OUTPUT, PING, PONG, REFUSAL, UNAVAILABLE,
    UNKNOWN, Decoder, run)
from process import Output
from remote_server import REPLIES, Outcomes, RemoteServer, RemoteTestCase, TableServer, program
from server import IS_ROOT
from support import LIMIT, eventually, new_folder

F_SETPIPE_SZ = 1031
COMMANDS = {
    **REPLIES,
    "echo": program("/bin/echo", "{text}", arguments={"text": ".*"}),
    "wait": program("/bin/sh", "-c", "echo $$; exec sleep 60"),
    "forbidden": {"run": ["/bin/echo", "{text}"], "arguments": {"text": ".*"}, "allow": ["dns:nobody"]},
}


def parsed(text):
    """The records of a trail, each line of which must be whole."""
    lines = text.decode("ascii").split("\n")
    if lines.pop():
        raise AssertionError(f"torn: {lines[-1:]}")
    return [json.loads(line) for line in lines]


def are_paired(test, records):
    """Each start is followed by its end, and each end preceded by its start."""
    open_ones = set()
    for record in records:
        key = (record.get("session"), record.get("command"))
        if record["event"] == "command-start":
            test.assertNotIn(key, open_ones)
            open_ones.add(key)
        elif record["event"] == "command-end":
            test.assertIn(key, open_ones)
            open_ones.remove(key)
    test.assertEqual(open_ones, set())


class Flooder:
    """A session that has itself refused as fast as it can, with as much as it can, until it is stopped.

    One thread sends and reads: Python's TLS has no two at once.
    """

    def __init__(self, test, server, name):
        self._stream, self._is_over, self.refused = server.session(test, name).stream, threading.Event(), 0
        self._frames, self._decoder = run("forbidden", b"\x01" * 32_000), Decoder(FROM_SERVER)
        self._stream.setblocking(False)
        self._thread = threading.Thread(target=self._flood, daemon=True)
        self._thread.start()

    def _flood(self):
        rest, is_last = b"", False
        while True:
            if not rest and not is_last:
                is_last = self._is_over.is_set()
                rest = run("Hello") if is_last else self._frames
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                rest = rest[self._stream.send(rest):] if rest else rest
            try:
                self._decoder.feed(self._stream.recv(65_536))
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([self._stream], [self._stream] if rest else [], [], LIMIT)
            while taken := self._decoder.take():
                kind, payload = taken
                if kind == EXIT:
                    return
                if kind == REFUSAL:
                    if payload[0] != NOT_ALLOWED:
                        raise AssertionError(payload)
                    self.refused += 1

    def stop(self):
        self._is_over.set()
        self._thread.join(LIMIT)
        return self.refused


class Flood(RemoteTestCase):
    """A client can't use more than its share of the trail, and takes nothing from the share of others."""

    COMMANDS = COMMANDS
    OPTIONS = ("--audit-rate", "1")

    def test_refusals_are_bounded_in_bytes_and_counted_and_others_starts_are_all_there(self):
        began = time.monotonic()
        flooder = Flooder(self, self.server, "leaver")
        eventually(lambda: flooder.refused > 100, "refusals")
        good = self.session("dora")
        for number in range(30):
            self.assertEnded(good.ask("echo", f"number {number}"), BY_ITSELF, 0)
        refused = flooder.stop()
        # Whoever comes next with this certificate tells how many were left out.
        other = self.session("leaver")
        self.assertEnded(other.ask("echo", "told"), BY_ITSELF, 0)
        self.server.end_of(other)
        self.server.end_of(good)
        spent = time.monotonic() - began
        records = self.server.records()
        his = [record for record in records if record.get("identity") == "dns:leaver.example"]
        refusals = [record for record in his if record["event"] == "refusal"]
        frequent = [record for record in his if not record["event"].startswith("command-")]
        size = sum(len(json.dumps(record, separators=(",", ":"))) + 1 for record in frequent)
        self.assertLess(size, 64 * 1_024 + 1_024 * (spent + 1) + 12 * 1_024)
        longest = max(len(json.dumps(record, separators=(",", ":"))) for record in refusals)
        self.assertLess(longest, 12 * 1_024)
        argument = refusals[0]["arguments"][0]
        self.assertEqual(argument, {"text": "\x01" * 256, "bytes": 32_000})
        # What was asked, and the reply at the end; session starts count as well.
        left_out = sum(record.get("omitted_before", 0) for record in his)
        self.assertGreaterEqual(left_out + len(refusals), refused)
        self.assertLessEqual(left_out + len(refusals), refused + 3)
        hers = [record["arguments"][0] for record in records
                if record.get("identity") == "dns:dora.example" and record["event"] == "command-end"]
        self.assertEqual(hers, [f"number {number}" for number in range(30)])
        are_paired(self, records)
        self.assertNotIn("lost_before", json.dumps(records))


class Pipe:
    """A named pipe as a trail, whose reader pauses until the test lets it continue."""

    def __init__(self, test, name):
        self.path = pathlib.Path(new_folder()) / name
        os.mkfifo(self.path, 0o600)
        self._reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        test.addCleanup(os.close, self._reader)
        self.room = fcntl.fcntl(self._reader, F_SETPIPE_SZ, 4_096)
        self.text = b""

    @property
    def waiting(self):
        count = array.array("i", [0])
        fcntl.ioctl(self._reader, 0x541B, count)  # FIONREAD
        return count[0]

    def read(self):
        """What is there now, or comes within a moment."""
        ready, _, _ = select.select([self._reader], [], [], 0.05)
        try:
            self.text += os.read(self._reader, 65_536) if ready else b""
        except BlockingIOError:
            pass
        return self.text

    def records(self):
        return parsed(self.read().rpartition(b"\n")[0] + b"\n")


class SlowReader(Outcomes, unittest.TestCase):

    def test_starts_wait_and_then_run_and_nobody_else_waits(self):
        pipe = Pipe(self, "trail")
        server = RemoteServer(self, COMMANDS, audit=pipe.path)
        good, waiting, leaving, cancelling = (server.session(self) for _ in range(4))
        # Its reader pauses; refusals fill the pipe.
        good.stream.sendall(run("nope") * 200)
        for _ in range(200):
            self.assertEqual(good.outcome().code, UNKNOWN)
        server.stderr.expect("nobody is reading the audit trail")
        for session, text in ((waiting, "waited"), (leaving, "left"), (cancelling, "cancelled")):
            session.run("echo", text)
        # Others are answered, and come in; who waits is heard.
        self.assertEqual(good.ask("Hello").lines, ["Greetings!"])
        self.assertEqual(server.session(self).ask("Hello").lines, ["Greetings!"])
        waiting.send(PING)
        self.assertEqual(waiting.receive()[0], PONG)
        cancelling.send(CANCEL)
        self.assertRefused(cancelling.outcome(), CANCELLED, "cancelled")
        self.assertEqual(cancelling.ask("Hello").lines, ["Greetings!"])
        leaving.close()
        self.assertEqual(waiting.unread, b"")
        eventually(lambda: pipe.read() and [
            record for record in pipe.records()
            if record["event"] == "command-end" and record["arguments"] == ["waited"]], "its end")
        self.assertEqual(waiting.outcome().lines, ["waited"])
        server.stderr.expect("audit trail is being read again")

        def ends():
            pipe.read()
            return {record["arguments"][0]: record for record in pipe.records()
                    if record["event"] == "command-end"}
        eventually(lambda: len(ends()) == 3, "three ends")
        self.assertEqual(ends()["waited"]["outcome"], "exit")
        self.assertEqual((ends()["cancelled"]["outcome"], ends()["cancelled"]["code"]), ("refused", "cancelled"))
        self.assertNotEqual(ends()["left"]["outcome"], "exit")
        are_paired(self, pipe.records())
        self.assertNotIn(b"lost_before", pipe.text)

    def test_an_end_of_the_server_waits_for_a_reader_but_not_for_ever(self):
        pipe = Pipe(self, "trail")
        server = TableServer(self, COMMANDS, audit=pipe.path)
        session = server.session(self)
        session.run("wait")
        eventually(lambda: b"command-start" in pipe.read(), "its start")
        session.expect(OUTPUT)
        session.stream.sendall(run("nope") * 200)
        session.send(CANCEL)
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        for _ in range(200):
            session.outcome()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertRegex(server.stderr.text, r"parleyd: \d+ audit records could not be written before the server ended")
        end = pipe.read()
        self.assertIn(b"command-start", end)

    def test_standard_error_that_is_read_slowly_has_no_torn_record(self):
        server = SlowlyRead(self, COMMANDS, audit="-")
        good = server.session(self, "dora")
        flooder = Flooder(self, server, "leaver")
        strangers = Strangers(server.port)
        for number in range(20):
            self.assertEnded(good.ask("echo", f"{number} " + "y" * 9_000), BY_ITSELF, 0)
        flooder.stop()
        strangers.stop()
        good.stream.close()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        lines = server.stderr.text.split("\n")
        self.assertEqual(lines.pop(), "")
        records = [json.loads(line) for line in lines if not line.startswith(("parleyd: ", "("))]
        are_paired(self, records)
        ends = [record for record in records if record["event"] == "command-end"]
        self.assertEqual(len(ends), 20)
        self.assertGreater(sum("handshake" in line for line in lines), 20)


class SlowOutput(Output):
    """One that is read as slowly as by a logging daemon."""

    def heard(self, chunk):
        time.sleep(0.002)


class SlowlyRead(TableServer):

    def listen(self, descriptor):
        fcntl.fcntl(descriptor, F_SETPIPE_SZ, 4_096)
        return SlowOutput(descriptor, self)


class Strangers:
    """Connections that speak no TLS, one after the other: a line of the log and a record each."""

    def __init__(self, port):
        self._port, self._isover = port, threading.Event()
        self._thread = threading.Thread(target=self._come, daemon=True)
        self._thread.start()

    def _come(self):
        while not self._isover.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=LIMIT) as each:
                each.sendall(b"quit\r\n")
                each.recv(100)

    def stop(self):
        self._isover.set()
        self._thread.join(LIMIT)


MAY_MOUNT = IS_ROOT and subprocess.run(
    ["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(MAY_MOUNT, "only root may mount a small disk for the trail")
class SmallDisk(Outcomes, unittest.TestCase):
    """The trail is on a disk of 1 MiB, an eighth of which is for starts and ends."""

    def setUp(self):
        disk = new_folder()
        mounts = 'mount -t tmpfs -o size=1m,mode=700 parley "$0" && exec "$@"'
        self.server = TableServer(
            self, COMMANDS, audit=f"{disk}/trail",
            wrapper=["unshare", "--mount", "--propagation", "private", "sh", "-c", mounts, disk])
        # Its disk is its own.
        self.disk = pathlib.Path(f"/proc/{self.server.pid}/root{disk}")
        self.server.audit = self.disk / "trail"

    def test_who_fills_it_can_not_keep_programs_from_starting(self):
        flooder = Flooder(self, self.server, "leaver")
        self.server.stderr.expect("are free where --audit writes")
        good = self.server.session(self, "dora")
        for number in range(20):
            self.assertEnded(good.ask("echo", f"number {number}"), BY_ITSELF, 0)
        flooder.stop()
        self.server.end_of(good)
        free = os.statvfs(self.disk)
        # It ends within what may wait and what may come until it is looked at again.
        self.assertGreater(free.f_bavail * free.f_frsize, 32 * 1_024)
        records = self.server.records()
        are_paired(self, records)
        hers = [record for record in records if record.get("identity") == "dns:dora.example"]
        self.assertEqual(sum(record["event"] == "command-end" for record in hers), 20)

    def test_an_end_that_finds_no_room_is_written_when_there_is_some(self):
        session = self.server.session(self)
        session.run("wait")
        session.expect(OUTPUT)
        full = self.disk / "full"
        with full.open("wb") as file, self.assertRaises(OSError):
            while True:
                os.write(file.fileno(), bytes(1_024))
        # What is left of the trail's last page.
        page = os.sysconf("SC_PAGE_SIZE")
        while self.server.audit.stat().st_size % page:
            refused = self.server.session(self).ask("echo", "x" * 5_000)
            self.assertRefused(refused, UNAVAILABLE, "recorded")
        session.send(CANCEL)
        self.assertEnded(session.outcome(), BY_SIGNAL, 15)
        self.server.stderr.expect("trail cannot be written: No space left on device; records that must not be lost are kept")
        self.assertRefused(session.ask("echo", "refused"), UNAVAILABLE, "recorded")
        full.unlink()
        self.server.stderr.expect("the audit trail now has the")
        end = self.server.end_of(session)
        self.assertEqual((end["name"], end["signal"]), ("wait", 15))
        self.assertEnded(session.ask("echo", "there"), BY_ITSELF, 0)
        self.server.end_of(session)
        are_paired(self, self.server.records())
        starts = [record["arguments"] for record in self.server.records("command-start")]
        self.assertNotIn(["refused"], starts)


if __name__ == "__main__":
    unittest.main()
