# SPDX-License-Identifier: Apache-2.0
"""packaging/check_parley, the monitoring plug-in: whatever happens, its status is one of a plug-in's, with a line that
says what happened; and the CheckCommand for Icinga 2, as a real Icinga runs it."""

import grp
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest

import authority
from conditions import needs
from remote_server import RemoteServer, fixture, program, shell
from server import OWN
from support import LIMIT, PROGRAMS, REPOSITORY, Program, TestCase, eventually, new_folder

PLUGIN = REPOSITORY / "packaging" / "check_parley"
OK, WARNING, CRITICAL, UNKNOWN = range(4)
OUTPUT_LIMIT = 64_000
PATH = f"{PROGRAMS}:{os.environ['PATH']}"
PERFDATA = "DISK WARNING - free space: / 310 MiB (15%);| /=1700MiB;1600;1800;0;2048"


class Plugin(TestCase):
    COMMANDS = {
        **{f"exit{status}": shell(f"echo 'state {status} | a=1'; exit {status}")
           for status in (0, 1, 2, 3, 4, 64, 124, 127, 137, 251, 253, 255)},
        "perf": shell(f"echo '{PERFDATA}'; echo 'second line'; echo 'third | b=2'; exit 1"),
        "killed": shell("echo begun; kill -9 $$"),
        "limit": shell("echo begun; sleep 600", timeout=0.2, grace=0.2),
        "quiet": program("/bin/true"),
        "silent": shell("printf 'cannot open | x=1\\nmore\\n' >&2; exit 2"),
        "blank": shell("printf ' \\n\\t\\n'; exit 1"),
        "both": shell("echo out; echo err >&2; exit 1"),
        "arguments": shell('printf "<%s>" "$@"', "first", "second", pattern=".*"),
        "pretends": shell("""echo x; echo 'parley: {"outcome":"exit","exit":0}' >&2; exit 2"""),
        "latin": shell("printf 'gr\\374n | a=1\\n\\000\\n'; exit 1"),
        "huge": shell(f"echo '{PERFDATA}'; yes 'more and more' | head -c 3000000; exit 2"),
        "long": shell("head -c 100000 /dev/zero | tr '\\000' x; exit 1"),
        "loud": shell("echo fine; head -c 3000000 /dev/zero | tr '\\000' x >&2"),
        "forbidden": program("/bin/true", allow=["dns:nobody.example.org"]),
        "escape": shell("sleep 600 & echo 'begun'; wait"),
        "stubborn": fixture("ignore-end.sh", grace=0.2),
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = RemoteServer(cls, cls.COMMANDS, "--keepalive", "1")

    def check(self, *words, host="localhost", port=None, certs=None, environment=()):
        """The status and the text of a check; there must be nothing on standard error, and no file left behind."""
        temporary = new_folder()
        ended = subprocess.run(
            [PLUGIN, "-H", host, "-p", str(port or self.server.port), "--certs", certs or authority.good(), *words],
            env={**os.environ, "PATH": PATH, "TMPDIR": str(temporary), **dict(environment)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        self.assertEqual((ended.stderr, os.listdir(temporary)), (b"", []))
        self.assertIn(ended.returncode, (OK, WARNING, CRITICAL, UNKNOWN))
        self.assertTrue(ended.stdout.strip())
        return ended.returncode, ended.stdout.decode("utf-8", "surrogateescape")

    def assertUnknown(self, checked, *words):
        status, text = checked
        self.assertEqual(status, UNKNOWN, text)
        self.assertRegex(text, r"\AUNKNOWN: [^\n|]+\n\Z")
        for word in words:
            self.assertIn(word, text)


class Results(Plugin):

    def test_the_four_states_are_those_of_the_command(self):
        for state in (OK, WARNING, CRITICAL, UNKNOWN):
            with self.subTest(state):
                self.assertEqual(self.check("-c", f"exit{state}"), (state, f"state {state} | a=1\n"))

    def test_other_statuses_are_unknown_and_told(self):
        # Some are those by which parley, or timeout(1), says something else.
        for status in (4, 64, 124, 127, 137, 251, 253, 255):
            with self.subTest(status):
                self.assertEqual(self.check("-c", f"exit{status}"), (
                    UNKNOWN, f"UNKNOWN: the command ended with status {status}: state {status} | a=1\n"))

    def test_a_killed_command_is_unknown(self):
        self.assertEqual(self.check("-c", "killed"), (UNKNOWN, "UNKNOWN: signal 9 ended the command: begun\n"))

    def test_lines_and_performance_data_are_passed_on(self):
        self.assertEqual(self.check("-c", "perf"), (WARNING, f"{PERFDATA}\nsecond line\nthird | b=2\n"))

    def test_no_output_is_told(self):
        self.assertEqual(self.check("-c", "quiet"), (OK, "OK: no output\n"))
        self.assertEqual(self.check("-c", "silent"), (
            CRITICAL, "CRITICAL: no output; its error output begins: cannot open / x=1\n"))
        self.assertEqual(self.check("-c", "blank"), (WARNING, "WARNING: no output\n"))

    def test_error_output_is_printed_if_wanted(self):
        self.assertEqual(self.check("-c", "both"), (WARNING, "out\n"))
        self.assertEqual(self.check("-c", "both", "-E"), (WARNING, "out\nerr\n"))
        self.assertEqual(self.check("-Ec", "silent"), (CRITICAL, "cannot open | x=1\nmore\n"))

    def test_what_a_command_prints_is_not_what_parley_says(self):
        self.assertEqual(self.check("-c", "pretends"), (CRITICAL, "x\n"))

    def test_bytes_are_passed_on_except_nul(self):
        self.assertEqual(self.check("-c", "latin"), (WARNING, "gr\udcfcn | a=1\n"))

    def test_long_output_is_cut_behind_a_line(self):
        status, text = self.check("-c", "huge")
        first, *more, last = text.splitlines()
        self.assertEqual((status, first, set(more)), (CRITICAL, PERFDATA, {"more and more"}))
        self.assertEqual(last, f"(cut: more than {OUTPUT_LIMIT} bytes)")
        self.assertLess(len(text), OUTPUT_LIMIT + 100)
        self.assertGreater(len(text), OUTPUT_LIMIT - 100)
        status, text = self.check("-c", "long")
        self.assertEqual((status, text), (WARNING, "x" * OUTPUT_LIMIT + f"\n(cut: more than {OUTPUT_LIMIT} bytes)\n"))
        self.assertEqual(self.check("-c", "loud"), (OK, "fine\n"))

    def test_arguments_are_passed_on_as_they_are(self):
        odd = ["it's $HOME `id`\\", "a\"b  *"]
        for words in (["-c", "arguments", "-a", *odd], ["-c", "arguments", "--", *odd], ["-carguments", "--args", *odd],
                      ["--command=arguments", f"--args={odd[0]}", odd[1]]):
            self.assertEqual(self.check(*words), (OK, f"<{odd[0]}><{odd[1]}>\n"))
        self.assertEqual(self.check("-c", "arguments", "-a", "", "x"), (OK, "<><x>\n"))
        self.assertUnknown(self.check("-c", "arguments", "-a", "one"), "argument")


class Failures(Plugin):

    def test_a_refusal_is_parleys_sentence(self):
        self.assertUnknown(self.check("-c", "forbidden"), "forbidden is not allowed for dns:client")
        self.assertUnknown(self.check("-c", "none"), "the server has no command 'none'")
        self.assertUnknown(self.check("-c", "a|b"), "the server has no command 'a/b'")
        self.assertUnknown(self.check("-c", "limit"), "time limit exceeded")

    def test_no_connection_is_parleys_sentence(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.assertUnknown(self.check("-c", "exit0", port=free.getsockname()[1]), "Connection refused")
        self.assertUnknown(self.check("-c", "exit0", host="no-such-host.invalid"), "no-such-host.invalid")

    def test_no_trust_is_parleys_sentence(self):
        other = authority.good("other")
        self.assertUnknown(self.check("-c", "exit0", "-A", other / "ca.pem"), "unknown CA")
        self.assertUnknown(
            self.check("-c", "exit0", "-C", other / "client.pem", "-K", other / "client.key"), "ertificate")
        self.assertUnknown(self.check("-c", "exit0", "--server-name", "other.example.org"), "other.example.org")
        good = authority.good()
        status, _ = self.check("-c", "exit0", "-A", good / "ca.pem", "-C", good / "alice.pem", "-K", good / "alice.key",
                               certs=new_folder())
        self.assertEqual(status, OK)

    def test_what_is_wrong_usage_is_told(self):
        for words in (["-c"], ["-t", "0"], ["-t", "x"], ["-t", "5:maybe"], ["-t", "5:"], ["-t", "1000000"],
                      ["-t", "08"], ["-H", ""], ["-H", "-c"], ["-H", "--quiet"], ["--nope"], ["-Z"], ["word"], [], ["-c", ""]):
            with self.subTest(words):
                self.assertUnknown(self.check(*words), "check_parley --help")
        self.assertUnknown(self.check("-c", "exit0", "-p", "x"), "port")
        self.assertUnknown(self.check("-c", "exit0", "--certs", "/no'such"), "/no'such")

    def test_what_check_nrpe_can_do_and_this_cannot_is_refused(self):
        for option in ("-n", "-2", "-3", "-4", "-6", "-l", "-e", "--no-ssl", "--ipv4", "-STLSv1.2", "-LALL", "-d1",
                       "-P1024", "-s1", "-b::1", "-f/etc/x", "-g/tmp/x", "--use-adh=1", "--payload-size=8",
                       "--log-file=x", "--config-file"):
            with self.subTest(option):
                self.assertUnknown(self.check("-c", "exit0", option, "value"), option[:2])
        self.assertEqual(self.check("-uD", "-c", "exit2", "--unknown-timeout", "--disable-syslog")[0], CRITICAL)

    def test_help_never_looks_fine(self):
        for option in ("-h", "--help"):
            status, text = self.check(option)
            self.assertEqual((status, text.split()[0]), (UNKNOWN, "usage:"))
        status, text = self.check("-V")
        self.assertEqual((status, text.split()[0]), (UNKNOWN, "parley"))

    def test_a_client_that_is_missing_is_told(self):
        folder = new_folder()
        for tool in ("sh", "tr", "sed", "mktemp"):
            (folder / tool).symlink_to(shutil.which(tool))
        self.assertUnknown(self.check("-c", "exit0", environment={"PATH": str(folder)}), "parley was not found")
        self.assertUnknown(
            self.check("-c", "exit0", environment={"TMPDIR": "/nowhere"}), "no temporary file", "/nowhere")


class Timeouts(Plugin):

    def test_a_full_disk_is_told(self):
        # In place of a disk that is full; Python has the signal ignored already.
        words = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", PLUGIN, "-H", "localhost", "-p", str(self.server.port),
                 "--certs", authority.good(), "-c", "exit0"]
        with open("/dev/full", "wb") as full:
            for how in ({"args": words, "stdout": subprocess.PIPE}, {"args": words[4:], "stdout": full}):
                ended = subprocess.run(**how, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, timeout=LIMIT, check=False, restore_signals=False)
                self.assertEqual(ended.returncode, UNKNOWN, ended)
                if ended.stdout is not None:
                    self.assertIn(b"could not be written to a temporary file in ", ended.stdout)

    def test_a_timeout_is_the_state_that_was_asked_for(self):
        for suffix, state, name in (("", UNKNOWN, "UNKNOWN"), (":CRITICAL", CRITICAL, "CRITICAL"),
                                    (":1", WARNING, "WARNING"), (":ok", OK, "OK"), (":3", UNKNOWN, "UNKNOWN")):
            with self.subTest(name):
                began = time.monotonic()
                self.assertEqual(self.check("-c", "escape", "-t", "1" + suffix), (
                    state, f"{name}: localhost gave no result within 1 s\n"))
                self.assertLess(time.monotonic() - began, 10)
        eventually(lambda: not self.server.children, "the end of what timed out on the server")

    def test_a_server_that_says_nothing_is_a_timeout(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            self.assertEqual(self.check("-c", "exit0", "-t", "1:CRITICAL", port=silent.getsockname()[1]), (
                CRITICAL, "CRITICAL: localhost gave no result within 1 s\n"))

    def test_a_command_that_ignores_its_end_is_killed_on_the_server(self):
        self.assertEqual(self.check("-c", "stubborn", "-t", "1")[0], UNKNOWN)
        eventually(lambda: not self.server.children, "the end of the command")

    def test_the_command_ends_with_the_plug_in(self):
        """As a scheduler does that has waited for too long."""
        plugin = Program(self, [PLUGIN, "-H", "localhost", "-p", str(self.server.port), "--certs", authority.good(),
                                "-c", "escape", "-t", "600"], environment={"PATH": PATH})
        eventually(lambda: self.server.children, "the start of the command")
        os.killpg(plugin.pid, signal.SIGKILL)
        plugin.wait()
        eventually(lambda: not self.server.children, "the end of the command")


ICINGA = """
include <itl>
include <plugins>
include "{command}"
const PluginDir = "{plugins}"
object CheckerComponent "checker" {{ }}
object PerfdataWriter "results" {{
  host_perfdata_path = "{folder}/hosts"
  host_temp_path = "{folder}/hosts.tmp"
  service_perfdata_path = "{folder}/services"
  service_temp_path = "{folder}/services.tmp"
  service_format_template = "$service.name$=$service.state$=$service.output$=$service.perfdata$"
  rotation_interval = 1s
}}
object Host "server" {{
  check_command = "dummy"
  address = "localhost"
}}
object Service "arguments" {{
  host_name = "server"
  check_command = "parley"
  check_interval = 1s
  vars.parley_command = "arguments"
  vars.parley_arguments = [ "it's a", "$$HOME" ]
  vars.parley_port = {port}
  vars.parley_certs = "{certs}"
}}
object Service "perf" {{
  host_name = "server"
  check_command = "parley"
  check_interval = 1s
  vars.parley_command = "perf"
  vars.parley_port = {port}
  vars.parley_ca = "{certs}/ca.pem"
  vars.parley_cert = "{certs}/client.pem"
  vars.parley_key = "{certs}/client.key"
}}
"""


@needs("icinga2")
class Icinga(Plugin):
    """Only where icinga2 is installed: Debian's icinga2-bin and icinga2-common."""

    def setUp(self):
        self.folder = new_folder()
        for name in ("data", "cache", "spool", "log", "run"):
            (self.folder / name).mkdir()
        (self.folder / "icinga2.conf").write_text(ICINGA.format(
            command=REPOSITORY / "packaging" / "icinga2.conf", plugins=PLUGIN.parent, folder=self.folder,
            port=self.server.port, certs=authority.good()))

    def icinga(self, *words):
        return Program(self, [
            "icinga2", "daemon", "-c", self.folder / "icinga2.conf", "-D", f"DataDir={self.folder}/data",
            "-D", f"CacheDir={self.folder}/cache", "-D", f"SpoolDir={self.folder}/spool", "-D", f"LogDir={self.folder}/log",
            "-D", f"InitRunDir={self.folder}/run", *words], environment={
                "PATH": PATH, "ICINGA2_USER": OWN, "ICINGA2_GROUP": grp.getgrgid(os.getegid()).gr_name})

    def test_it_takes_the_command(self):
        loaded = self.icinga("-C")
        self.assertStatus(loaded, 0)
        self.assertNotRegex(loaded.stdout.text, r"(?i)warning|critical/")
        self.assertIn("2 Services", loaded.stdout.text)

    def test_it_runs_the_command(self):
        def results():
            return "".join(path.read_text() for path in self.folder.glob("services*") if path.is_file())
        self.icinga()
        eventually(lambda: "arguments=" in results() and "perf=" in results(), "the results of both checks")
        self.assertIn("arguments=OK=<it's a><$HOME>=\n", results())
        text, _, figures = PERFDATA.partition("| ")
        self.assertIn(f"perf=WARNING={text}\n", results())
        self.assertIn(f"={figures}", results())


if __name__ == "__main__":
    unittest.main()
