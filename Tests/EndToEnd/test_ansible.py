# SPDX-License-Identifier: Apache-2.0
"""parley_command with the real Ansible: ten servers, one that is dead, and one that is not trusted."""

import json
import os
import socket
import subprocess
import sys

import authority
from conditions import needs
from runs import COMMANDS, Commands, shell
from support import LIMIT, REPOSITORY, TestCase, new_folder

TABLE = {**{name: COMMANDS[name] for name in ("cat", "complain", "wait", "late", "signal", "status", "nobody")},
         "once": shell('[ ! -e "$1" ] && echo made >"$1"', "path"), "there": shell('[ -e "$1" ]', "path")}
PLAY = """
- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - parley_command: {{host: "{{{{ at }}}}", certs: "{{{{ set }}}}", {task}}}
      register: result
      ignore_errors: true
      {keywords}
    - copy: {{content: "{{{{ result | to_json }}}}", dest: "{{{{ into }}}}/{{{{ inventory_hostname }}}}.json"}}
      check_mode: false
"""


@needs("ansible-playbook")
class Ansible(TestCase):
    def play(self, hosts, task, *options, keywords=""):
        """What each host has registered; `hosts` are names with address, certificates and further variables."""
        folder = new_folder()
        lines = [" ".join([f"{name} at={at} set={certs}", *more]) for name, (at, certs, *more) in hosts.items()]
        (folder / "inventory").write_text("\n".join(lines) + "\n")
        (folder / "play.yml").write_text(PLAY.format(task=task, keywords=keywords))
        environment = {
            **os.environ, "PYTHONPATH": str(REPOSITORY / "clients" / "python" / "src"), "LC_ALL": "C.UTF-8",
            "ANSIBLE_LIBRARY": str(REPOSITORY / "clients" / "ansible" / "library"), "HOME": str(folder),
            "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
        done = subprocess.run(
            ["ansible-playbook", "-i", "inventory", "-c", "local", "-f", "12", "-e", f"into={folder}",
             "-e", f"ansible_python_interpreter={sys.executable}", *options, "play.yml"],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=4 * LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return {name: json.loads((folder / f"{name}.json").read_text()) for name in hosts}

    def one(self, task, *options, **how):
        return self.play({"web": (f"localhost:{self.port}", authority.good())}, task, *options, **how)["web"]

    def test_ten_servers_answer_whatever_the_others_do(self):
        good = {f"web{number}": (f"localhost:{Commands(self, commands=TABLE).port}", authority.good())
                for number in range(10)}
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            bad = {"dead": (f"127.0.0.1:{dead.getsockname()[1]}", authority.good()),
                   "strange": (good["web0"][0], authority.good("other"))}
            found = self.play({**good, **bad}, 'argv: [cat], stdin: "hälló"')
        for name in good:
            self.assertEqual(
                {key: found[name][key] for key in ("outcome", "rc", "stdout", "changed", "failed")},
                {"outcome": "exit", "rc": 0, "stdout": "hälló", "changed": True, "failed": False})
        self.assertEqual([(found[name]["outcome"], found[name]["rc"], found[name]["failed"]) for name in bad],
                         [("failed", 255, True), ("not-trusted", 254, True)])
        for name, (at, _) in bad.items():
            self.assertIn(f"{at}: ", found[name]["msg"])

    def test_outcomes_are_registered(self):
        at = f"localhost:{Commands(self, commands=TABLE).port}"
        fates = {
            "complain,oops,7": ("exit", 7, {"stderr": "oops", "changed": True}),
            "signal,9": ("signal", 137, {}), "late": ("time-out", 251, {}),
            "nobody": ("refused", 253, {"code": "notAllowed", "changed": False}),
            "wait": ("interrupted", 255, {"changed": True}), "": ("failed", 255, {})}
        hosts = {f"of{number}": (at, authority.good(), f"ask='{words}'", "limit=0.5" if words == "wait" else "")
                 for number, words in enumerate(fates)}
        found = self.play(hosts, """argv: "{{ ask.split(',') }}", timeout: "{{ limit | default(omit) }}" """)
        for got, (words, (outcome, rc, more)) in zip(found.values(), fates.items()):
            with self.subTest(words):
                self.assertEqual((got["outcome"], got["rc"], got["failed"]), (outcome, rc, True))
                self.assertEqual({key: got[key] for key in more}, more)
                self.assertRegex(got["msg"], f"^{at}: ")

    def test_check_mode_runs_only_what_changes_nothing(self):
        server = Commands(self, commands=TABLE)
        self.port, path = server.port, new_folder() / "made"
        once = f"argv: [once, {path}]"
        self.assertTrue(self.one(once, "--check")["skipped"])
        self.assertTrue(self.one(f"{once}, unless: [there, {path}]", "--check")["changed"])
        self.assertFalse(path.exists())
        self.assertTrue(self.one(f"{once}, unless: [there, {path}]")["changed"])
        self.assertTrue(path.exists())
        for options in ((), ("--check",)):
            found = self.one(f"{once}, unless: [there, {path}]", *options)
            self.assertEqual((found["changed"], found["failed"]), (False, False))
        read = self.one(f"argv: [there, {path}], read_only: true", "--check")
        self.assertEqual((read["rc"], read["changed"]), (0, False))
        said = self.one(f"argv: [there, {path}]", keywords="changed_when: false")
        self.assertEqual((said["rc"], said["changed"]), (0, False))
