# SPDX-License-Identifier: Apache-2.0
"""The memory of the programs, which has keys in it, stays where it is."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

from conditions import crashes
from runs import Commands, Run, shell
from strangers import listening
from support import AS_NOBODY, PARLEYD, Client, Server, TestCase

CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP,
           signal.SIGFPE, signal.SIGQUIT)


@crashes
class Crashes(TestCase):

    def test_a_crash_ends_either_program_and_shows_nothing(self):
        for number in CRASHES:
            with self.subTest(number.name, program="parleyd"):
                server = Server(self, "hello", sealed=True)
                server.signal(number)
                self.assertEqual(server.wait(), -number)
                self.assertEqual(server.stderr.text.count("\n"), 1, server.story)
        listener, port = listening(self)
        for number in CRASHES:
            with self.subTest(number.name, program="parley"):
                client = Client(self, "hello", port, sealed=True)
                peer, _ = listener.accept()
                with peer:
                    client.signal(number)
                    # A key of its terminal: it ends in order, as by Ctrl-C.
                    is_quit = number == signal.SIGQUIT
                    self.assertEqual(client.wait(), 128 + number if is_quit else -number)
                    self.assertEqual(client.complaints, [])

    def test_no_core_is_written_and_programs_have_the_limit_of_before(self):
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        most = limits[1]
        if most == 0:
            self.skipTest("no core may be written here in any case")
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limits)
        server = Commands(self, commands={"limits": shell("exec cat /proc/self/limits")}, sealed=True)

        def core(text):
            line = next(line for line in text.splitlines() if line.startswith("Max core file size"))
            return line.split()[4:6]
        expected = "unlimited" if most == resource.RLIM_INFINITY else str(most)
        self.assertEqual(
            core(pathlib.Path(f"/proc/{server.pid}/limits").read_text()), ["0", expected])
        run = Run(self, server.port, "limits", sealed=True)
        self.assertStatus(run, 0)
        self.assertEqual(core(run.stdout.text), [expected, expected])

    def test_no_other_process_of_the_user_reads_the_memory(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-sealed-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        who = [] if os.geteuid() else AS_NOBODY
        # Where this user could not read the file, the kernel would forbid it by itself.
        copy = shutil.copy(PARLEYD, folder / "parleyd")
        os.chmod(copy, 0o755)
        for environment, is_sealed in (({}, True), ({"PARLEY_DUMPABLE": "1"}, False)):
            with self.subTest(environment):
                # Its own pipes can still be opened by their names in /proc.
                server = Server(self, "hello", wrapper=who, program=str(copy), folder="/",
                                environment=environment, sealed=True)
                reading = subprocess.run(
                    [*who, "cat", f"/proc/{server.pid}/environ"], capture_output=True)
                self.assertEqual(reading.returncode != 0, is_sealed)
