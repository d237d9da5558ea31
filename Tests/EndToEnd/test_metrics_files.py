# SPDX-License-Identifier: Apache-2.0
"""Where metrics are written, and what stands in the way: a server serves all the same, and says so once."""

import fcntl
import os
import pathlib
import signal
import subprocess
import unittest

import authority
from conditions import only_root
from remote_server import program
from support import LIMIT, PARLEYD, eventually, new_folder
from test_metrics import Watched

LARGE = {f"command-{number}-{'x' * 100}": program("/bin/true") for number in range(600)}
"""Whose metrics take a while to write."""
WHOLE = "\n# TYPE parley_crl_next_update_timestamp_seconds gauge\n"
"""The end of every metrics file."""



class Files(Watched):
    """What the file may be. A server that can't write it serves all the same, and says so once."""

    def serves_without(self, *words, **how):
        server = self.serve(**how)
        said = server.stderr.expect(r"parleyd: the metrics file ([^\n]*)\n")[1]
        for word in words:
            self.assertIn(word, said)
        session = server.session(self)
        self.assertEqual(session.ask("echo", "a").output, b"a\n")
        session.stream.unwrap().close()
        server.reload()
        server.signal(signal.SIGTERM)
        self.assertStatus(server, 0)
        self.assertEqual(server.stderr.text.count("the metrics file"), 1)
        return said

    def test_a_folder_that_others_may_write(self):
        self.folder.chmod(0o777)
        self.serves_without("can be written by", "chmod")
        self.assertEqual(os.listdir(self.folder), [])
        self.folder.chmod(0o700)

    def test_a_pipe_and_a_folder(self):
        os.mkfifo(self.file)
        self.serves_without("not a regular file")
        self.file.unlink()
        self.file.mkdir()
        self.serves_without("it is a folder")

    def test_a_link_leads_to_the_file_that_is_replaced(self):
        other = new_folder()
        self.file.symlink_to(other / "real.prom")
        server = self.serve()
        eventually((other / "real.prom").exists, "the file")
        self.assertTrue(self.file.is_symlink())
        self.assertEqual(self.last(server)["parley_up",], 0)
        other.chmod(0o777)
        (other / "real.prom").unlink()
        self.serves_without("can be written by")
        other.chmod(0o700)

    def test_what_is_not_a_metrics_file_is_never_replaced(self):
        self.file.write_text("-----BEGIN PRIVATE KEY-----\n")
        self.serves_without("something else in it")
        self.assertEqual(self.file.read_text(), "-----BEGIN PRIVATE KEY-----\n")

    def test_no_folder(self):
        self.file = self.folder / "none" / "metrics.prom"
        self.serves_without("does not exist")

    def test_a_descriptor(self):
        self.file = pathlib.Path("/dev/fd/2")
        self.serves_without("a descriptor cannot be replaced")

    def test_a_hyphen_is_no_file(self):
        ended = subprocess.run([PARLEYD, "hello", "--metrics", "-"], capture_output=True, text=True, timeout=LIMIT,
                               cwd=self.folder, check=False)
        self.assertEqual(ended.returncode, 64)
        self.assertRegex(ended.stderr, r"\Aparleyd: --metrics needs a file[^\n]*\n\Z")
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_a_killed_server_left_is_gone_with_the_next(self):
        draft = self.folder / ".metrics.prom.new"
        draft.write_text("# HELP parley_up half")
        server = self.serve()
        eventually(self.file.exists, "the file")
        self.assertFalse(draft.exists())
        os.kill(server.pid, signal.SIGKILL)
        self.assertStatus(server, -signal.SIGKILL)
        self.assertEqual(self.metrics()["parley_up",], 1)
        self.assertEqual(self.status(self.file).returncode, 0)  # For a minute.

    def test_readers_never_see_half_of_it(self):
        server = self.serve(LARGE)
        eventually(self.file.exists, "the file")
        last, versions = None, 0
        server.signal(signal.SIGHUP)
        while versions < 8:
            with open(self.file, encoding="utf-8") as file:  # It is always there.
                text, this = file.read(), os.fstat(file.fileno()).st_ino
            self.assertTrue(text.startswith("# HELP parley_up "))
            self.assertIn(WHOLE, text)
            if this != last:
                last, versions = this, versions + 1
                server.signal(signal.SIGHUP)

    def test_a_server_that_is_killed_while_it_writes_leaves_no_half_of_it(self):
        for _ in range(5):
            server = self.serve(LARGE)
            eventually(self.file.exists, "the file")
            server.signal(signal.SIGHUP)
            draft = self.folder / ".metrics.prom.new"
            self.file.unlink()
            eventually(lambda: draft.exists() or self.file.exists(), "the next version")
            os.kill(server.pid, signal.SIGKILL)
            self.assertStatus(server, -signal.SIGKILL)
            if self.file.exists():
                self.assertIn(WHOLE, self.file.read_text())

    @only_root("mounts a file system")
    def test_a_full_disk(self):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=0755", "none", self.folder],
                                 capture_output=True, timeout=LIMIT, check=False)
        if mounted.returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], timeout=LIMIT, check=True)
        server = self.serve()
        eventually(self.file.exists, "the file")
        whole = self.file.read_text()
        fill = self.folder / "fill"
        with self.assertRaises(OSError), open(fill, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4_096))
        server.reload()
        server.stderr.expect(r"parleyd: the metrics file [^\n]*No space left on device[^\n]*\n")
        self.assertEqual(self.file.read_text(), whole)
        self.assertEqual(sorted(os.listdir(self.folder)), ["fill", "metrics.prom"])
        fill.unlink()
        server.reload()
        server.stderr.expect("parleyd: the metrics file is being written again\n")

    def test_check_warns_of_it_and_writes_nothing(self):
        words = [PARLEYD, "check", "--certs", authority.good(), "--client-ca", authority.good() / "ca.pem", "--quiet"]

        def warnings(path):
            ended = subprocess.run([*words, "--metrics", path], capture_output=True, text=True, timeout=LIMIT,
                                   check=False)
            self.assertEqual(ended.returncode, 0)
            return [line for line in ended.stderr.splitlines() if "metrics" in line]
        self.assertEqual(warnings(self.file), [])
        self.assertEqual(os.listdir(self.folder), [])
        (self.folder / ".draft.prom.new").mkdir()
        for name, reason in (("none/x.prom", "does not exist"),
                             ("draft.prom", r"\.draft\.prom\.new, which is a folder"),
                             ("x" * 251, "its name is too long"), ("", "it is a folder")):
            warning, = warnings(self.folder / name)
            self.assertRegex(warning, f"^parleyd: warning: the metrics file .*{reason}")
        self.assertEqual(warnings(""), [])


