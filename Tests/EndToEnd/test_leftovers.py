# SPDX-License-Identifier: Apache-2.0
"""scripts/test fails where it leaves a process or a file, and leaves none when it is interrupted."""

import shutil
import signal
import subprocess
import sys

from support import REPOSITORY, Program, TestCase, eventually, is_alive, new_folder

ORPHAN = 'setsid sh -c "exec sleep 613" </dev/null >/dev/null 2>&1 & echo $!'


class Leftovers(TestCase):
    def setUp(self):
        self.checkout = new_folder()
        (self.checkout / "Tests").mkdir()
        shutil.copy(REPOSITORY / "Tests" / "leftovers.py", self.checkout / "Tests")
        (self.checkout / ".gitignore").write_text("/.build/\n*.pem\n")
        subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q", self.checkout],
                       check=True, stdin=subprocess.DEVNULL)

    def run_below(self, shell, **how):
        return Program(self, [sys.executable, "-B", str(self.checkout / "Tests" / "leftovers.py"),
                              "sh", "-c", shell], folder=self.checkout, **how)

    def test_the_status_is_the_commands(self):
        for shell, status in (("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)):
            with self.subTest(shell):
                program = self.run_below(shell)
                self.assertStatus(program, status)
                self.assertEqual(program.complaints, [])

    def test_what_ends_by_itself_is_waited_for(self):
        self.assertStatus(self.run_below("setsid sleep 0.3 </dev/null >/dev/null 2>&1 &"), 0)

    def test_a_process_that_is_left_is_told_and_ended(self):
        program = self.run_below(ORPHAN)
        pid = int(program.stdout.expect(r"(\d+)\n")[1])
        self.assertStatus(program, 1)
        self.assertIn(f"sleep ({pid})", program.stderr.text)
        self.assertFalse(is_alive(pid))

    def test_a_file_that_is_left_is_told_unless_it_is_built(self):
        self.assertStatus(self.run_below("mkdir .build; touch .build/x"), 0)
        for name in ("left", "ignored.pem"):
            with self.subTest(name):
                program = self.run_below(f"touch {name}")
                self.assertStatus(program, 1)
                self.assertIn(name, program.stderr.text)

    def test_a_signal_ends_all_that_was_started(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                program = self.run_below(f"{ORPHAN}; sleep 613")
                pid = int(program.stdout.expect(r"(\d+)\n")[1])
                program.signal(number)
                self.assertStatus(program, 128 + number)
                eventually(lambda pid=pid: not is_alive(pid), "the end of the orphan")
