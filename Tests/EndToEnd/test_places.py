# SPDX-License-Identifier: Apache-2.0
"""Where certificates come from: folders that are named, and fixed ones, but never the current one."""

import os
import shutil
import signal

import authority
from conditions import needs, without
from support import ELSEWHERE, PARLEY, PARLEYD, SCRATCH, Client, Program, Server, TestCase, new_folder


class Places(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls, "hello", certs=authority.good())

    def client(self, *options, where=ELSEWHERE, **environment):
        return Client(self, "hello", self.server.port, *options, certs=[], host="localhost",
                      folder=where, environment=environment)

    @without("/etc/parley/ca.pem")
    def test_a_client_takes_nothing_from_the_current_folder(self):
        where = new_folder()
        shutil.copytree(authority.good(), f"{where}/certs")
        shutil.copytree(authority.good(), f"{where}/parley")
        for environment in ({}, {"XDG_CONFIG_HOME": ".", "HOME": "."},
                            {"XDG_CONFIG_HOME": "", "HOME": ""}):
            with self.subTest(environment):
                self.assertFails(self.client(where=where, **environment), 254, "unknown CA",
                                 "since there is no ca.pem in [^;]*/etc/parley;")
        self.assertStatus(self.client("--certs", "certs", where=where), 0)

    def test_a_client_looks_into_the_users_own_folder(self):
        home = new_folder()
        os.makedirs(f"{home}/.config", 0o755)
        shutil.copytree(authority.good(), f"{home}/.config/parley")
        self.assertStatus(self.client(HOME=home, XDG_CONFIG_HOME=""), 0)
        self.assertStatus(self.client(XDG_CONFIG_HOME=f"{home}/.config"), 0)

    @without("/etc/parley/client.pem")
    def test_a_client_says_where_it_looked(self):
        home = new_folder()
        run = self.client("--cert", str(authority.good() / "client.pem"), XDG_CONFIG_HOME=home)
        self.assertFails(run, 255, "there is no client.key")
        self.assertIn(f"{home}/parley or /etc/parley;", run.stderr.text)

    @without("/etc/parley/server.pem")
    def test_a_server_takes_nothing_but_what_is_named_or_the_systems(self):
        where = new_folder()
        shutil.copytree(authority.good(), f"{where}/certs")
        shutil.copytree(authority.good(), f"{where}/parley")
        self.assertRefusesToStart("hello", "there is no server.pem in /etc/parley;", certs=[],
                                  folder=where, environment={"XDG_CONFIG_HOME": where})
        Server(self, "hello", certs="certs", folder=where)


@needs("bash")
class Handed(TestCase):
    """Files that the caller opened for a program, such as a shell's <(...)."""

    def shell(self, line, *words, **how):
        return Program(self, ["bash", "-c", line, "bash", *map(str, words)], **how)

    def test_certificates_and_keys_come_from_pipes_once(self):
        certs = authority.good()
        server = Server(self, "hello", certs=[], wrapper=[
            "bash", "-c", 'exec "$@" --cert <(cat "$0/server.pem") --key <(cat "$0/server.key")', str(certs)])
        port = server.port
        client = self.shell('exec "$1" hello --ca <(cat "$2/ca.pem") "localhost:$3"',
                            PARLEY, certs, port)
        self.assertStatus(client, 0)
        # The reload finds them empty, and goes on with what it has.
        server.signal(signal.SIGHUP)
        server.stderr.expect("kept the old certificates: [^\n]* is a pipe, which can be read only once")
        self.assertStatus(self.shell('exec "$1" hello --ca "$2/ca.pem" "localhost:$3"',
                                     PARLEY, certs, port), 0)

    def test_a_table_comes_from_standard_input(self):
        table = authority.write(
            SCRATCH / "handed.json5", '{commands: {hello: {reply: "x"}}}')
        for line in ('exec "$1" check --commands /dev/stdin <"$2"',
                     'cat "$2" | "$1" check --commands /dev/stdin',
                     'cat "$2" | "$1" check --commands /dev/fd/0'):
            with self.subTest(line):
                run = self.shell(line, PARLEYD, table)
                self.assertStatus(run, 0)
                self.assertIn("hello", run.stdout.text)
