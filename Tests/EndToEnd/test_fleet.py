# SPDX-License-Identifier: Apache-2.0
"""README.md's command line for many servers asks each of them, even if some are down."""

import os
import shlex
import socket

import authority
from runs import Commands, shell
from support import PARLEY, REPOSITORY, Program, TestCase, new_folder

TABLE = {"disk": shell('echo "free: $1"', "path", arguments={"path": "/[a-z0-9/]*"})}


class Fleet(TestCase):
    def test_a_server_that_is_down_does_not_stop_the_others(self):
        line = next(line for line in (REPOSITORY / "README.md").read_text().splitlines()
                    if line.startswith("xargs "))
        folder = new_folder()
        # As a configuration would, it says which certificates to take.
        program = folder / "parley"
        program.write_text(
            f'#!/bin/sh\nshift; exec {PARLEY} run --certs {shlex.quote(str(authority.good()))} "$@"\n')
        program.chmod(0o700)
        port = Commands(self, commands=TABLE).port
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            down = f"127.0.0.1:{dead.getsockname()[1]}"
            hosts = [f"127.0.0.1:{port}", down, f"localhost:{port}"]
            (folder / "hosts").write_text("".join(f"{host}\n" for host in hosts))
            # One after the other, so that the dead one comes before others.
            run = Program(self, ["sh", "-c", line.replace("-P 16", "-P 1")], folder=folder,
                          environment={"PATH": f"{folder}:{os.environ['PATH']}"})
            self.assertStatus(run, 123)
        self.assertEqual(run.stdout.text, f"{down}: status 255\n")
        for host in (hosts[0], hosts[2]):
            self.assertIn("free: /\n", (folder / f"{host}.out").read_text())
