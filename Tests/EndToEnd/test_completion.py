# SPDX-License-Identifier: Apache-2.0
"""What parley offers shells as the next word of its command line, and the shells themselves."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import authority
from people import client
from remote_server import REPLIES, TableServer, fixture, program
from support import LIMIT, PARLEY, REPOSITORY, new_folder

COMPLETION = REPOSITORY / "packaging" / "completion"
BASH = pathlib.Path("/usr/share/bash-completion/bash_completion")
COMMANDS = {
    **REPLIES, "disk": program("/bin/echo", "{path}", arguments={"path": ".*"}, summary="it's free space"),
    "date": program("/bin/date"), "hidden": {**program("/bin/true"), "allow": ["dns:nobody"]},
    "ignore end": fixture("ignore-end.sh"),
}


class Completing(unittest.TestCase):

    def setUp(self):
        self.cache = new_folder()

    def environment(self, **more):
        return {**os.environ, "XDG_CACHE_HOME": str(self.cache), "HOME": str(self.cache), **more}

    def complete(self, *words):
        ended = subprocess.run([str(PARLEY), "complete", *words], env=self.environment(), capture_output=True,
                               text=True, timeout=LIMIT)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        return ended.stdout.splitlines()


class Words(Completing):

    def test_what_is_known_without_a_server(self):
        every = ["run", "config", "pair", "hello", "greeting", "command", "chat"]
        for words, expected in ((("",), every), (("r",), ["run"]), (("pair", ""), ["hello"]), (("pair", "hello", ""), []),
                                (("run", ""), [":hosts"]), (("config", ""), [":hosts"]), (("config", "a", ""), []), (("run", "web1", ""), ["--"]), (("hello", "web1", ""), []),
                                (("run", "--ca", ""), [":files"]), (("run", "--certs", ""), [":folders"]),
                                (("run", "--server-name", "w"), [":hosts"]), (("run", "--tls-min", ""), ["1.2", "1.3"]),
                                (("run", "--port", ""), []), (("run", "--port", "1", ""), [":hosts"]),
                                (("run", "--port=1", ""), [":hosts"]), (("run", "--pin"), ["--pin"]),
                                (("hello", "--st"), []), (("run", "--plain"), []), (("--st",), ["--status-fd"]),
                                (("run", "web1", "--st"), ["--status-fd"]), (("hello", "--", ""), []), ((), every)):
            with self.subTest(words):
                self.assertEqual(self.complete(*words), expected)
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_every_option_is_offered(self):
        offered = set(self.complete("--"))
        ended = subprocess.run([str(PARLEY), "--help"], capture_output=True, text=True, timeout=LIMIT)
        for option in offered:
            self.assertIn(option, ended.stdout)
        self.assertGreater(len(offered), 20)


class Offered(Completing):
    """What the server lets run."""

    def setUp(self):
        super().setUp()
        self.server = TableServer(self, COMMANDS)
        self.words = ["run", "--ca", authority.ca(), *authority.own(client("client")),
                      f"localhost:{self.server.port}"]

    def test_names_come_from_the_server_and_are_remembered_for_a_minute(self):
        expected = ["Are you there?", "Hello", "date", "disk", "help", "ignore end", "quit", "whoami"]
        self.assertEqual(sorted(self.complete(*self.words, "--", "")), expected)
        self.assertEqual(self.complete(*self.words, "--", "d"), ["date", "disk"])
        self.assertEqual(sorted(self.complete(*self.words, "--", "help", "")), [
            name for name in expected if name not in ("help", "whoami")])
        self.assertEqual(self.complete(*self.words, "--", "disk", ""), [])
        folder = self.cache / "parley"
        remembered, = folder.iterdir()
        self.assertEqual([path.stat().st_mode & 0o777 for path in (folder, remembered)], [0o700, 0o600])
        # Nobody is asked again, until the minute is over.
        self.server.replace({"other": program("/bin/true")})
        self.assertEqual(self.complete(*self.words, "--", "o"), [])
        past = remembered.stat().st_mtime - 61
        os.utime(remembered, (past, past))
        self.assertEqual(self.complete(*self.words, "--", "o"), ["other"])

    def test_another_certificate_is_another_memory(self):
        self.assertIn("date", self.complete(*self.words, "--", ""))
        self.assertEqual(self.complete("run", "--tls-min", "1.3", *self.words[1:], "--", "da"), ["date"])
        self.assertEqual(len(list((self.cache / "parley").iterdir())), 2)

    def test_words_that_end_before_a_server_is_asked_ask_none(self):
        for word in ("--help", "-h", "--version"):
            with self.subTest(word):
                self.assertEqual(self.complete(*self.words, word, "--", ""), [])

    def test_a_server_that_does_not_end_is_not_waited_for(self):
        self.server.signal(signal.SIGSTOP)
        os.kill(self.server.network, signal.SIGSTOP)
        self.addCleanup(self.server.signal, signal.SIGCONT)
        self.assertEqual(self.complete(*self.words, "--", ""), ["help", "whoami"])

    def test_where_nobody_answers_there_is_nothing(self):
        port = self.server.port
        self.server.signal(9)
        self.server.wait()
        self.assertEqual(self.complete(*self.words[:-1], f"localhost:{port}", "--", ""), ["help", "whoami"])
        self.assertEqual(list(self.cache.glob("parley/*")), [])


class Shells(Completing):
    """The scripts that are packaged, in the shells themselves where they are installed."""

    def test_zsh_registers_its_script(self):
        # compinit looks at the first line of each file in its folders, and at nothing else of it.
        script = REPOSITORY / "packaging" / "completion" / "_parley"
        self.assertEqual(script.read_text().splitlines()[0], "#compdef parley")
        certs = REPOSITORY / "packaging" / "completion" / "_parley-certs"
        self.assertEqual(certs.read_text().splitlines()[0], "#compdef parley-certs")

    def test_every_option_of_parley_certs_is_offered_and_no_other(self):
        ended = subprocess.run([str(REPOSITORY / "scripts" / "generate-certs"), "--help"], capture_output=True,
                               text=True, timeout=LIMIT)
        known = set(re.findall(r"--[a-z-]+", ended.stdout))
        for name, pattern in (("parley-certs.bash", r"--[a-z][a-z-]+"), ("_parley-certs", r"--[a-z][a-z-]+(?=\[)"),
                              ("parley-certs.fish", r" -l ([a-z-]+)")):
            with self.subTest(name):
                found = re.findall(pattern, (COMPLETION / name).read_text())
                self.assertEqual({f"--{word.removeprefix('--')}" for word in found}, known)

    def path(self):
        return f"{pathlib.Path(PARLEY).parent}:{os.environ['PATH']}"

    @unittest.skipUnless(BASH.exists(), "the package bash-completion is not installed")
    def test_bash(self):
        script = f"""
            source {BASH}; source {COMPLETION / "parley.bash"}
            try() {{
                COMP_LINE="$*"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_POINT=${{#COMP_LINE}}
                COMPREPLY=(); _parley 2>&1; echo "${{COMPREPLY[*]}}"
            }}
            compopt() {{ :; }}
            try parley r; try parley run --status; try parley pair ""; cd {self.cache}; touch some; try parley run --ca so
        """
        ended = subprocess.run(["bash", "--norc", "-c", script], env=self.environment(PATH=self.path()),
                               capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(ended.stdout.splitlines(), ["run", "--status-fd", "hello", "some"], ended.stderr)

    @unittest.skipUnless(BASH.exists(), "the package bash-completion is not installed")
    def test_bash_for_parley_certs(self):
        script = f"""
            source {BASH}; source {COMPLETION / "parley-certs.bash"}
            try() {{
                COMP_LINE="$*"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_POINT=${{#COMP_LINE}}
                COMPREPLY=(); _parley_certs 2>&1; echo "${{COMPREPLY[*]}}"
            }}
            compopt() {{ :; }}
            cd {self.cache}; mkdir pki; touch pki/alice.pem
            try parley-certs --succ; try parley-certs --out p; try parley-certs --out pki --renew a
        """
        ended = subprocess.run(["bash", "--norc", "-c", script], env=self.environment(), capture_output=True,
                               text=True, timeout=LIMIT)
        self.assertEqual(ended.stdout.splitlines(), ["--successor", "pki", "alice"], ended.stderr)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        script = f"source {COMPLETION / 'parley.fish'}; complete -C 'parley r'; complete -C 'parley run --status'"
        ended = subprocess.run(["fish", "--no-config", "-c", script], env=self.environment(PATH=self.path()),
                               capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(ended.stdout.splitlines(), ["run", "--status-fd"], ended.stderr)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        # Without a terminal there is no completion system: this checks what it would be given.
        script = f"""
            compadd() {{ shift; print -l -- "$@" }}; _files() {{ print files $1 }}
            for line in r "run --status" "run --certs "; do
                words=(parley ${{(s: :)line}}); [[ $line == *" " ]] && words+=('')
                CURRENT=$#words; source {COMPLETION / "_parley"}
            done
        """
        ended = subprocess.run(["zsh", "-f", "-c", script], env=self.environment(PATH=self.path()),
                               capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(ended.stdout.splitlines(), ["run", "--status-fd", "files -/"], ended.stderr)


if __name__ == "__main__":
    unittest.main()
