# SPDX-License-Identifier: Apache-2.0
"""Brings the faults upon the servers, each in its window, and takes them away again."""

import errno
import os
import shutil
import socket
import ssl
import time

import authority
from actor import Actor
from house import BAD_ADDRESS, DESCRIPTORS, FOR_SERVERS, Judge, encoded, put, table
from ledger import token
from parley1 import NOT_ALLOWED, UNAVAILABLE
from process import Owner
from remote import Ended, Session
from support import eventually
from trail import TORN

CERTIFICATES = r"SIGHUP: certificates reloaded"
TABLE = r"SIGHUP: command table reloaded"
OLD_CERTIFICATES = r"SIGHUP: kept the old certificates"
OLD_TABLE = r"SIGHUP: kept the old command table"
LEAVERS = 3
"""Sessions of one client that is revoked: more than there are loops."""


class Director(Actor):
    """One fault after the other. What must be true within each is checked here as well."""

    def need(self, condition, what):
        if not condition:
            self.ledger.complain(f"{self.name}: {what}")

    def perform(self, event):
        super().perform(event)
        self.ledger.did(event.action)

    def next(self, what):
        self.house.made[what] += 1
        return self.house.made[what]

    @property
    def server(self):
        return self.house["remote"]

    # Reloads

    def table(self, _):
        """Another table: the reply `generation` differs."""
        with self.house.windows.open("table"):
            generation = self.next("table")
            self.house.generations.begin(generation)
            self.house.write_table(table(generation))
            self.server.reload(CERTIFICATES, TABLE)
            self.house.generations.settle()

    def broken_table(self, dice):
        """A table with a mistake, or one that others may write: the old one stays."""
        with self.house.windows.open("broken_table"):
            if dice.random() < 0.5:
                authority.write(self.house.table, "{commands: {echo: {rum: ['/bin/echo']}}}")
            else:
                self.house.write_table(table("nobody may see"))
                self.house.table.chmod(0o666)
            self.server.reload(CERTIFICATES, OLD_TABLE)
            self.house.write_table(table(self.house.generations.last))

    def certificate(self, _):
        """Another certificate and key of the same authority."""
        with self.house.windows.open("certificate"):
            name = f"server-{self.next('server')}"
            self.house.issue(name, FOR_SERVERS, authority.LOCAL)
            self.house.server_certificates.begin(encoded(self.house.folder / f"{name}.pem"))
            for kind in ("pem", "key"):
                put(self.house.folder / f"{name}.{kind}", self.house.certs / f"server.{kind}")
            for daemon in self.house.encrypted:
                daemon.reload(CERTIFICATES)
            self.house.server_certificates.settle()

    def broken_certificate(self, dice):
        """A certificate whose key is another's, or no file at all: the old pair stays."""
        target = self.house.certs / "server.pem"
        with self.house.windows.open("broken_certificate"):
            kept = target.with_suffix(".kept")
            shutil.copy(target, kept)
            if dice.random() < 0.5:
                put(self.house.certificate("mallory").with_suffix(".pem"), target)
            else:
                target.unlink()
            for daemon in self.house.encrypted:
                daemon.reload(OLD_CERTIFICATES)
            kept.rename(target)

    def rotation(self, _):
        """Like logrotate: the audit file is moved away, and a new one is opened."""
        with self.house.windows.open("rotation"):
            self.move_audit()
            self.server.reload(CERTIFICATES, TABLE)

    def move_audit(self):
        self.house.audit.rename(self.house.folder / f"audit-{self.next('audit'):04}.jsonl")

    # Revocation

    def revocation(self, dice):
        """A client that is revoked: its open sessions start nothing more, and it gets no other."""
        name = f"leaver-{self.next('leaver')}"
        self.house.issue(name)
        with Owner() as owner, self.house.windows.open("revocation"):
            # From there failures are told one by one.
            sessions = [Session(owner, self.server.port, self.house.certificate(name), BAD_ADDRESS)
                        for _ in range(LEAVERS)]
            for session in sessions:
                mine = token(dice)
                outcome = session.ask("echo", mine)
                self.need(outcome.output == f"{mine}\n".encode(), f"{name} before: {outcome}")
            self.house.revoke(name)
            self.server.reload(CERTIFICATES, TABLE)
            for session in sessions:
                for words in (("echo", token(dice)), ("reply-00",), ("whoami",)):
                    outcome = session.ask(*words)
                    self.need(outcome.code == NOT_ALLOWED and not outcome.output,
                              f"{name} was revoked, and {words[0]} gave {outcome}")
            try:
                Session(owner, self.server.port, self.house.certificate(name), BAD_ADDRESS).ask("reply-00")
                self.need(False, f"{name} was revoked and has a new session")
            except (Ended, ssl.SSLError, ConnectionError) as refused:
                cause = refused.__cause__ or refused
                self.need("revoked" in str(cause).lower(), f"{name} was told {cause!r}")

    # What runs out

    def exhaustion(self, dice):
        """More connections than the server has descriptors; then they go."""
        since, held = self.server.mark(), []
        with self.house.windows.open("exhaustion") as window:
            try:
                for _ in range(DESCRIPTORS + 40):
                    connection = socket.socket()
                    connection.setblocking(False)
                    held.append(connection)
                    connection.bind((BAD_ADDRESS, 0))
                    result = connection.connect_ex(("127.0.0.1", self.server.port))
                    self.need(result in (0, errno.EINPROGRESS), f"connect: {os.strerror(result)}")
                self.server.wait_for(Judge.EXHAUSTED, since)
                window.hold()
                if dice.random() < 0.5:
                    self.server.reload(CERTIFICATES, TABLE)
                self.house.stopping.wait(dice.uniform(0.3, 0.8))
                window.release()
            finally:
                for connection in held:
                    connection.close()
            eventually(lambda: self.server.descriptors < DESCRIPTORS / 2, "free descriptors")
            self.server.wait_for(Judge.RECOVERED, since)
            # The server remembers a program whose pipes it could not pass on.
            self.house.stopping.wait(0.2)

    def full_device(self, dice):
        """The audit trail goes to a device that is full, and later to a file again."""
        since = self.server.mark()
        with self.house.windows.open("full_disk") as window, Owner() as owner:
            self.move_audit()
            self.house.audit.symlink_to("/dev/full")
            self.server.reload(CERTIFICATES, TABLE)
            self.server.wait_for("an audit record was lost: No space left", since)
            window.hold()
            session = Session(owner, self.server.port, self.house.certificate("guest-0"))
            self.watch_refusals(session, dice)
            window.release()
            self.house.audit.unlink()
            self.server.reload(CERTIFICATES, TABLE)
            self.see_a_program(session, dice)
            session.stream.unwrap()

    def full_disk(self, dice):
        """The disk is full within a record, and has room again without a word to the server."""
        volume = self.house.volume
        if not volume:
            return self.full_device(dice)
        since = self.server.mark()
        with self.house.windows.open("full_disk") as window, Owner() as owner:
            session = Session(owner, self.server.port, self.house.certificate("guest-0"))
            self.next("torn")
            volume.fill()
            self.move_audit()
            self.house.audit.symlink_to(volume.audit)
            self.server.reload(CERTIFICATES, TABLE)
            eventually(lambda: session.ask("echo", token(dice)).code == UNAVAILABLE, "a full disk")
            self.server.wait_for("an audit record was lost: ", since)
            window.hold()
            self.watch_refusals(session, dice)
            window.release()
            volume.make_room()
            self.see_a_program(session, dice)
            self.house.audit.unlink()
            self.server.reload(CERTIFICATES, TABLE)
            volume.take(self.house.folder / f"audit-{self.next('audit'):04}{TORN}")
            self.see_a_program(session, dice)
            session.stream.unwrap()

    def watch_refusals(self, session, dice):
        """Programs are refused, and replies are not."""
        until = time.monotonic() + dice.uniform(0.3, 0.8)
        while time.monotonic() < until:
            outcome = session.ask("echo", token(dice))
            self.need(outcome.code == UNAVAILABLE and not outcome.output,
                      f"a program ran that could not be recorded: {outcome}")
            # Those that are refused count among the identity's starts of a second.
            time.sleep(0.01)
        self.need(session.ask("reply-00").output, "no reply while the disk is full")

    def see_a_program(self, session, dice):
        name = token(dice)
        self.need(session.ask("echo", name).output == f"{name}\n".encode(),
                  "no program runs though the disk has room again")
