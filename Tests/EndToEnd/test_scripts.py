# SPDX-License-Identifier: Apache-2.0
"""The scripts: what they take from their caller, what they leave, and what they say is missing."""

import os
import shutil
import signal
import sys

from support import REPOSITORY, Program, TestCase, eventually, is_alive, new_folder

SCRIPTS = REPOSITORY / "scripts"


class CommandLines(TestCase):
    def test_help_is_given_and_a_mistake_is_wrong_usage(self):
        for name in ("demo", "package", "setup", "test", "test-groups", "test-release"):
            for words, status in ((["--help"], 0), (["-h"], 0), (["--no-such-option"], 64),
                                  (["x", "y"], 64)):
                with self.subTest(name, words=words):
                    program = Program(self, [str(SCRIPTS / name), *words])
                    self.assertStatus(program, status)
                    said = program.stderr.text if status else program.stdout.text
                    self.assertTrue(said.startswith(f"usage: scripts/{name}"), program.story)

    def test_a_demo_overwrites_no_folder(self):
        there = new_folder()
        program = Program(self, [str(SCRIPTS / "demo"), there])
        self.assertStatus(program, 1)
        self.assertIn(f"{there} already exists", program.stderr.text)


OWN_GROUP = ("import os, subprocess, tempfile; tempfile.mkstemp(); "
             'child = subprocess.Popen(["sleep", "619"], preexec_fn=lambda: os.setpgid(0, 0)); '
             "print(child.pid, flush=True); child.wait()")
"""A program as `swift build` is, which does not end its children when a signal ends it."""


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # As it should be.


class Common(TestCase):
    """scripts/common, which all of them read."""

    def setUp(self):
        self.folder = new_folder()

    def script(self, body, shell=""):
        """A script that reads scripts/common, below a shell that has run `shell`."""
        (self.folder / "script").write_text(f"set -eu\n. {SCRIPTS}/common\n{body}\n")
        temporary = self.folder / "temporary"
        temporary.mkdir(exist_ok=True)
        return Program(self, ["sh", "-c", f'{shell or ":"}; exec sh "$0"', str(self.folder / "script")],
                       environment={"TMPDIR": str(temporary)})

    def left(self):
        return os.listdir(self.folder / "temporary")

    def test_nothing_is_inherited_but_the_status(self):
        program = self.script('umask; run grep SigIgn /proc/self/status; touch "$TMPDIR/x"; run sh -c "exit 7"',
                              shell="trap '' HUP INT QUIT; umask 077")
        self.assertStatus(program, 7)
        umask, ignored = program.stdout.text.splitlines()
        self.assertEqual(umask, "0022")
        # Above are glibc's own, which posix_spawn(3) leaves ignored.
        self.assertEqual(int(ignored.split()[1], 16) & (1 << 31) - 1, 0)
        self.assertEqual(self.left(), [])

    def test_a_signal_ends_what_was_started_and_its_files(self):
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                program = self.script(f"run {sys.executable} -c '{OWN_GROUP}'")
                pid = int(program.stdout.expect(r"(\d+)\n")[1])
                program.signal(number)
                self.assertStatus(program, 128 + number)
                self.ends(pid)
                self.assertEqual(self.left(), [])

    def test_a_script_that_is_killed_leaves_no_process(self):
        program = self.script("run sh -c 'echo $$; exec sleep 619'")
        pid = int(program.stdout.expect(r"(\d+)\n")[1])
        program.signal(signal.SIGKILL)
        self.ends(pid)

    def ends(self, pid):
        self.addCleanup(end, pid)
        eventually(lambda: not is_alive(pid), "the end of what was started")


CLANG = """#!/bin/sh
case $1 in
    -v) echo "{gcc}" >&2 ;;
    --print-file-name={missing}) echo "{missing}" ;;
    --print-file-name=*) echo "/usr/lib/${{1#*=}}" ;;
esac
"""
GCC_14 = "Selected GCC installation: /usr/lib/gcc/x86_64-linux-gnu/14"


class Setup(TestCase):
    """A part that the toolchain lacks is one sentence with its package's name."""

    def setUp(self):
        self.root = new_folder()
        self.tools = self.root / "tools"
        self.tools.mkdir()
        (self.root / "scripts").mkdir()
        shutil.copy(SCRIPTS / "setup", self.root / "scripts")
        self.tool("id", "echo 1000")
        self.tool("sudo", "exit 1")
        self.tool("swift", "exit 0")
        self.tool("swiftc", "touch probe; chmod 755 probe")

    def tool(self, name, text):
        path = self.tools / name
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def setup(self):
        return Program(self, [str(self.root / "scripts" / "setup")],
                       environment={"PATH": f"{self.tools}:{os.environ['PATH']}"})

    def assertWanted(self, packages):
        program = self.setup()
        self.assertStatus(program, 1)
        self.assertEqual(
            program.stderr.text, "scripts/setup: only root can install packages; "
            f"run as root: apt-get install {packages}\n")

    def test_the_compilers_own_choice_of_gcc_decides(self):
        for gcc, missing, package in (
            (GCC_14, "libstdc++.so", "libstdc++-14-dev"),
            (GCC_14.replace("14", "12"), "libstdc++.so", "libstdc++-12-dev"),
            (GCC_14, "crt1.o", "libc6-dev"), (GCC_14, "crtbegin.o", "gcc"), ("", "x", "g++"),
        ):
            with self.subTest(package):
                self.tool("clang", CLANG.format(gcc=gcc, missing=missing))
                self.assertWanted(package)

    def test_libraries_that_the_toolchain_runs_with_are_packages(self):
        self.tool("clang", CLANG.format(gcc=GCC_14, missing="x"))
        self.tool("ldd", "".join(f"echo '\t{library} => not found'\n" for library in (
            "libcurl.so.4", "libncurses.so.6", "libsqlite3.so.0", "libxml2.so.2", "libz.so.1")))
        self.assertWanted("libcurl4 libncurses6 libsqlite3-0 libxml2 zlib1g")

    def test_a_toolchain_that_cannot_build_is_told_in_a_sentence(self):
        self.tool("clang", CLANG.format(gcc=GCC_14, missing="x"))
        self.assertStatus(self.setup(), 0)
        self.tool("swiftc", "seq -f 'note: %g' 100; echo 'ld: cannot find -lsurprise'; exit 1")
        program = self.setup()
        self.assertStatus(program, 1)
        self.assertEqual(len(program.stderr.text.splitlines()), 1, program.story)
        self.assertIn("cannot find -lsurprise", program.stderr.text)
