# SPDX-License-Identifier: Apache-2.0
"""The client's configuration: hosts by name and pattern, whose files count, and what is in force."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import authority
from conditions import only_root, without, works
from ground import AS_NOBODY
from hosts import Parley, configured, write
from remote_server import REPLIES, TableServer
from support import LIMIT, NOBODY, PARLEY, REPOSITORY, Program, Server, TestCase, new_folder

KEYS = ("address", "port", "serverName", "certs", "cert", "key", "ca", "pin", "crl", "keepalive")


class Connecting(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = TableServer(cls, REPLIES)
        cls.web1 = {"address": "127.0.0.1", "port": cls.server.port, "serverName": "localhost",
                    "certs": str(authority.good())}

    def assertGreets(self, *words, **how):
        run = Parley(self, "run", *words, "--", "Hello", **how)
        self.assertStatus(run, 0)
        self.assertEqual(run.stdout.text, "Greetings!\n")

    def assertUnknown(self, *words, **how):
        """The name is looked up as it is."""
        self.assertFails(Parley(self, "run", *words, "--", "Hello", **how), 255, "cannot find an address for")

    def test_a_host_has_a_short_name(self):
        config = configured({"web1": self.web1})
        self.assertGreets("web1", config=config)
        self.assertGreets("WEB1", config=config)
        self.assertUnknown("web2.invalid", config=config)

    def test_a_pattern_adds_what_the_first_match_lacks(self):
        config = configured({"web1": {"address": "127.0.0.1", "port": self.server.port},
                             "web* !web9": {"port": 1, "serverName": "localhost"},
                             "*": {"serverName": "nobody.invalid", "certs": str(authority.good())}})
        self.assertGreets("web1", config=config)

    def test_files_are_looked_for_in_the_environment_and_the_users_folder(self):
        folder = new_folder()
        path = write(folder, {"web1": self.web1})
        self.assertGreets("web1", environment={"PARLEY_CONFIG": str(path)})
        home = new_folder()
        (home / ".config/parley").mkdir(parents=True, mode=0o755)
        write(home / ".config/parley", {"web1": self.web1})
        self.assertGreets("web1", environment={"XDG_CONFIG_HOME": f"{home}/.config", "PARLEY_CONFIG": ""})
        self.assertGreets("web1", environment={"XDG_CONFIG_HOME": "", "HOME": str(home)})
        self.assertGreets("web1", environment={"XDG_CONFIG_HOME": ".", "HOME": str(home)})
        # A named file is the only one.
        other = configured({"web2": self.web1})
        named = {"XDG_CONFIG_HOME": f"{home}/.config", "PARLEY_CONFIG": str(other)}
        self.assertUnknown("web1", environment=named)
        self.assertUnknown("web2", config=configured({}), environment=named)

    @without("/etc/parley/config.json5")
    def test_nothing_is_taken_from_the_current_folder(self):
        where = new_folder()
        (where / "parley").mkdir(mode=0o755)
        for folder in (where, where / "parley"):
            write(folder, {"web1": self.web1})
        for environment in ({"XDG_CONFIG_HOME": ".", "HOME": "."}, {"XDG_CONFIG_HOME": "", "HOME": ""}):
            with self.subTest(environment):
                self.assertUnknown("web1", folder=where, environment=environment)
        self.assertGreets("web1", folder=where, config="config.json5")
        self.assertGreets("web1", folder=where, environment={"PARLEY_CONFIG": "config.json5"})

    def test_the_command_line_has_precedence(self):
        config = configured({"web1": {**self.web1, "port": 1, "serverName": "nobody.invalid"}})
        name = ["--server-name", "localhost"]
        self.assertGreets(*name, "--port", self.server.port, "web1", config=config)
        self.assertGreets(*name, f"web1:{self.server.port}", config=config)

    def test_a_named_folder_decides_all_that_is_in_it(self):
        other, good = authority.good("other"), authority.good()
        config = configured({"web1": {**self.web1, "certs": str(other)}})
        self.assertGreets("--certs", good, "web1", config=config)
        files = {"cert": str(other / "client.pem"), "key": str(other / "client.key"), "ca": str(other / "ca.pem")}
        rest = {key: value for key, value in self.web1.items() if key != "certs"}
        self.assertGreets("--certs", good, "web1", config=configured({"web1": {**rest, **files}}))

    def test_paths_start_at_the_files_folder_and_at_the_home_folder(self):
        folder = new_folder()
        shutil.copytree(authority.good(), folder / "pki")
        config = write(folder, {"web1": {**self.web1, "certs": "pki"}})
        self.assertGreets("web1", config=config)
        self.assertGreets("web1", config=config.name, folder=folder)
        config = configured({"web1": {**self.web1, "certs": "~/pki"}})
        self.assertGreets("web1", config=config, environment={"HOME": str(folder)})
        run = Parley(self, "run", "web1", "--", "Hello", config=config, environment={"HOME": ""})
        self.assertFails(run, 255, "HOME is not set")

    def test_a_folder_without_a_ca_is_not_the_systems_store(self):
        empty = new_folder()
        config = configured({"web1": {**self.web1, "certs": str(empty)}})
        self.assertFails(Parley(self, "run", "web1", "--", "Hello", config=config), 255, f"{empty}/ca.pem")

    def test_what_the_configuration_says_is_verified(self):
        pin = authority.pin(authority.good() / "server.pem")
        ca = {"ca": str(authority.good() / "ca.pem")}
        good = {**self.web1, "pin": ["sha256//" + "A" * 43 + "=", pin]}
        self.assertGreets("web1", config=configured({"web1": good}))
        for change, words in (({"serverName": "web1.invalid"}, "is not for web1.invalid"),
                              ({"pin": "sha256//" + "A" * 43 + "="}, "not the pinned one"),
                              ({"ca": str(authority.good("other") / "ca.pem")}, "CA"),
                              ({**ca, "crl": str(authority.bad() / "crl.pem")}, None)):
            with self.subTest(change):
                run = Parley(self, "run", "web1", "--", "Hello", config=configured({"web1": {**self.web1, **change}}))
                if words is None:
                    self.assertStatus(run, 0)
                else:
                    self.assertFails(run, 254, rf"web1 \(127\.0\.0\.1:{self.server.port}\): ", words)

    def test_the_other_protocols_use_it_too(self):
        for certs in (None, authority.good()):
            server = Server(self, "hello", certs=certs)
            config = configured({"*": {"address": "127.0.0.1", "port": server.port, "serverName": "localhost",
                                       "certs": str(authority.good()), "keepalive": 5}})
            for host in (["web1"], []):
                with self.subTest(tls=certs is not None, host=host):
                    options = ["--plaintext"] if certs is None else []
                    run = Parley(self, "hello", *options, *host, config=config)
                    self.assertStatus(run, 0)
                    self.assertIn("Hello from server", run.stdout.text)

    def test_a_pair_has_no_host(self):
        config = configured("{")
        self.assertStatus(Parley(self, "pair", "hello", "--plaintext", config=config), 0)


class Files(TestCase):
    """Whose file counts, and what is no configuration."""

    def assertRefused(self, path, *words, environment=()):
        config = None if environment else path
        for words_of in (["config", "web1"], ["run", "web1", "--", "x"], ["hello", "--plaintext", "web1"]):
            with self.subTest(words_of):
                run = Parley(self, *words_of, config=config, environment=environment)
                self.assertFails(run, 255, f"^parley: {path}", *words)
                self.assertLess(len(run.stderr.text), 1000)
                self.assertEqual(run.stdout.text, "")

    def test_a_mistake_is_told_with_its_place(self):
        for text, words in (
                ("", ":1:1: found the end of the file"), ("{hosts: {}", ":1:11: "),
                ("{\n\n  hots: {}}", ":3:3: .*'hosts'"),
                ("{hosts: {web1: {prot: 1}}}", ":1:17: .*did you mean 'port'"),
                ("{hosts: {web1: {port: 70000}}}", ":1:23: .*from 1 to 65535"),
                ("{hosts: {web1: {port: '1'}}}", ":1:23: 'port' is a string"),
                ("{hosts: {web1: {}, web1: {}}}", ":1:20: .*twice"),
                ("{hosts: {web1: {certs: 'a', cert: 'b', key: 'c'}}}", ":1:29: .*both 'certs' and 'cert'"),
                ("{hosts: {web1: {cert: 'b'}}}", ":1:17: .*'cert' without 'key'"),
                ("{hosts: {web1: {insecure: true}}}", ":1:17: .*unknown"),
                ("{hosts: [{web1: {}}]}", ":1:9: .*array"), ("{hosts: {'!a': {}}}", ":1:10: .*excludes"),
                ("{hosts: {web1: {ca: 'x\0'}}}", ":1:23: .*NUL"), ("[" * 100_000, ":1:33: .*nested too deeply"),
                ("{/*" + " " * (1 << 20), ": it is larger than 1 MiB")):
            with self.subTest(words):
                self.assertRefused(configured(text), words)

    def test_a_mistake_for_another_host_counts_too(self):
        self.assertRefused(configured("{hosts: {web1: {}, web2: {port: 0}}}"), ":1:33: ")

    def test_bytes_that_are_no_text_are_refused(self):
        path = configured("")
        path.write_bytes(b"{hosts: {'\xff': {}}}")
        self.assertRefused(path, "not valid UTF-8")

    def test_what_is_no_file_is_refused_and_not_waited_for(self):
        folder = new_folder()
        os.mkfifo(folder / "fifo", 0o600)
        (folder / "loop").symlink_to("loop")
        for path, words in ((folder / "fifo", "not a regular file"), (folder, "it is a folder"),
                            ("/dev/null", "not a regular file"), ("/dev/zero", "not a regular file"),
                            (folder / "loop", "loop"), (folder / "none", "there is no such file")):
            with self.subTest(path):
                self.assertRefused(path, words)
        self.assertRefused(folder / "none", "PARLEY_CONFIG", environment={"PARLEY_CONFIG": str(folder / "none")})

    def test_a_file_that_others_can_change_is_refused(self):
        for mode, where in ((0o620, "config.json5"), (0o602, "config.json5"), (0o770, ""), (0o777, "")):
            with self.subTest(oct(mode), where=where):
                folder = new_folder()
                path = write(folder, {"web1": {}})
                (folder / where).chmod(mode)
                self.assertRefused(path, "can be written by", "chmod")
                (folder / where).chmod(0o700)

    @only_root("gives files away")
    def test_a_file_of_somebody_else_is_refused(self):
        path = configured({"web1": {}})
        os.chown(path, NOBODY, NOBODY)
        self.assertRefused(path, "belongs to")
        # As with sudo, which may leave HOME as it was.
        home = new_folder()
        (home / ".config/parley").mkdir(parents=True, mode=0o755)
        path = write(home / ".config/parley", {"web1": {}})
        os.chown(home, NOBODY, NOBODY)
        self.assertRefused(path, "belongs to", "HOME leads to this file",
                           environment={"HOME": str(home), "XDG_CONFIG_HOME": ""})

    @only_root("becomes somebody else")
    def test_a_home_that_the_user_may_not_search_is_not_theirs(self):
        home = new_folder()
        folder = home / ".config/parley"
        folder.mkdir(parents=True)
        write(folder, {"web1": {"port": 7}})
        home.chmod(0o700)
        for environment in ({"HOME": str(home), "XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": str(home / ".config")}):
            run = Program(self, [*AS_NOBODY, PARLEY, "config", "web1"], environment=environment)
            self.assertStatus(run, 0)
            self.assertNotIn("7", run.stdout.text.split())
        # Named, it is missed.
        run = Program(self, [*AS_NOBODY, PARLEY, "config", "web1"],
                      environment={"PARLEY_CONFIG": str(folder / "config.json5")})
        self.assertStatus(run, 255)
        self.assertRegex(run.stderr.text, r"cannot be reached by .*PARLEY_CONFIG names this file")

    def test_a_link_is_followed_and_one_that_leads_nowhere_is_refused(self):
        home = new_folder()
        folder = home / ".config/parley"
        folder.mkdir(parents=True, mode=0o755)
        link = folder / "config.json5"
        link.symlink_to(home / "dotfile")
        environment = {"HOME": str(home), "XDG_CONFIG_HOME": ""}
        self.assertRefused(link, "there is no such file", environment=environment)
        write(home, {"web1": {"port": 7}}, "dotfile")
        run = Parley(self, "config", "web1", environment=environment)
        self.assertStatus(run, 0)
        self.assertIn(f"port\t7\t{link}:1\n", run.stdout.text)

    def test_a_script_gets_the_mistake_as_an_object(self):
        path = configured("{hosts: 1}")
        run = Parley(self, "run", "--json", "web1", "--", "x", config=path)
        self.assertStatus(run, 255)
        said = json.loads(run.stderr.text)
        self.assertEqual((said["outcome"], said["exit"]), ("failed", 255))
        self.assertIn(f"{path}:1:9: ", said["message"])


class Report(TestCase):
    """`parley config HOST`."""

    def rows(self, *words, status=0, **how):
        run = Parley(self, "config", *words, **how)
        self.assertStatus(run, status)
        self.assertEqual(run.stderr.text, "")
        return [line.split("\t") for line in run.stdout.text.splitlines()]

    def test_without_a_configuration_all_is_as_the_program_has_it(self):
        home = new_folder()
        rows = self.rows("web1", environment={"XDG_CONFIG_HOME": str(home)}, config=configured({}))
        self.assertEqual([row[0] for row in rows if row[0] != "certs"], [key for key in KEYS if key != "certs"])
        values = {row[0]: row[1:] for row in rows}
        self.assertEqual(values["address"], ["web1", "option"])
        self.assertEqual(values["port"], ["12345", "default"])
        self.assertEqual(values["serverName"], ["web1", "option"])
        self.assertEqual(values["keepalive"], ["15", "default"])
        self.assertEqual([row[1:] for row in rows if row[0] == "certs"],
                         [[f"{home}/parley", "default"], ["/etc/parley", "default"]])

    def test_each_value_has_its_origin(self):
        certs = authority.good()
        path = configured(f"{{hosts: {{\n web1: {{\n  address: '192.0.2.1',\n  certs: '{certs}' }},\n"
                          " '*': { port: 7, crl: 'x.pem' } } }")
        rows = self.rows("--port", 8, "web1", config=path)
        self.assertEqual(rows, [
            ["address", "192.0.2.1", f"{path}:3"], ["port", "8", "option"], ["serverName", "192.0.2.1", f"{path}:3"],
            ["certs", str(certs), f"{path}:4"], ["cert", f"{certs}/client.pem", f"{path}:4"],
            ["key", f"{certs}/client.key", f"{path}:4"], ["ca", f"{certs}/ca.pem", f"{path}:4"],
            ["pin", "-", "default"], ["crl", f"{path.parent}/x.pem", f"{path}:5"], ["keepalive", "15", "default"]])
        values = {row[0]: row[1:] for row in self.rows("--ca", "own.pem", "web1:9", config=path)}
        self.assertEqual([values[key] for key in ("port", "ca", "cert")],
                         [["9", "option"], ["own.pem", "option"], [f"{certs}/client.pem", f"{path}:4"]])

    @unittest.skipUnless(works("unshare", "-m", "true"), "only who may mount has another /etc")
    def test_the_systems_file_adds_to_the_users(self):
        home, system = new_folder(), new_folder()
        for folder in (home / "parley", system / "parley"):
            folder.mkdir(mode=0o755)
        system.chmod(0o755)
        user = write(home / "parley", {"web1": {"port": 1}})
        write(system / "parley", {"web1": {"port": 2, "address": "192.0.2.1"}, "*": {"keepalive": 3}})
        run = Program(self, ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', system,
                             PARLEY, "config", "web1"], environment={"XDG_CONFIG_HOME": str(home)})
        self.assertStatus(run, 0)
        values = {line.split("\t")[0]: line.split("\t")[1:] for line in run.stdout.text.splitlines()}
        system = "/etc/parley/config.json5:1"
        self.assertEqual([values[key] for key in ("port", "address", "keepalive")],
                         [["1", f"{user}:1"], ["192.0.2.1", system], ["3", system]])

    def test_scripts_get_an_object_a_line(self):
        pins = ["sha256//" + letter * 42 + "A=" for letter in "BC"]
        path = configured({"web1": {"pin": pins}})
        run = Parley(self, "config", "--json", "web1", config=path)
        self.assertStatus(run, 0)
        objects = [json.loads(line) for line in run.stdout.text.splitlines()]
        self.assertEqual([one for one in objects if one["key"] == "pin"],
                         [{"key": "pin", "value": pin, "origin": "file", "file": str(path), "line": 1} for pin in pins])
        self.assertIn({"key": "crl", "origin": "default"}, objects)

    def test_what_it_cannot_use_is_refused(self):
        for words, said in (((), "missing host"), (("a", "b"), "unexpected argument 'b'"),
                            (("a", "--", "b"), "unexpected argument 'b'"), (("--plaintext", "a"), "--plaintext"),
                            (("u@a",), "names a user"), (("a b",), "not a valid host")):
            with self.subTest(words):
                self.assertFails(Parley(self, "config", *words), 255, said, "see parley --help")

    def test_the_example_is_valid(self):
        folder = new_folder()
        path = pathlib.Path(shutil.copy(REPOSITORY / "packaging/examples/config.json5", folder))
        path.chmod(0o644)
        values = {row[0]: row[1] for row in self.rows("db", config=path)}
        self.assertEqual([values[key] for key in ("address", "port", "serverName", "keepalive")],
                         ["192.0.2.7", "4433", "db.example.org", "30"])
        values = {row[0]: row[1] for row in self.rows("a.partner.example", config=path)}
        self.assertEqual(values["ca"], f"{folder}/partner/ca.pem")

    def test_the_page_has_each_key_and_its_example_is_valid(self):
        text = (REPOSITORY / "packaging/man/parley-config.5.scd").read_text()
        keys = [word for line in text.splitlines() if line.startswith("*") and line.endswith("*")
                for word in line.replace("*", "").split(", ")]
        self.assertEqual(sorted(keys), sorted(KEYS))
        example = text[text.index("# EXAMPLE"):].split("```")[1]
        self.assertIn(["port", "4433"], [row[:2] for row in self.rows("db", config=configured(example))])


class Completion(unittest.TestCase):

    def complete(self, *words, **environment):
        ended = subprocess.run([PARLEY, "complete", *map(str, words)], env={**os.environ, **environment},
                               capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        return ended.stdout.splitlines()

    def test_hosts_with_a_name_are_offered_before_the_shells_own(self):
        path = configured({"web1": {}, "db* web2": {}, "*": {}})
        self.assertEqual(self.complete("run", "", PARLEY_CONFIG=str(path)), ["web1", "web2", ":hosts"])
        self.assertEqual(self.complete("run", "--config", path, "w"), ["web1", "web2", ":hosts"])
        self.assertEqual(self.complete("hello", f"--config={path}", "web2"), ["web2", ":hosts"])
        self.assertEqual(self.complete("run", "--config", ""), [":files"])

    def test_a_mistake_is_silent(self):
        self.assertEqual(self.complete("run", "", PARLEY_CONFIG=str(configured("{"))), [":hosts"])


if __name__ == "__main__":
    unittest.main()