class Several(Watched):
    """Servers with one file: the first writes it, and the next one when that has ended."""

    TAKEN = r"parleyd: the metrics file [^\n]*/metrics\.prom: another server that runs writes it[^\n]*\n"
    MANY, FEW = ("--max-sessions", "77"), ("--max-sessions", "7")

    def limit(self):
        return self.metrics()["parley_sessions_limit",]

    def test_the_second_leaves_it_alone_and_says_so(self):
        first = self.serve(None, *self.MANY)
        eventually(self.file.exists, "the file")
        second = self.serve(None, *self.FEW)
        second.stderr.expect(self.TAKEN)
        second.reload()
        first.reload()
        second.signal(signal.SIGTERM)
        self.assertStatus(second, 0)
        self.assertEqual(second.stderr.text.count("the metrics file"), 1)
        found = self.last(first)
        self.assertEqual((found["parley_up",], found["parley_sessions_limit",]), (0, 77))
        self.assertEqual(found["parley_reloads_total", "command-table", "in-force"], 1)
        self.assertNotIn("the metrics file", first.stderr.text)
        self.assertEqual(os.listdir(self.folder), ["metrics.prom"])

    def test_the_next_has_it_when_the_first_has_ended_or_was_killed(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                first = self.serve(None, *self.MANY)
                eventually(lambda: self.file.exists() and self.limit() == 77, "the file")
                # As in a restart where the old process ends while the new one begins.
                second = self.serve(None, *self.FEW)
                second.stderr.expect(self.TAKEN)
                # The programs that it has started do not keep the file.
                session = first.session(self)
                session.run("wait")
                session.receive()
                first.signal(number)
                first.wait()
                self.assertEqual(self.limit(), 77)
                second.reload()
                second.stderr.expect("parleyd: the metrics file is being written again\n")
                self.assertEqual((self.limit(), self.metrics()["parley_up",]), (7, 1))
                self.last(second)

    def test_a_check_beside_it_has_no_objection(self):
        self.serve()
        eventually(self.file.exists, "the file")
        ended = subprocess.run([PARLEYD, "check", "--certs", authority.good(), "--client-ca",
                                authority.good() / "ca.pem", "--quiet", "--metrics", self.file],
                               capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual((ended.returncode, ended.stderr.count("metrics")), (0, 0))

    def test_who_can_read_it_cannot_keep_the_server_away(self):
        server = self.serve()
        eventually(self.file.exists, "the file")
        with open(self.file, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            server.reload()
            eventually(lambda: self.metrics()["parley_reloads_total", "command-table", "in-force"] == 1,
                       "a new version")
        self.assertNotIn("the metrics file", server.stderr.text)


class Surroundings(Watched):
    """What changes under a server that runs."""

    def again(self, server):
        """It is written again, by itself or after a failure."""
        server.reload()
        eventually(self.file.is_file, "a new version")
        self.assertEqual(self.metrics()["parley_up",], 1)

    def test_a_file_that_becomes_something_else(self):
        server = self.serve()
        eventually(self.file.exists, "the file")
        other = new_folder() / "precious"
        other.write_text("precious")
        for change, words in ((lambda: self.file.symlink_to(other), "something else in it"),
                              (lambda: os.mkfifo(self.file), "not a regular file"),
                              (self.file.mkdir, "it is a folder"),
                              (lambda: self.file.symlink_to("/proc/self/mem"), ""),
                              (lambda: self.file.symlink_to(self.file.name), "form a loop")):
            self.file.unlink()
            change()
            server.reload()
            server.stderr.expect(f"parleyd: the metrics file [^\n]*{words}[^\n]*\n")
            if self.file.is_dir():
                self.file.rmdir()
            else:
                self.file.unlink()
            self.again(server)
            server.stderr.expect("parleyd: the metrics file is being written again\n")
        self.assertEqual(other.read_text(), "precious")

    def test_a_folder_that_goes_and_comes(self):
        self.file = self.folder / "inner/metrics.prom"
        self.file.parent.mkdir()
        server = self.serve()
        eventually(self.file.exists, "the file")
        self.file.unlink()
        self.file.parent.rmdir()
        server.reload()
        server.stderr.expect("parleyd: the metrics file [^\n]*inner does not exist; [^\n]*\n")
        self.file.parent.mkdir()
        self.again(server)
        server.stderr.expect("parleyd: the metrics file is being written again\n")

    def test_all_can_read_it_whatever_the_umask_is(self):
        self.serve(wrapper=["sh", "-c", 'umask 077 && exec "$0" "$@"'])
        eventually(self.file.exists, "the file")
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o644)


if __name__ == "__main__":
    unittest.main()
