# SPDX-License-Identifier: Apache-2.0
"""packaging/parley-import: files in the manner of public ones in `imports`, each with the table and the list that it
must give (NAME.table and NAME.said, written anew with PARLEY_GOLDEN=1), decisions of a person, and input that is no
such file."""

import os
import re
import shlex
import subprocess
import sys
import unittest

from remote_server import TableServer
from support import HERE, LIMIT, PARLEYD, REPOSITORY, new_folder
from server import AS_SOMEBODY, IS_ROOT, OWN

SCRIPT = REPOSITORY / "packaging" / "parley-import"
FILES = HERE / "imports"
NRPE = sorted(path.name for path in FILES.glob("*.cfg"))
REMCTL = sorted(path.name for path in FILES.glob("*.conf"))
MONITOR = ["--allow", "dns:monitor.example.org"]
DONE, UNDECIDED, USAGE, DATA, NO_INPUT, NO_OUTPUT = 0, 1, 64, 65, 66, 74


def ran(*words, folder=FILES, stdout=subprocess.PIPE):
    return subprocess.run([sys.executable, "-B", SCRIPT, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, timeout=LIMIT, check=False)


def imported(*words, **how):
    """The status, the table and the lines on standard error."""
    ended = ran(*words, **how)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode().splitlines()


def golden(name):
    """What a file gives; a fleet's machines know their monitor, and remctl's file knows its users."""
    return imported(*(MONITOR if name in NRPE else []), "--root", "root", name)


class Importing(unittest.TestCase):

    maxDiff = None

    def write(self, text, name="nrpe.cfg"):
        path = new_folder() / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def assertRead(self, table):
        """The server takes it, and has nothing to say but which programs aren't here."""
        if not IS_ROOT:  # Whose server can start nothing as others.
            table = re.sub(r'user: "[a-z]*"', f'user: "{OWN}"', table)
        path = self.write(table, "commands.json5")
        ended = subprocess.run([PARLEYD, "check", *AS_SOMEBODY, "--commands", path], capture_output=True, text=True,
                               timeout=LIMIT, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return [line for line in ended.stderr.splitlines() if "is unavailable on this machine" not in line]

    def decisions(self, said):
        return [line.split(": decide: ", 1)[1] for line in said if line.startswith("parley-import: decide: ")]


class Files(Importing):

    def test_there_are_twenty(self):
        self.assertGreaterEqual(len(NRPE) + len(REMCTL), 20)

    def test_each_file_gives_its_table_and_its_list(self):
        for name in (*NRPE, *REMCTL):
            with self.subTest(name):
                status, table, said = golden(name)
                if os.environ.get("PARLEY_GOLDEN"):
                    (FILES / f"{name}.table").write_text(table)
                    (FILES / f"{name}.said").write_text("".join(f"{line}\n" for line in said))
                self.assertEqual(table, (FILES / f"{name}.table").read_text())
                self.assertEqual(said, (FILES / f"{name}.said").read_text().splitlines())
                self.assertEqual(status, UNDECIDED if self.decisions(said) else DONE)

    def test_the_server_reads_every_table(self):
        for name in (*NRPE, *REMCTL):
            with self.subTest(name):
                complaints = self.assertRead((FILES / f"{name}.table").read_text())
                if name in NRPE:
                    self.assertEqual(complaints, [])

    def test_most_commands_need_nobody(self):
        total = here = 0
        for name in NRPE:
            last = (FILES / f"{name}.said").read_text().splitlines()[-1]
            done, all_of_it = map(int, re.search(r": (\d+) of (\d+) commands are in the table", last).groups())
            total, here = total + all_of_it, here + done
        self.assertGreater(total, 140)
        self.assertGreaterEqual(here / total, 0.71)


class Decisions(Importing):

    def test_one_argument_for_all_options_is_asked_for_by_name_and_the_answer_is_taken(self):
        path = self.write("dont_blame_nrpe=1\ncommand[check_disk]=/usr/lib/check_disk -e $ARG1$ $ARG2$\n"
                          "command[check_load]=/usr/lib/check_load $ARG1$\n")
        status, table, said = imported(*MONITOR, path)
        self.assertEqual(status, UNDECIDED)
        first, second = self.decisions(said)
        self.assertIn("nrpe.cfg:2: check_disk: $ARG2$ is a word by itself", first)
        self.assertIn("--line 'check_load=/usr/lib/check_load -w {warning}'", second)
        self.assertNotIn("check_load", table)
        decided = [*MONITOR, "--skip", "check_disk", "--line", "check_load=/usr/lib/check_load -w {warning}"]
        status, table, said = imported(*decided, path)
        self.assertEqual(self.decisions(said)[0].split("; ")[0],
                         f"{path}:3: check_load: the argument warning has no pattern")
        status, table, said = imported(*decided, "--argument", "check_load:warning=[0-9,]+", path)
        self.assertEqual((status, self.decisions(said)), (DONE, []))
        self.assertIn('run: ["/usr/lib/check_load", "-w", "{warning}"],\n'
                      '      arguments: { warning: "[0-9,]+" },', table)
        self.assertEqual(self.assertRead(table), [])

    def test_what_it_advises_can_be_pasted_into_a_shell(self):
        path = self.write("dont_blame_nrpe=1\ncommand[it's; exit 9]=/bin/echo 'a b' -w $ARG1$ $ARG2$\n")
        _, _, said = imported(*MONITOR, path)
        advice = re.search(r"such as (--line .*) and (--argument .*): /bin/echo", self.decisions(said)[0])
        words = shlex.split(f"{advice[1]} {advice[2]}")
        self.assertEqual(words, ["--line", "it's; exit 9=/bin/echo 'a b' -w $ARG1$ -w {warning}",
                                 "--argument", "it's; exit 9:warning=[0-9]+"])
        status, table, said = imported(*MONITOR, *words, path)
        self.assertEqual((status, self.decisions(said)), (DONE, []))
        self.assertIn('run: ["/bin/echo", "a b", "-w", "{arg1}", "-w", "{warning}"]', table)
        path = self.write("x y /bin/it's princ:o'neil\n", "remctl.conf")
        _, _, said = imported(path)
        for line in self.decisions(said):
            for option in re.findall(r"--(?:line|acl) (.*?)(?:,| or that|$)", line):
                self.assertEqual(len(shlex.split(option)), 1, option)

    def test_decisions_can_be_kept_in_a_file(self):
        decisions = self.write("# agreed with the web team\n--allow=dns:monitor.example.org\n\n--skip=check_sites\n"
                               "--line=check_url=/usr/lib/nagios/plugins/check_http -u '/search?q=test'\n", "decisions")
        status, table, said = imported("--decisions", decisions, "web.cfg")
        self.assertEqual((status, self.decisions(said)), (DONE, []))
        self.assertIn('"/search?q=test"', table)
        self.assertNotIn("check_sites", table)

    def test_a_decision_about_nothing_is_told(self):
        path = self.write("command[a]=/bin/true\n")
        for words in (["--line", "b=/bin/true"], ["--skip", "b"], ["--rename", "b=c"], ["--argument", "b:x=y"],
                      ["--argument", "x=y"], ["--acl", "princ:x=dns:x.example.org"]):
            with self.subTest(words):
                status, _, said = imported(*MONITOR, *words, path)
                self.assertEqual(status, UNDECIDED)
                self.assertIn("is about nothing in the file", self.decisions(said)[0])

    def test_arguments_that_nrpe_refuses_are_not_taken_unasked(self):
        for setting in ("", "dont_blame_nrpe=0\n", "dont_blame_nrpe=yes\n"):
            path = self.write(f"{setting}command[a]=/bin/echo -w $ARG1$\n")
            status, table, said = imported(*MONITOR, path)
            self.assertEqual((status, "echo" in table), (UNDECIDED, False))
            self.assertIn("give --arguments", self.decisions(said)[0])
            self.assertEqual(imported(*MONITOR, "--arguments", path)[0], DONE)

    def test_without_somebody_who_may_nobody_may(self):
        status, table, said = imported("hardware.cfg")
        self.assertEqual(status, UNDECIDED)
        self.assertNotIn("allow", table)
        self.assertIn("--allow IDENTITY", self.decisions(said)[0])

    def test_names_users_and_acls_are_taken_as_decided(self):
        path = self.write("accounts passwd /usr/sbin/accounts logmask=3 sudo=backup "
                          "deny:princ:eve@X princ:al@X ANYUSER\n")
        line = "accounts-passwd=/usr/sbin/accounts passwd {user} {word}"
        words = ["--line", line, "--argument", "user=[a-z]+", "--argument", "word=.+",
                 "--rename", "accounts-passwd=pass"]
        _, table, said = imported(*words, "--acl", "ANYUSER=anyone", path)
        self.assertNotIn("allow:", table)  # Eve would be anyone.
        self.assertIn("--acl 'princ:eve@X=IDENTITY'", self.decisions(said)[0])
        status, table, said = imported(
            *words, "--acl", "princ:eve@X=email:eve@example.org", "--acl", "princ:al@X=email:al@example.org",
            "--acl", "princ:al@X=dns:al.example.org", "--acl", "ANYUSER=anyone", path)
        self.assertEqual((status, self.decisions(said)), (DONE, []))
        for part in ('    pass: {',
                     '["/usr/bin/sudo", "-n", "-u", "backup", "--", "/usr/sbin/accounts", "passwd", "{user}"',
                     'word: { pattern: ".+", secret: true }', 'deny: ["email:eve@example.org"]',
                     'allow: ["email:al@example.org", "dns:al.example.org", "anyone"]', "privileged: true"):
            self.assertIn(part, table)
        self.assertRead(table)

    def test_users_that_no_table_can_name_are_told(self):
        for option in (b"user", b"sudo"):
            path = self.write(b"x y /bin/true " + option + b"=\xff ANYUSER\n", "remctl.conf")
            status, table, said = imported("--allow", "anyone", path)
            self.assertEqual(status, UNDECIDED)
            self.assertIn("a user has bytes that are not UTF-8", self.decisions(said)[0])
            self.assertEqual(self.assertRead(table), [])

    def test_a_home_directory_of_a_variable_is_not_taken_for_its_name(self):
        path = self.write("command[a]=X=~/x /bin/true\ncommand[b]=X=/a:~/x /bin/true\ncommand[c]=X=a~b /bin/true\n")
        _, table, said = imported(*MONITOR, path)
        self.assertIn('environment: { X: "a~b" }', table)
        self.assertEqual([line.split("; ")[0].split(": ", 2)[2] for line in self.decisions(said)],
                         ["it needs a shell for a home directory"] * 2)

    def test_what_a_mask_hides_is_what_it_hid(self):
        for options, secret in (("logmask=2", "a"), ("logmask=3", "b"), ("stdin=2 logmask=3", "a"),
                                ("stdin=last logmask=3", "b")):
            with self.subTest(options):
                path = self.write(f"x y /bin/echo {options} ANYUSER\n")
                _, table, _ = imported("--line", "x-y=/bin/echo y {a} {b}", "--argument", "a=a", "--argument", "b=b",
                                       path)
                self.assertIn(f'{secret}: {{ pattern: "{secret}", secret: true }}', table)
                self.assertEqual(table.count("secret"), 1)

    def test_an_imported_command_runs_as_it_did(self):
        path = self.write("dont_blame_nrpe=1\n"
                          "command[check it]=GREETING='good day' /bin/sh -c 'echo \"$GREETING $0\"; exit 1'\n"
                          "command[check_arg]=/usr/bin/printf %s -x $ARG1$\n")
        # A variable of the program's own shell is no work for NRPE's.
        status, table, said = imported("--allow", "anyone", path)
        self.assertEqual((status, self.decisions(said)), (DONE, []))
        folder = new_folder()
        if IS_ROOT:
            table = table.replace("optional", 'user: "root", optional')
        (folder / "commands.json5").write_text(table)
        server = TableServer(self, None, files=folder)
        session = server.session(self)
        outcome = session.ask("check it")
        self.assertEqual((outcome.output, outcome.ended[1]), (b"good day /bin/sh\n", 1))
        self.assertEqual(session.ask("check_arg", "5:10").output, b"-x5:10")
        self.assertIsNotNone(session.ask("check_arg", "--help").code)


class Hostile(Importing):

    def refused(self, status, *words):
        ended = ran(*words)
        self.assertEqual((ended.returncode, ended.stdout), (status, b""), ended.stderr)
        self.assertRegex(ended.stderr.decode(), r"\Aparley-import: [^\n]+\n\Z")
        self.assertTrue(ended.stderr.decode().rstrip("\n").isprintable())
        return ended.stderr.decode()

    def test_what_is_no_file_of_either_kind_is_a_sentence(self):
        folder = new_folder()
        os.mkfifo(folder / "fifo")
        for path, status, what in (
                (folder / "fifo", NO_INPUT, "is not a file"), ("/dev/zero", NO_INPUT, "is not a file"),
                (folder, NO_INPUT, "is not a file"), (folder / "none", NO_INPUT, "No such file"),
                (self.write(b"command[a]=/bin/\0true\n"), NO_INPUT, "not a text file"),
                (self.write(os.urandom(100) + b"\0"), NO_INPUT, "not a text file"),
                (self.write("#" * (1 << 20) + "x"), NO_INPUT, "larger than"), (self.write(""), DATA, "--format"),
                (self.write("# nothing\n"), DATA, "--format"), (self.write("{ commands: {} }\n"), DATA, "--format"),
                (self.write("debug=0\n"), DATA, "defines no command"),
                (self.write(b"\xff\xfe\x1b[31m\n"), DATA, "--format")):
            with self.subTest(what):
                self.assertIn(what, self.refused(status, str(path)))

    def test_wrong_usage_is_a_sentence(self):
        for words in ([], ["a", "b"], ["--nope", "a"], ["--allow", "alice", "a"], ["--allow", "dns:\n", "a"],
                      ["--line", "x", "a"], ["--argument", "a-b=c", "a"], ["--argument", "a=\udcff", "a"],
                      ["--acl", "x=y", "a"], ["--skip"],
                      ["--format", "xml", "a"], ["--al", "anyone", "a"], ["--user", "\x1b", "a"]):
            with self.subTest(words):
                self.assertIn("parley-import --help", self.refused(USAGE, *words))

    def test_a_table_that_cannot_be_written_is_told(self):
        with open("/dev/full", "wb") as full:
            ended = ran("hardware.cfg", stdout=full)
        self.assertEqual(ended.returncode, NO_OUTPUT)
        self.assertRegex(ended.stderr.decode(), r"\Aparley-import: the table cannot be written: [^\n]*\n\Z")

    def test_closed_descriptors_change_neither_the_table_nor_the_sentence(self):
        whole = ran("hardware.cfg").stdout
        for closing, status, table, said in ((">&-", NO_OUTPUT, b"", "standard output is closed"),
                                             ("2>&-", UNDECIDED, whole, "")):
            with self.subTest(closing):
                ended = subprocess.run(["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-B", SCRIPT,
                                        "hardware.cfg"], cwd=FILES, capture_output=True, timeout=LIMIT, check=False)
                self.assertEqual((ended.returncode, ended.stdout), (status, table))
                self.assertIn(said, ended.stderr.decode())

    def test_any_line_gives_a_table_that_the_server_reads(self):
        lines = [
            b"\xff\xfe=\x1b[31m", b"=", b"==", b"command[\x1b]=/bin/true", "command[\u202e]=/bin/true".encode(),
            b"command[x\xff]=/bin/true", b"command[-x]=/bin/true", b"command[whoami]=/bin/true",
            b"command[a]=" + b"/x " * 1000, b"command[b]=/bin/echo \"", b"command[c]=/bin/echo \\",
            b"command[d]=/bin/echo '\x01'", b"command[" + b"n" * 300 + b"]=/x",
            "command[e]=/bin/echo '\u2028\u202e'".encode(), b"command[f]=/bin/echo {a}",
            b"command[g]=/bin/echo \"{\\\"}\"", b"command[h]=$ARG1$", b"command[i]=$ARG1$=x /bin/true",
            b"command[j]=X=$ARG1$ /bin/true", b"command[k]=/../..//bin/./true", b"command[l]=sudo", b"command[m]=sudo -n",
            b"command[n]=/bin/echo -w $ARG99$", b"command[o]=/bin/echo -w $ARG0$", b"command[p]=/bin/echo -a ${ARG1}$",
            b"command[q]=env", b"command[r]=env X=", b"command[s]=X= env Y=1", b"command[t]=/opt/{a}/b",
            b"command[u]=/bin/", b"command[//]=/bin/true",
            b"command[*/]=/bin/true", b"include=" + b"/x" * 3000, b"include_dir=\xff", b"include=/dev/zero",
            b"command[constructor]=/bin/true"]
        path = self.write(b"dont_blame_nrpe=1\n" + b"\n".join(lines) + b"\n")
        status, table, said = imported(*MONITOR, path)
        self.assertEqual(status, UNDECIDED)
        self.assertTrue(all(line.isprintable() for line in said))
        self.assertEqual(self.assertRead(table), [])
        self.assertIn("constructor: {", table)

    def test_many_lines_and_files_end_soon(self):
        path = self.write(b"x\n" * 100_000)
        status, table, said = imported(*MONITOR, "--format", "nrpe", path)
        self.assertEqual((status, table), (DATA, ""))
        folder = new_folder()
        for number in range(3):
            (folder / f"to{number}").symlink_to(folder)
        (folder / "a.cfg").write_text("command[a]=/bin/true\n")
        path = self.write(f"command[b]=/bin/true\ninclude_dir={folder}\n")
        status, table, said = imported(*MONITOR, path)
        self.assertEqual(status, UNDECIDED)
        self.assertRegex(self.decisions(said)[0], r"one too many")

    def test_a_remctl_conf_of_any_kind_gives_a_table_that_the_server_reads(self):
        path = self.write(
            b"a b /bin/true ANYUSER\n\xff \xfe /bin/true \xfd\na \x1b /bin/true ANYUSER\nwhoami EMPTY /bin/true x\n"
            b"a c /bin/true x=y=z ANYUSER\na d /bin/true user= ANYUSER\n- e /bin/true ANYUSER\na {x} /bin/true y\n"
            b"a i /bin/{true} y\na j /bin/ y\n"
            b"a f /bin/true logmask=9 deny: deny:deny:x\ninclude a b c\n# comment \\\ncontinued\na g \\\n\\\n")
        status, table, said = imported("--allow", "anyone", path)
        self.assertEqual(status, UNDECIDED)
        self.assertTrue(all(line.isprintable() for line in said))
        self.assertRead(table)
        self.assertEqual(table.count("/bin/true"), 3, table)


if __name__ == "__main__":
    unittest.main()
