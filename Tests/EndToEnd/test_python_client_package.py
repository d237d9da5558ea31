# SPDX-License-Identifier: Apache-2.0
"""The Python client as a package: its wheel, its types, its page's examples, and each Python that it is for."""

import os
import re
import shutil
import socket
import subprocess
import sys
import unittest
import zipfile

import authority
from conditions import needs, works
from runs import Commands, shell
from support import LIMIT, REPOSITORY, SCRATCH, TestCase, new_folder

PACKAGE = REPOSITORY / "clients" / "python"
MODULE = REPOSITORY / "clients" / "ansible" / "library" / "parley_command.py"
VERSIONS = [f"3.{minor}" for minor in range(9, 14)]
TABLE = {
    "disk": shell('echo "free: $1"', "path", arguments={"path": "/[a-z0-9/]*"}),
    "restore": shell('echo "restored $(wc -c) bytes"', input=True)}


def python_with(*modules):
    """The first Python that has the modules: the one that runs this, or the system's."""
    imports = f"import {', '.join(modules)}"
    return next((python for python in (sys.executable, "/usr/bin/python3") if works(python, "-c", imports)), None)


def run(*words, **how):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=4 * LIMIT, check=False, **how)


class Package(unittest.TestCase):
    def test_a_wheel_is_built_and_can_be_used(self):
        python = python_with("build", "setuptools", "wheel")
        if not python:
            self.skipTest("python3-build, python3-setuptools or python3-wheel is not installed")
        source = new_folder() / "python"
        shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "build", "dist"))
        built = run(python, "-m", "build", "--no-isolation", "--wheel", "--outdir", source / "dist", source)
        self.assertEqual(built.returncode, 0, built.stdout)
        wheel, = (source / "dist").glob("*.whl")
        self.assertEqual(wheel.name, "parley_client-0.1.0-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = {name for name in archive.namelist() if name.startswith("parley_client/")}
        files = {f"parley_client/{path.name}" for path in (PACKAGE / "src" / "parley_client").iterdir()
                 if path.is_file()}
        self.assertEqual(names, files)
        used = run(sys.executable, "-c", "import parley_client as p; print(p.__file__, repr(p.Exited(3)))",
                   env={**os.environ, "PYTHONPATH": str(wheel)}, cwd=SCRATCH)
        self.assertIn(f"{wheel}/parley_client/__init__.py Exited(status=3)", used.stdout)

    def test_its_version_is_the_products(self):
        version = re.search(r'version = "(.*)"', (REPOSITORY / "Sources/Console/ProgramVersion.swift").read_text())[1]
        self.assertIn(f'\nversion = "{version}"\n', (PACKAGE / "pyproject.toml").read_text())
        self.assertIn(f'"{version}"', (PACKAGE / "src" / "parley_client" / "__init__.py").read_text())

    @needs("mypy")
    def test_its_types_are_right(self):
        def check(version):
            return run("mypy", "--strict", "--cache-dir", os.devnull, "--python-version", version,
                       # Ansible has no types.
                       "--ignore-missing-imports", PACKAGE / "src" / "parley_client", MODULE,
                       env={**os.environ, "MYPYPATH": str(PACKAGE / "src")})
        checked = check("3.9")
        # A newer mypy no longer knows the oldest of them.
        if (least := re.search(r"must be (3\.\d+) or higher", checked.stdout)):
            checked = check(least[1])
        self.assertEqual(checked.returncode, 0, checked.stdout)


class Examples(TestCase):
    def test_the_pages_examples_do_what_they_say(self):
        folder, place = new_folder(), Commands(self, commands=TABLE).port
        (folder / "parley").symlink_to(authority.good())
        (folder / "backup.tar").write_bytes(b"x" * 300_000)
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # And nobody listens.
            hosts = {"server.example.org": f"localhost:{place}", "web1.example.org": f"localhost:{place}",
                     "web2.example.org": f"127.0.0.1:{place}",
                     "web3.example.org": f"127.0.0.1:{dead.getsockname()[1]}"}
            found = []
            for example in re.findall(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.M | re.S):
                for name, host in hosts.items():
                    example = example.replace(name, host)
                environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(PACKAGE / "src")}
                found.append(run(sys.executable, "-c", example, env=environment, cwd=folder).stdout)
        one, stream, many = found
        self.assertEqual(one, "ended with status 0 free: /\n\n")
        self.assertEqual(stream, "restored 300000 bytes\nrestore ended with status 0\n")
        good = [f"{hosts[name]}: ended with status 0" for name in ("web1.example.org", "web2.example.org")]
        lines = sorted(many.splitlines())
        self.assertEqual(len(lines), 3, many)
        for line in good:
            self.assertIn(line, lines)
        self.assertIn("{0}: cannot connect: Connection refused".format(hosts["web3.example.org"]), lines)


class Pythons(unittest.TestCase):
    """Each version of Python that is there, but for the one that runs this."""


def in_version(version):
    def test(self):
        python = shutil.which(f"python{version}")
        if sys.version_info[:2] == tuple(map(int, version.split("."))):
            self.skipTest("it runs these tests")
        if not python or not works(python, "-c", "import ssl; ssl.TLSVersion.TLSv1_3"):
            self.skipTest(f"Python {version} is not installed")
        done = run(python, "-m", "unittest", "test_python_client", "test_python_client_core", "test_python_client_trust",
                   cwd=REPOSITORY / "Tests" / "EndToEnd")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"Ran [1-9]\d+ tests")
    return test


for one in VERSIONS:
    setattr(Pythons, f"test_python_{one.replace('.', '_')}", in_version(one))
