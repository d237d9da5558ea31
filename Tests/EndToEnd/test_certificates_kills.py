# SPDX-License-Identifier: Apache-2.0
"""scripts/generate-certs killed anywhere, interrupted, and run twice at once: a whole set or none."""

import concurrent.futures
import os
import select
import shutil
import signal
import unittest

from certificates import (
    BASIC, BOOKS, CANNOT_CREATE, FAILURE, MUTATORS, SIX, Case, books, command_line, contents,
    everything, files, generate, leftovers, openssl, replaced, shims)
from support import LIMIT, Program


class Atomicity(Case):
    """A kill leaves the folder as it is at that moment, so a copy of it at that moment is what a kill leaves.

    A shim before each command that changes the file system copies the folder: one run yields every kill point. That
    the copies are the truth is shown by real kills in the shorter runs.
    """

    def photograph(self, label, out, *arguments):
        """The states of out before each change in a run, in order."""
        photographs = self.folder / f"photographs {label}"
        photographs.mkdir()
        count = self.folder / f"count {label}"
        count.write_text("100\n")
        environment = shims(self.folder / f"shims {label}", MUTATORS, (
            'read -r n <"$COUNT"\necho $((n + 1)) >"$COUNT"\n'
            f'[ ! -d "$FOLDER" ] || {shutil.which("cp")} -RPp "$FOLDER" "$PHOTOGRAPHS/$n"'))
        result = generate(out, *arguments, env={
            **environment, "COUNT": str(count), "FOLDER": str(out), "PHOTOGRAPHS": str(photographs)})
        return result, sorted(photographs.iterdir())

    def check_all_states(self, *arguments, before=(), plain=False, recover_each=1):
        """Each state, and each state of the recovery from it, reads as the old set or as the new one."""
        if plain:
            # As an earlier version has left it: files, and no books.
            shutil.copytree(BASIC, self.out, ignore=shutil.ignore_patterns(BOOKS), symlinks=False)
        else:
            self.copy()
        for step in before:
            self.make(*step)
        (self.out / "README.md").write_text("kept")
        old, old_books = contents(self.out), None if plain else books(self.out)
        kept = set(old.values())
        for path in [*self.out.glob("old-*/*")]:
            kept.add((path.read_bytes(), path.stat().st_mode & 0o7777))
        result, states = self.photograph("first", self.out, *arguments)
        self.assertDone(result)
        new, new_books = contents(self.out), books(self.out)
        self.assertNotEqual((old, old_books), (new, new_books))
        found = {state: contents(state) for state in states}
        for state in states:
            self.assertIn(found[state], (old, new), state.name)
            self.assertLessEqual(kept, everything(state), state.name)
        seen = [os.path.lexists(state / BOOKS / "current") and os.readlink(state / BOOKS / "current") ==
                os.readlink(self.out / BOOKS / "current") for state in states]
        self.assertEqual(seen, sorted(seen), "new, and then old again")
        self.assertEqual(set(seen), {False, True})

        def recover(state):
            # Refused, since the client is there: what matters is what the run tidies up before.
            result, nested = self.photograph(state.name, state, "--client", "client")
            return state, result, nested

        # The states while certificates are being created are all alike: the last one represents them.
        committed = seen.index(True)
        chosen = states[:2] + states[max(2, committed - 12)::recover_each]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for state, result, nested in pool.map(recover, chosen):
                before = found[state]
                self.assertRefused(result, CANNOT_CREATE, "client.pem")
                for each in nested:
                    self.assertEqual(contents(each), before, state.name)
                    self.assertLessEqual(kept, everything(each), state.name)
                self.assertEqual(contents(state), before, state.name)
                self.assertEqual(leftovers(state), [], state.name)
                self.assertLessEqual(kept, everything(state), state.name)
                if (state / BOOKS).exists():
                    self.assertIn(books(state), (old_books, new_books), state.name)

    def test_killAnywhere_whileASetIsReplaced_leavesOneSetWhole(self):
        self.check_all_states("--force", "--client", "client", "--client", "both", "--client", "new", recover_each=6)
        self.assertEqual(len(replaced(self.out)), 1)

    def test_killAnywhere_whileAClientIsAdded_leavesAllOrNothingOfIt(self):
        self.check_all_states("--client", "a", "--client", "b")

    def test_killAnywhere_atTheFirstStepOnPlainFiles_leavesAllOrNothingOfIt(self):
        self.check_all_states("--force", "--client", "client", "--client", "new", plain=True, recover_each=3)
        self.assertEqual(len(replaced(self.out)), 1)

    def test_killAnywhere_whileACertificateIsRenewed_leavesAllOrNothingOfIt(self):
        self.check_all_states("--renew", "both", "--new-key", recover_each=3)
        self.assertEqual([set(each) for each in replaced(self.out)], [{"both.pem", "both.key"}])

    def test_killAnywhere_whileACertificateIsRevoked_leavesAllOrNothingOfIt(self):
        self.check_all_states("--revoke", "both", before=[["--crl"]], recover_each=3)
        self.assertEqual([set(each) for each in replaced(self.out)], [{"crl.pem"}])

    def test_killAnywhere_whileARequestIsSigned_leavesAllOrNothingOfIt(self):
        self.assertDone(generate(self.new_machine(), "--request", "theirs"))
        self.check_all_states("--sign", self.folder / "machine" / "theirs.csr", "--client", "theirs", recover_each=3)

    def test_killAnywhere_whileTheCAChanges_leavesAllOrNothingOfIt(self):
        for number, step in enumerate((["--renew", "ca"], ["--successor"])):
            with self.subTest(step=step):
                self.out = self.folder / f"certs {number}"
                self.folder = self.folder / f"of {number}"
                self.folder.mkdir()
                self.check_all_states(*step, before=[["--crl"]], recover_each=6)

    def new_machine(self):
        machine = self.folder / "machine"
        machine.mkdir()
        return machine

    def test_killAnywhere_inARequest_isMadeGoodByTheNext(self):
        machine = self.new_machine()
        result, states = self.photograph("request", machine, "--request", "theirs")
        self.assertDone(result)
        for state in states:
            key = state / "theirs.key"
            before = key.read_bytes() if key.exists() else None
            # The request is the last file of the two.
            self.assertFalse((state / "theirs.csr").exists() and before is None)
            if not (state / "theirs.csr").exists():
                self.assertDone(generate(state, "--request", "theirs"))
            self.assertIn(before, (None, key.read_bytes()), "a key is never replaced")
            self.assertEqual(openssl("req", "-in", state / "theirs.csr", "-noout", "-pubkey").stdout,
                             openssl("pkey", "-in", key, "-pubout").stdout)

    def test_killAnywhere_inAFirstRun_leavesASetOrNone(self):
        self.out.mkdir()
        old = contents(self.out)
        result, states = self.photograph("first", self.out)
        self.assertDone(result)
        new = contents(self.out)
        self.assertEqual(set(new), SIX)
        found = [contents(state) for state in states]
        self.assertTrue(all(each in (old, new) for each in found))
        # From nothing, a run after the kill makes a set of its own.
        for state in (states[1], states[len(states) // 2], [s for s, f in zip(states, found) if f == old][-1]):
            self.assertDone(generate(state))
            self.assertEqual(files(state), SIX)
            self.assertVerified(state, "client")

    def test_realKill_beforeEachChange_leavesTheOldSetOrTheNewOne_andTheNextRunWorks(self):
        self.make("--self-signed")
        old = contents(self.out)
        environment = shims(self.folder / "shims", MUTATORS, (
            'read -r n <"$COUNT"\necho $((n + 1)) >"$COUNT"\n[ "$n" != "$KILL_AT" ] || kill -KILL 0'))

        def attempt(kill_at):
            out, count = self.folder / f"killed {kill_at}", self.folder / f"count {kill_at}"
            shutil.copytree(self.out, out, symlinks=True)
            count.write_text("0\n")
            options = {"env": {**environment, "COUNT": str(count), "KILL_AT": str(kill_at)}, "start_new_session": True}
            first = generate(out, "--self-signed", "--force", **options)
            after = contents(out)
            # Neither refusal nor success may depend on where the first run was killed.
            refused = generate(out)
            return first.returncode, int(count.read_text()), after, refused, contents(out), (leftovers(out), replaced(out))

        _, changes, *_ = attempt(-1)
        outcomes = set()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for status, _, after, refused, kept, left in pool.map(attempt, range(changes + 1)):
                self.assertIn(status, (0, -signal.SIGKILL))
                self.assertEqual(set(after), set(old))
                self.assertEqual(after["ca.pem"], after["server.pem"])
                # Files of one moment: all of them are old, or none is.
                self.assertIn({name for name in old if after[name] == old[name]}, (set(), set(old)))
                self.assertRefused(refused, CANNOT_CREATE, "--force")
                self.assertEqual(kept, after)
                # What was replaced is kept, whole and once.
                self.assertEqual(left, ([], [] if after == old else [old]))
                outcomes.add((status, after == old))
        self.assertEqual(outcomes, {(-signal.SIGKILL, True), (-signal.SIGKILL, False), (0, False)})

    def gate(self, label, name="openssl", condition='[ "$1" = genpkey ]'):
        """A PATH whose command, where condition holds, says that it is reached and waits to be let through."""
        for pipe in ("reached", "go"):
            os.mkfifo(self.folder / f"{pipe} {label}")
        environment = shims(self.folder / f"gate {label}", [name], (
            f'if {condition}; then\necho >"$REACHED"\nread -r _ <"$GO"\nfi'))
        return {**environment, "REACHED": str(self.folder / f"reached {label}"), "GO": str(self.folder / f"go {label}")}

    def wait_at_gate(self, environment):
        descriptor = os.open(environment["REACHED"], os.O_RDWR | os.O_NONBLOCK)
        try:
            self.assertTrue(select.select([descriptor], [], [], LIMIT)[0], "the gate was never reached")
            os.read(descriptor, 1)
        finally:
            os.close(descriptor)

    def test_interrupt_leavesTheOldSet_andNothingElse(self):
        self.copy()
        before = contents(self.out)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for label, name, condition in (("making", "openssl", '[ "$1" = req ]'),
                                           ("switching", "mv", '[ "${2##*/}" = new.pem ] && [ -L "$2" ]')):
                with self.subTest(signal=number, when=label):
                    environment = self.gate(f"{label} {number}", name, condition)
                    process = Program(self, command_line(self.out, "--force", "--client", "new"),
                                      environment=environment)
                    self.wait_at_gate(environment)
                    os.killpg(process.pid, number)
                    process.stderr.expect(r"generate-certs: [^\n]+\n")
                    self.assertEqual(process.wait(), 128 + number)
                    self.assertEqual(contents(self.out), before)
                    self.assertEqual(leftovers(self.out), [])

    def test_interruptOfAFirstRun_leavesNoFolder(self):
        environment = self.gate("first")
        process = Program(self, command_line(self.out), environment=environment)
        self.wait_at_gate(environment)
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        self.assertFalse(self.out.exists())

    def test_secondRunAtTheSameTime_isRefused_andTheFirstFinishes(self):
        environment = self.gate("first")
        first = Program(self, command_line(self.out), environment=environment)
        self.wait_at_gate(environment)
        for arguments in ([], ["--force"], ["--client", "a"], ["--crl"], ["--revoke", "client"]):
            self.assertRefused(generate(self.out, *arguments), FAILURE, "another run")
        # From here on nobody waits at the gate: each further call finds a line to read.
        ends = [os.open(environment[pipe], os.O_RDWR) for pipe in ("GO", "REACHED")]
        os.write(ends[0], b"\n" * 1_000)
        first.stdout.expect(r"client\.pem[^$]*sha256//")
        self.assertEqual(first.wait(), 0)
        for end in ends:
            os.close(end)
        self.assertEqual(files(self.out), SIX)
        self.assertVerified(self.out, "server", "-purpose", "sslserver")

    def test_lockOfADeadRun_isFree_andRunsAtTheSameTimeDoNotMix(self):
        self.make()
        for _ in range(3):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                results = list(pool.map(lambda _: generate(self.out, "--force"), range(4)))
            for result in results:
                if result.returncode != 0:
                    self.assertRefused(result, FAILURE, "another run")
            self.assertIn(0, [result.returncode for result in results])
            self.assertEqual(files(self.out), SIX)
            for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
                self.assertVerified(self.out, name, "-purpose", purpose)


if __name__ == "__main__":
    unittest.main()
