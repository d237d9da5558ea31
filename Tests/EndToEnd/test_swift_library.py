# SPDX-License-Identifier: Apache-2.0
"""The Swift libraries as another package has them, by a version; and their documentation."""

import json
import os
import re
import shutil
import subprocess
import unittest

import authority
from conditions import needs
from runs import COMMANDS, Commands, shell
from support import IS_SANITIZED, LIMIT, PROGRAMS, REPOSITORY, Program, TestCase, eventually, new_folder

EXAMPLES = REPOSITORY / "clients" / "swift"
SWIFT = os.environ.get("SWIFT", "swift")
PATIENCE = 20 * LIMIT
"""Seconds for a build, some 30 s of processor time."""
TABLE = {**COMMANDS, "disk": shell('echo "free: $1"', "path"),
         "large": shell("echo $$ >&2; head -c 20000000 /dev/zero; echo all >&2", output=1 << 40)}
BY_PATH = '.package(name: "parley", path: "../..")'


def run(*words, **how):
    how.setdefault("timeout", LIMIT)
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **how)


def versioned(folder):
    """A repository of the package as it is here, tagged as a version."""
    folder.mkdir()
    shutil.copy(REPOSITORY / "Package.swift", folder)
    shutil.copytree(REPOSITORY / "Sources", folder / "Sources")
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "All"], ["tag", "1.0.0"]):
        subprocess.run(["git", "-C", folder, *words], check=True, timeout=LIMIT)


def flat(code):
    """Code without its indentation."""
    return "\n".join(line.strip() for line in code.splitlines())


def unsafe(environment):
    """The targets that have unsafe flags, of all that the libraries need."""
    inherited = {name: value for name, value in os.environ.items() if name != "PARLEY_RELEASE"}
    dumped = subprocess.run([SWIFT, "package", "--package-path", REPOSITORY, "dump-package"], stdout=subprocess.PIPE,
                            env={**inherited, **environment}, timeout=2 * LIMIT, check=True)
    package = json.loads(dumped.stdout)
    targets = {target["name"]: target for target in package["targets"]}
    needed = {name for product in package["products"] if "library" in product["type"] for name in product["targets"]}
    left = set(needed)
    while left:
        left = {depended["byName"][0] for name in left for depended in targets[name]["dependencies"]} - needed
        needed |= left
    assert {"ParleyClient", "TLS", "System", "CLinux"} <= needed, needed
    return {name for name in needed if "unsafeFlags" in json.dumps(targets[name]["settings"])}


