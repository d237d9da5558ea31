# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/operations.md for a fleet: fifty servers, of which three are dead, one silent and one untrusted."""

import json
import os
import re
import shlex
import socket
import sys
import unittest

import authority
from conditions import needs
from fleet import TIME_OUT, Fleet, recipe
from runs import Commands, shell
from support import IS_SANITIZED, PARLEY, REPOSITORY, Program, TestCase, new_folder

CONNECT_TIME_OUT = 10
"""The Python client's."""


@unittest.skipIf(IS_SANITIZED, "ninety processes with a sanitizer are too many for most machines")
class Recipes(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fleet = Fleet(cls)

    def drive(self, tool):
        run = self.fleet.drive(self, recipe(tool))
        run.wait()
        calls = run.calls
        self.assertEqual(
            {host: call.status for host, call in calls.items()},
            {**self.fleet.good, **{host: status for host, (status, _) in self.fleet.bad.items()}}, run.story)
        self.assertInTime(run, max(calls[host].seconds for host in self.fleet.good), TIME_OUT)
        return run

    def assertInTime(self, run, slowest, time_out):
        """No host that can't be asked holds up the others for longer than its own time-out."""
        self.assertLess(run.seconds, 2 * slowest + time_out, run.story)

    def assertSaid(self, said):
        """`said` has what each host's label was on: all its output, or why it could not be asked."""
        for host, status in self.fleet.good.items():
            full = [f"{host} is full"] if status else []
            self.assertCountEqual(said(host).splitlines(), [f"{host} has /", *full])
        for host, (_, reason) in self.fleet.bad.items():
            self.assertRegex(said(host), rf"\Aparley: .*{re.escape(host)}(:\d+)?: .*{reason}.*\n\Z")

    def failed(self):
        """The status of each host whose status isn't 0."""
        return {**{host: status for host, status in self.fleet.good.items() if status},
                **{host: status for host, (status, _) in self.fleet.bad.items()}}

    @needs("clush")
    def test_clush(self):
        run = self.drive("clush")
        self.assertStatus(run, 255)
        self.assertSaid(run.of)
        told = re.findall(r"(?m)^clush: (\S+): exited with exit code (\d+)$", run.stderr.text)
        self.assertEqual({host: int(status) for host, status in told}, self.failed())

    @needs("pdsh")
    def test_pdsh(self):
        run = self.drive("pdsh")
        self.assertStatus(run, 255)
        self.assertSaid(run.of)
        told = re.findall(r"(?m)^pdsh@\S+: (\S+): parley exited with exit code (\d+)$", run.stderr.text)
        self.assertEqual({host: int(status) for host, status in told}, self.failed())

    @needs("parallel")
    def test_parallel(self):
        run = self.drive("parallel")
        self.assertStatus(run, len(self.failed()))
        self.assertSaid(lambda host: run.of(host, "\t"))
        rows = [line.split("\t") for line in (run.folder / "disk.log").read_text().splitlines()[1:]]
        told = {row[8].split()[2]: int(row[6]) for row in rows}
        self.assertEqual(told, {**self.fleet.good, **self.failed()})

    @needs("xargs")
    def test_xargs(self):
        run = self.drive("xargs")
        self.assertStatus(run, 123)
        self.assertSaid(lambda host: (run.folder / f"{host}.out").read_text())
        told = re.findall(r"(?m)^(\S+): status (\d+)$", run.stdout.text)
        self.assertEqual({host: int(status) for host, status in told}, self.failed())

    @needs("ansible")
    def test_ansible(self):
        clients = REPOSITORY / "clients"
        line = recipe("ansible").replace('"host"', f'"port": {self.fleet.port}, "certs": "{authority.good()}", "host"')
        run = self.fleet.drive(
            self, line, PATH=os.environ["PATH"], PYTHONPATH=str(clients / "python" / "src"),
            ANSIBLE_LIBRARY=str(clients / "ansible" / "library"), ANSIBLE_PYTHON_INTERPRETER=sys.executable)
        self.assertStatus(run, 2)
        lines = re.findall(r"(?m)^(\S+) \| (SUCCESS|FAILED!) => (\{.*\})$", run.stdout.text)
        told = {host: (word, json.loads(result)) for host, word, result in lines}
        self.assertEqual(set(told), {*self.fleet.good, *self.fleet.bad}, run.story)
        for host, status in self.fleet.good.items():
            word, result = told[host]
            self.assertEqual((word, result["rc"], result["stdout"], result["stderr"]),
                             ("FAILED!" if status else "SUCCESS", status, f"{host} has /\n",
                              f"{host} is full\n" if status else ""))
        reasons = {**dict.fromkeys(self.fleet.dead, "refused"), self.fleet.silent: "handshake takes too long",
                   self.fleet.untrusted: "certificate"}
        for host, (status, _) in self.fleet.bad.items():
            word, result = told[host]
            self.assertEqual((word, result["rc"]), ("FAILED!", status))
            self.assertRegex(result["msg"], rf"(?i)^{re.escape(host)}:\d+: .*{reasons[host]}")
        self.assertInTime(run, run.shown(r'SUCCESS|"rc": 3'), CONNECT_TIME_OUT)


class OneAfterTheOther(TestCase):
    def test_a_server_that_is_down_does_not_stop_the_others(self):
        line = recipe("xargs")
        self.assertIn(line, (REPOSITORY / "README.md").read_text())
        folder = new_folder()
        program = folder / "parley"
        program.write_text(
            f'#!/bin/sh\nshift; exec {PARLEY} run --certs {shlex.quote(str(authority.good()))} "$@"\n')
        program.chmod(0o700)
        table = {"disk": shell('echo "free: $1"', "path", arguments={"path": "/[a-z0-9/]*"})}
        port = Commands(self, commands=table).port
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            down = f"127.0.0.1:{dead.getsockname()[1]}"
            hosts = [f"127.0.0.1:{port}", down, f"localhost:{port}"]
            (folder / "hosts").write_text("".join(f"{host}\n" for host in hosts))
            # One after the other, so that the dead one comes before others.
            run = Program(self, ["sh", "-c", line.replace("-P 64", "-P 1")], folder=folder,
                          environment={"PATH": f"{folder}:{os.environ['PATH']}"})
            self.assertStatus(run, 123)
        self.assertEqual(run.stdout.text, f"{down}: status 255\n")
        for host in (hosts[0], hosts[2]):
            self.assertIn("free: /\n", (folder / f"{host}.out").read_text())


if __name__ == "__main__":
    unittest.main()
