# SPDX-License-Identifier: Apache-2.0
"""parley_command with the ansible-core that is installed: ten servers at once, and what becomes of each option."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import authority
from conditions import needs
from parley1 import LEFT_RUNNING, OUTPUT, exited, frame
from runs import COMMANDS, ENDS, Commands, FalseServer, shell
from support import LIMIT, REPOSITORY, TestCase, new_folder

LIBRARY = REPOSITORY / "clients" / "ansible" / "library"
URI = "spiffe://example.org/server"
TABLE = {**{name: COMMANDS[name] for name in ("cat", "complain", "wait", "late", "much", "signal", "nobody")},
         "once": shell('[ ! -e "$1" ] && echo made >"$1"', "path"), "there": shell('[ -e "$1" ]', "path")}
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - parley_command: {{{arguments}}}
      register: result
      ignore_errors: true
      {keywords}
    - copy:
        content: "{{{{ dict(names | zip(names | map('extract', hostvars, 'result'))) | to_json }}}}"
        dest: "{{{{ into }}}}"
      vars: {{names: "{{{{ ansible_play_hosts_all }}}}"}}
      run_once: true
      check_mode: false
"""


@needs("ansible-playbook")
class Ansible(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Commands(cls, commands=TABLE)

    def play(self, cases, *options, keywords=""):
        """What is registered for each case, a name with the module's arguments; it is a host of the inventory."""
        folder = new_folder()
        cases = {name: {"host": f"localhost:{self.server.port}", "certs": str(authority.good()), **case}
                 for name, case in cases.items()}
        hosts = {name: {"given": case} for name, case in cases.items()}
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        given = sorted({key for case in cases.values() for key in case})
        arguments = ", ".join(f'{key}: "{{{{ given.{key} | default(omit) }}}}"' for key in given)
        (folder / "play.yml").write_text(PLAY.format(arguments=arguments, keywords=keywords))
        self.ansible(
            folder, "ansible-playbook", "-i", "inventory.json", "-c", "local", "--forks", "10",
            "-e", f"into={folder}/results", "-e", f"ansible_python_interpreter={sys.executable}", *options, "play.yml")
        return json.loads((folder / "results").read_text())

    def ansible(self, folder, *words):
        environment = {
            **os.environ, "PYTHONPATH": str(REPOSITORY / "clients" / "python" / "src"), "LC_ALL": "C.UTF-8",
            "ANSIBLE_LIBRARY": str(LIBRARY), "ANSIBLE_LOCALHOST_WARNING": "false", "HOME": str(folder),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
        done = subprocess.run(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=4 * LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def documented(self):
        return json.loads(self.ansible(new_folder(), "ansible-doc", "-j", "parley_command"))["parley_command"]

    def assertRegistered(self, found, outcome, rc, pattern=None, **more):
        """`found` is a failure where there is a `pattern`, for its sentence."""
        self.assertEqual((found.get("outcome"), found.get("rc")), (outcome, rc), found)
        self.assertEqual(found["failed"], pattern is not None)
        if pattern is not None:
            self.assertRegex(found["msg"], rf"^(localhost|127\.0\.0\.1):\d+: .*{pattern}")
        self.assertEqual({key: found.get(key) for key in more}, more)

    def test_ten_servers_answer_whatever_the_others_do(self):
        servers = [Commands(self, commands={"disk": shell(f'echo "web{number} has $1"; echo "of web{number}" >&2', "path")})
                   for number in range(10)]
        good = {f"web{number}": {"host": f"localhost:{server.port}"} for number, server in enumerate(servers)}
        with socket.socket() as dead, socket.create_server(("127.0.0.1", 0)) as silent:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            bad = {
                "dead": {"host": f"127.0.0.1:{dead.getsockname()[1]}"},
                "silent": {"host": f"127.0.0.1:{silent.getsockname()[1]}", "connect_timeout": 1},
                "untrusted": {**good["web0"], "ca": str(authority.good("other") / "ca.pem")},
                "unwilling": {**good["web1"], "cert": f"{authority.bad()}/other-ca.pem",
                              "key": f"{authority.bad()}/other-ca.key"}}
            found = self.play({name: {"argv": ["disk", "/"], **case} for name, case in {**good, **bad}.items()})
        for name in good:
            self.assertRegistered(found[name], "exit", 0, changed=True, stdout=f"{name} has /\n", stderr=f"of {name}\n",
                                  stdout_lines=[f"{name} has /"], stderr_lines=[f"of {name}"])
        self.assertRegistered(found["dead"], "failed", 255, "Connection refused", changed=False)
        self.assertRegistered(found["silent"], "failed", 255, "handshake takes too long", changed=False)
        self.assertRegistered(found["untrusted"], "not-trusted", 254, "the server's certificate", changed=False)
        self.assertRegistered(found["unwilling"], "not-trusted", 254, "this client's certificate", changed=False)

    def test_outcomes_are_registered(self):
        lost = FalseServer(self, frame(OUTPUT, b"half"), ENDS["with a reset"])
        left = FalseServer(self, exited(0, LEFT_RUNNING))
        commands = {
            "fine": ["cat"], "exit": ["complain", "oops\n", 7], "signal": ["signal", "9"], "late": ["late"], "much": ["much"],
            "nobody": ["nobody"], "unknown": ["none"], "wait": ["wait"], "empty": [], "lost": ["x"], "left": ["x"],
            "odd": ["cat"]}
        more = {"fine": {"stdin": "hälló"}, "wait": {"timeout": 0.5}, "odd": {"nonsense": 1},
                "lost": {"host": f"localhost:{lost.port}"}, "left": {"host": f"localhost:{left.port}"}}
        found = self.play({name: {"argv": argv, **more.get(name, {})} for name, argv in commands.items()})
        self.assertRegistered(found["fine"], "exit", 0, stdout="hälló", stderr="", changed=True)
        self.assertRegistered(found["exit"], "exit", 7, "complain: ended with status 7", stderr="oops\n",
                              stderr_lines=["oops"], changed=True)
        self.assertRegistered(found["signal"], "signal", 128 + signal.SIGKILL, "signal 9", changed=True)
        self.assertRegistered(found["late"], "time-out", 251, "time limit", changed=True)
        self.assertRegistered(found["much"], "output-limit", 251, "output limit", changed=True)
        self.assertRegistered(found["nobody"], "refused", 253, "nobody", code="notAllowed", changed=False)
        self.assertRegistered(found["unknown"], "refused", 253, "none", code="unknownCommand", changed=False)
        self.assertRegistered(found["wait"], "interrupted", 252, "cancelled after 0.5 seconds", changed=True)
        self.assertRegex(found["wait"]["stdout"], r"^\d+\n$")
        self.assertRegistered(found["empty"], "failed", 255, "", changed=False)
        self.assertRegistered(found["lost"], "cut-short", 252, "lost the connection", changed=True)
        self.assertRegistered(found["left"], "left-running", 252, "left something running", changed=True)

        page = self.documented()
        fields = {key for one in found.values() for key in one if one is not found["odd"]}
        ansibles = {"changed", "failed", "exception", "warnings", "deprecations", "skipped", "ansible_facts"}
        self.assertEqual(fields - ansibles, set(page["return"]))
        supported = re.search(r"Supported parameters include: ([^.]*?)( \(.*\))?\.", found["odd"]["msg"])[1]
        self.assertEqual(set(supported.split(", ")), set(page["doc"]["options"]))

    def test_options_are_those_of_parley_run(self):
        folder, data = new_folder(), bytes(range(256)) * 2000
        authority.issue(folder, "uri", names=f"URI:{URI}")
        (folder / "input").write_bytes(data)
        named = Commands(self, commands=TABLE, certs=authority.own(folder / "uri"))
        revoked = Commands(self, commands=TABLE, certs=authority.own(authority.bad() / "revoked"))
        pin, bad = authority.pin(authority.good() / "server.pem"), authority.bad()
        encrypted = {"cert": f"{bad}/encrypted-key.pem", "key": f"{bad}/encrypted-key.key"}
        files = {"stdin_file": f"{folder}/input", "stdout_file": f"{folder}/output", "read_only": True}
        cases = {
            "port": {"host": "localhost", "port": self.server.port}, "pin": {"pin": [pin, pin]},
            "other-pin": {"pin": [authority.pin(authority.good() / "client.pem")]},
            "uri": {"host": f"localhost:{named.port}", "server_name": f"uri:{URI}"}, "other-uri": {"server_name": URI},
            "crl": {"crl": f"{bad}/crl.pem"}, "revoked": {"host": f"localhost:{revoked.port}", "crl": f"{bad}/crl.pem"},
            "passphrase": {**encrypted, "passphrase": "secret"}, "no-passphrase": encrypted,
            "times": {"idle_timeout": 60, "keepalive": 0, "connect_timeout": 60}, "files": files,
            "no-file": {"stdin_file": f"{folder}/none"}, "a-folder": {"stdout_file": str(folder)},
            "kept": {"argv": ["complain", "no", 3], "stdout_file": f"{folder}/input"},
            "both": {**files, "stdin": "x"}, "half": {"cert": f"{bad}/encrypted-key.pem"},
            "stuck": {"unless": ["wait"], "timeout": 0.5}}
        found = self.play({name: {"argv": ["cat"], **case} for name, case in cases.items()})
        for name in ("port", "pin", "uri", "crl", "passphrase", "times"):
            self.assertRegistered(found[name], "exit", 0, changed=True)
        self.assertRegistered(found["other-pin"], "not-trusted", 254, "not the pinned one")
        self.assertRegistered(found["other-uri"], "not-trusted", 254, f"not for uri:{URI}")
        self.assertRegistered(found["revoked"], "not-trusted", 254, "revoked")
        self.assertRegistered(found["no-passphrase"], "failed", 255, "the key has a passphrase")
        self.assertRegistered(found["files"], "exit", 0, stdout="", changed=True)
        self.assertEqual((folder / "output").read_bytes(), data)
        self.assertEqual((folder / "output").stat().st_mode & 0o777, 0o600)
        self.assertRegistered(found["no-file"], "failed", 255, "none: No such file", changed=False)
        self.assertRegistered(found["a-folder"], "failed", 255, "Is a directory", changed=False)
        self.assertRegistered(found["kept"], "exit", 3, "status 3", changed=True)
        self.assertEqual(((folder / "input").read_bytes(), list(folder.glob(".parley*"))), (data, []))
        self.assertIn("mutually exclusive: stdin|stdin_file", found["both"]["msg"])
        self.assertIn("required together: cert, key", found["half"]["msg"])
        self.assertRegistered(found["stuck"], "interrupted", 252, "cancelled", changed=False)
        again = self.play({"files": {"argv": ["cat"], **files}}, "--check")["files"]
        self.assertRegistered(again, "exit", 0, changed=False)

    def test_check_mode_runs_only_what_changes_nothing(self):
        path = new_folder() / "made"
        once = {"argv": ["once", str(path)]}
        both = {"once": {**once, "unless": ["there", str(path)]},
                "read": {"argv": ["there", str(path)], "read_only": True}}
        found = self.play({"plain": once, **both}, "--check")
        for name in ("plain", "once"):
            self.assertEqual((found[name]["skipped"], found[name]["changed"]), (True, True))
            self.assertRegex(found[name]["msg"], "^localhost:.*: not run in check mode")
        self.assertRegistered(found["read"], "exit", 1, "status 1", changed=False)
        self.assertFalse(path.exists())
        self.assertRegistered(self.play({"once": both["once"]})["once"], "exit", 0, changed=True)
        self.assertTrue(path.exists())
        for options in ((), ("--check",)):
            found = self.play(both, *options)
            for name in both:
                self.assertRegistered(found[name], "exit", 0, changed=False)
            self.assertRegex(found["once"]["msg"], "there is nothing to do")

    def test_ansibles_own_conditions_count(self):
        case = {"case": {"argv": ["complain", "fine", 3]}}
        found = self.play(case, keywords="changed_when: result.rc == 4\n      failed_when: result.rc > 3")["case"]
        self.assertRegistered(found, "exit", 3, changed=False)