@needs("git")
@needs(SWIFT)
@unittest.skipIf(IS_SANITIZED, "the libraries would be built once more, without AddressSanitizer")
class SwiftLibrary(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = new_folder()
        versioned(folder / "parley")
        shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(".build"))
        manifest = folder / "examples" / "Package.swift"
        text = manifest.read_text()
        assert BY_PATH in text
        manifest.write_text(text.replace(BY_PATH, f'.package(url: "file://{folder}/parley", from: "1.0.0")'))
        # A build for release would have unsafe flags.
        environment = {name: value for name, value in os.environ.items() if name != "PARLEY_RELEASE"}
        places = [word for name in ("cache", "config", "security")
                  for word in (f"--{name}-path", str(folder / name))]
        built = run(SWIFT, "build", "--package-path", folder / "examples", *places, timeout=PATIENCE,
                    env=environment, cwd=folder)
        cls.built, cls.programs = built, folder / "examples" / ".build" / "debug"
        if built.returncode:
            raise AssertionError(built.stdout)
        cls.server = Commands(cls, commands=TABLE)

    def ask(self, *words, certs=None, host=None):
        return run(self.programs / "disk-report", "--certs", certs or authority.good(),
                   host or f"localhost:{self.server.port}", *words)

    def start(self, *words):
        return Program(self, [str(self.programs / "disk-report"), "--certs", str(authority.good()), *words])

    def test_nothing_that_they_need_is_warned_of(self):
        self.assertNotRegex(self.built.stdout, r"(?i)warning:|unsafe build flags")

    def test_nothing_that_they_need_has_unsafe_flags(self):
        # Not every release of SwiftPM refuses them.
        self.assertEqual(unsafe({}), set())
        self.assertIn("TLS", unsafe({"PARLEY_RELEASE": "1"}))

    def test_a_command_succeeds(self):
        result = self.ask()
        place = f"localhost:{self.server.port}"
        self.assertEqual((result.returncode, result.stdout), (0, f"free: /\n{place}: ended with status 0\n"))

    def test_the_smallest_example_finds_the_users_certificates(self):
        home = new_folder()
        shutil.copytree(authority.good(), home / "parley")
        result = run(self.programs / "one-command", f"localhost:{self.server.port}",
                     env={**os.environ, "XDG_CONFIG_HOME": str(home)})
        self.assertEqual((result.returncode, result.stdout), (0, "ended with status 0 free: /\n\n"))

    def test_each_fate_is_an_outcome(self):
        fates = {("status", "3"): "ended with status 3", ("signal", "9"): "ended by signal 9",
                 ("late",): "exceeded the server's time limit",
                 ("much",): "exceeded the server's output limit", ("nobody",): r"refused \(notAllowed\): nobody ",
                 ("none",): r"refused \(unknownCommand\): ", ("path", "x"): r"refused \(badArgument\): "}
        for words, fate in fates.items():
            with self.subTest(words):
                result = self.ask("--", *words)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stdout, rf"localhost:{self.server.port}: {fate}")

    def test_a_server_that_is_not_trusted_gets_nothing(self):
        result = self.ask(certs=authority.good("other"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(
            result.stdout, rf"^localhost:{self.server.port}: the server's certificate [^\n]*'? ca[^\n]*\n$")
        self.assertNotIn("--", result.stdout)

    def test_one_dead_server_does_not_stop_the_others(self):
        result = self.ask("localhost:1", host=f"127.0.0.1:{self.server.port}")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^cannot connect to localhost:1 .*refused")
        self.assertIn(f"127.0.0.1:{self.server.port}: ended with status 0\n", result.stdout)

    def test_a_cancelled_task_ends_the_program(self):
        program = self.start("--patience", "1", f"localhost:{self.server.port}", "--", "wait")
        program.stdout.expect(r"\d+\n")
        program.stdout.expect(rf"localhost:{self.server.port}: the command was cancelled")
        self.assertStatus(program, 1)
        eventually(lambda: not self.server.children, "the end of the command")

    def test_a_slow_reader_holds_the_program_up_and_gets_everything(self):
        program = subprocess.Popen(
            [self.programs / "disk-report", "--certs", authority.good(), f"localhost:{self.server.port}", "--",
             "large"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        self.addCleanup(program.stdout.close)
        first = program.stdout.read(1000)
        # The rest is more than all buffers between them hold, so that its program can't be done.
        eventually(lambda: self.server.children, "the command's start")
        rest = first + program.stdout.read()
        self.assertEqual(rest.count(b"\0"), 20_000_000)
        self.assertIn(b"all\n", rest)
        self.assertEqual(program.wait(LIMIT), 0)
        self.assertTrue(rest.endswith(b": ended with status 0\n"), rest[-200:])

    def test_the_stream_of_tls_alone_can_be_used(self):
        result = run(self.programs / "tls-hello", authority.good(), "localhost", self.server.port)
        self.assertEqual((result.returncode, result.stdout), (0, "TLSv1.3 dns:localhost\nGreetings!\n"))


class Documentation(unittest.TestCase):
    def test_the_page_names_what_is_there(self):
        page = (EXAMPLES / "README.md").read_text()
        for name in re.findall(r"\]\(([\w/.-]+)\)", page):
            self.assertTrue((EXAMPLES / name).exists(), name)

    def test_all_code_on_the_pages_is_of_the_examples(self):
        examples = [flat(path.read_text()) for path in EXAMPLES.glob("Sources/*/*.swift")]
        for page in (EXAMPLES / "README.md", *REPOSITORY.glob("Sources/*/*.docc/*.md")):
            for code in re.findall(r"```swift\n(.*?)```", page.read_text(), re.S):
                with self.subTest(page, code=code):
                    self.assertTrue(any(flat(code) in example for example in examples))

    @needs("docc")
    @needs(SWIFT)
    def test_the_comments_build_without_a_warning(self):
        if not (PROGRAMS / "Modules" / "ParleyClient.swiftmodule").exists():
            self.skipTest(f"there are no modules in {PROGRAMS}; run swift build")
        maps = [REPOSITORY / "Sources" / "COpenSSL" / "module.modulemap",
                *(PROGRAMS / f"{name}.build" / "module.modulemap" for name in ("CLinux", "CProvider"))]
        target = json.loads(run(SWIFT, "-print-target-info").stdout)["target"]["unversionedTriple"]
        for module in ("ParleyClient", "TLS", "Sockets"):
            with self.subTest(module):
                symbols, catalogue = new_folder(), REPOSITORY / "Sources" / module / f"{module}.docc"
                made = run(SWIFT, "symbolgraph-extract", "-module-name", module, "-I", PROGRAMS / "Modules",
                           *(word for map in maps for word in ("-Xcc", f"-fmodule-map-file={map}")),
                           "-target", target, "-output-dir", symbols, "-minimum-access-level", "public")
                self.assertEqual(made.returncode, 0, made.stdout)
                built = run("docc", "convert", *([catalogue] if catalogue.exists() else []),
                            "--fallback-display-name", module, "--fallback-bundle-identifier", f"parley.{module}",
                            "--additional-symbol-graph-dir", symbols, "--output-path", new_folder() / "out",
                            "--warnings-as-errors", timeout=4 * LIMIT)
                said = re.findall(r"(?m)^(?:warning|error): .*", built.stdout)
                # Of Swift 6.3's docc on Debian 13, once for each page and whatever is on it.
                if said and set(said) == {"error: The operation could not be completed. The file doesn\u2019t exist."}:
                    self.skipTest("docc can write no pages here")
                self.assertEqual((built.returncode, said), (0, []), built.stdout)


if __name__ == "__main__":
    unittest.main()
