# SPDX-License-Identifier: Apache-2.0
"""Files that decide something: each is rejected if someone else could have written it."""

import os
import shutil
import signal

import authority
from conditions import only_root
from support import Client, Server, TestCase, new_folder

EVE = 61_002
TABLE = '{commands: {true: {run: ["/bin/true"], allow: ["anyone"]}}}'
FILES = ("server.pem", "server.key", "ca.pem", "crl.pem", "table.json5", "audit.log", "keys.log")


class Folder:
    """A set of everything that a server reads and writes, in a folder below another one."""

    def __init__(self):
        self.above = new_folder()
        self.path = self.above / "set"
        shutil.copytree(authority.good(), self.path)
        authority.write(self.path / "table.json5", TABLE)
        shutil.copy(authority.bad() / "crl-before.pem", self.path / "crl.pem")
        for name in ("audit.log", "keys.log"):
            authority.write(self.path / name, "")

    @property
    def options(self):
        path = self.path
        return ["--certs", str(path), "--client-ca", f"{path}/ca.pem", "--crl", f"{path}/crl.pem",
                "--commands", f"{path}/table.json5", "--audit", f"{path}/audit.log",
                "--keylog", f"{path}/keys.log", "--quiet"]


class Files(TestCase):

    def start(self, folder, *options):
        return Server(self, "command", *options, certs=folder.options)

    def assertRefuses(self, folder, *words):
        run = self.assertRefusesToStart("command", certs=folder.options)
        for word in words:
            self.assertIn(word, run.stderr.text)

    def test_a_set_of_ones_own_is_taken(self):
        self.start(Folder())

    def test_each_file_is_refused_where_others_can_write_it(self):
        for name in FILES:
            with self.subTest(name):
                folder = Folder()
                (folder.path / name).chmod(0o662)
                self.assertRefuses(folder, f"chmod go-w {folder.path}/{name}")

    @only_root("gives files away")
    def test_each_file_is_refused_where_it_belongs_to_another(self):
        for name in FILES:
            with self.subTest(name):
                folder = Folder()
                os.chown(folder.path / name, EVE, EVE)
                self.assertRefuses(folder, f"{folder.path}/{name}", "chown root")

    def test_each_file_is_refused_behind_a_folder_that_others_can_write(self):
        for name in FILES:
            with self.subTest(name):
                folder = Folder()
                # A link leads there, so that it is this file's way alone.
                elsewhere = folder.above / "open"
                elsewhere.mkdir()
                (folder.path / name).rename(elsewhere / name)
                (folder.path / name).symlink_to(elsewhere / name)
                elsewhere.chmod(0o777)
                self.assertRefuses(folder, f"chmod go-w {elsewhere}")

    def test_a_folder_above_counts_as_well(self):
        folder = Folder()
        folder.above.chmod(0o777)
        self.assertRefuses(folder, f"chmod go-w {folder.above}")
        folder.above.chmod(0o1777)
        self.start(folder)

    def test_a_reload_asks_again(self):
        for name in ("server.pem", "server.key", "ca.pem", "crl.pem", "table.json5", "audit.log"):
            with self.subTest(name):
                folder = Folder()
                server = self.start(folder)
                (folder.path / name).chmod(0o662)
                server.signal(signal.SIGHUP)
                server.stderr.expect(
                    r"(old|to the old file)[^\n]* chmod go-w " + str(folder.path / name))

    def test_a_client_asks_the_same(self):
        server = Server(self, "hello", certs=authority.good())
        for name in ("ca.pem", "client.pem", "client.key"):
            with self.subTest(name):
                folder = Folder()
                (folder.path / name).chmod(0o662)
                run = Client(self, "hello", server.port, certs=folder.path, host="localhost")
                self.assertFails(run, 255, f"chmod go-w {folder.path}/{name}")

    def test_what_is_made_is_for_its_owner_only(self):
        folder = Folder()
        for name in ("audit.log", "keys.log"):
            (folder.path / name).unlink()
        before = os.umask(0)
        try:
            self.start(folder)
        finally:
            os.umask(before)
        for name in ("audit.log", "keys.log"):
            self.assertEqual((folder.path / name).stat().st_mode & 0o777, 0o600)

    def test_a_trail_may_go_nowhere(self):
        self.start(Folder(), "--audit", "/dev/null")
