# SPDX-License-Identifier: Apache-2.0
"""Who a program runs as, with which rights, and what it can do to others."""

import itertools
import os
import pwd
import shutil
import sys
import unittest

import authority
from accounts import HAS_SCOPE, NO_CAPABILITY, Accounts, Status, with_scope
from conditions import needs, only_root, works
from parley1 import BY_ITSELF, OUTPUT
from remote_server import (
    Outcomes, RemoteServer, RemoteTestCase, TableServer, program, shell, write_table)
from server import AS_SOMEBODY, IS_ROOT, OWN, SOMEBODY
from support import (
    HERE, PARLEYD, SCRATCH, Program, Server, TestCase, eventually, is_alive, new_folder)

SYSTEMS_PYTHON = "/usr/bin/python3"
"""What runs these tests may be closed to other users."""
HOSTILE = (HERE / "programs" / "hostile.py").read_text()
STATUS = ("/bin/cat", "/proc/self/status")
WAITS = "echo $$; exec sleep 600"
WEB = "web:x:61001:61002:Web:/srv/web:/bin/false"
GROUPS = ("web:x:61002:", "logs:x:61003:web,other", "media:x:61004:web")


def hostile(*words, **entry):
    """Its text comes along, since another user may not reach the tests' folder."""
    return program(SYSTEMS_PYTHON, "-c", HOSTILE, *words, **entry)


def attempts(session, name, *targets):
    """What came off, of everything that was tried."""
    outcome = session.ask(name, *map(str, targets))
    lines = outcome.output.decode().splitlines()
    assert lines[-1:] == ["tried"], outcome
    return lines[:-1]


def started(session, name):
    """The number of the program that says it first."""
    session.run(name)
    return int(session.expect(OUTPUT))


TARGETS = {"arguments": {name: "[0-9]+" for name in ("server", "keeper", "neighbour")}}
ALL_TARGETS = ("{server}", "{keeper}", "{neighbour}")


class Defaults(RemoteTestCase):
    """What each program is, root's and anybody else's."""

    COMMANDS = {
        "status": program(*STATUS),
        "privileged": program(*STATUS, privileged=True),
        "environment": program("/usr/bin/env"),
        "waits": shell(WAITS),
    }

    def status(self, name):
        outcome = self.session().ask(name)
        self.assertEnded(outcome, BY_ITSELF, 0)
        return Status(outcome.output.decode())

    def test_it_has_no_capability_and_gains_none(self):
        status = self.status("status")
        self.assertEqual(status.capabilities, {NO_CAPABILITY})
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Uid"], " ".join([str(os.geteuid())] * 4))
        self.assertEqual(status["Gid"], " ".join([str(os.getegid())] * 4))

    def test_while_it_runs_the_kernel_says_the_same(self):
        status = Status.of(started(self.session(), "waits"))
        self.assertEqual((status.capabilities, status["NoNewPrivs"]), ({NO_CAPABILITY}, "1"))

    def test_a_privileged_one_may_gain_what_it_could_before(self):
        status, own = self.status("privileged"), Status.of("self")
        self.assertEqual(status["NoNewPrivs"], own["NoNewPrivs"])
        self.assertEqual(status["CapBnd"], own["CapBnd"])
        self.assertEqual(status["CapEff"], own["CapEff"] if IS_ROOT else NO_CAPABILITY)

    @with_scope
    def test_it_harms_neither_its_server_nor_its_neighbours_though_they_share_a_user(self):
        commands = {"waits": shell(WAITS), "hostile": hostile(*ALL_TARGETS, **TARGETS)}
        server = TableServer(self, commands, sealed=True)
        neighbour = started(server.session(self), "waits")
        keeper = int(Status.of(neighbour)["PPid"])
        parts = server.parts
        for part in parts:
            self.assertEqual(attempts(server.session(self), "hostile", part, keeper, neighbour), [])
        self.assertTrue(server.running and is_alive(neighbour) and is_alive(keeper))
        self.assertEqual(server.parts, parts)


class Log(TestCase):
    """What is said at the start of whom programs run as."""

    TABLE = '{ commands: { x: { run: ["/bin/true"], allow: ["anyone"]%s }, r: { reply: "r" } } }'

    def log(self, extra, *options, table=True, **how):
        path = authority.write(new_folder() / "table", self.TABLE % extra)
        certs = authority.good()
        with_table = ["--commands", str(path)] if table else []
        server = Server(
            self, "command", "--client-ca", str(certs / "ca.pem"), *with_table, *options, certs=certs, **how)
        return server.stderr.text

    def test_that_programs_share_the_servers_user_is_said_of_an_ordinary_one(self):
        log = self.log("")
        shared = f"programs run as parleyd's own user, {OWN}, "
        self.assertEqual(shared in log, not IS_ROOT, log)
        self.assertNotIn("as root, as the table says", log)
        self.assertEqual("programs can signal and trace" in log, not HAS_SCOPE, log)

    def test_nothing_is_said_where_there_are_no_programs(self):
        self.assertNotIn("run as", self.log("", table=False))

    @needs("setpriv")
    def test_that_nothing_can_be_gained_is_said_of_those_that_may(self):
        keeping = ["sh", "-c", 'exec setpriv --no-new-privs "$0" "$@"']
        told = "'x' may gain rights by programs such as sudo, as the table says, but cannot"
        self.assertIn(told, self.log(", privileged: true", wrapper=keeping))
        self.assertNotIn(told, self.log("", wrapper=keeping))
        if Status.of("self")["NoNewPrivs"] == "0":
            self.assertNotIn(told, self.log(", privileged: true"))

    @only_root("can run programs as root")
    def test_roots_programs_are_told_by_their_names(self):
        self.assertIn("parleyd: 'x' runs as root, as the table says", self.log(", user: 'root'"))

    @only_root("can run programs as root")
    def test_a_reload_says_it_too_and_once(self):
        server = TableServer(self, {"x": program("/bin/true", user="nobody")})
        self.assertNotIn("as root", server.stderr.text)
        server.replace({"x": program("/bin/true", user="root")})
        server.stderr.expect("'x' runs as root, as the table says")
        server.replace({"x": program("/bin/true", user="root"), "y": program("/bin/true", user="nobody")})
        server.replace({"y": program("/bin/true", user="nobody")})
        self.assertEqual(server.stderr.text.count("as root"), 1, server.story)


class Options(TestCase):

    def check(self, text, *options, wrapper=()):
        table = authority.write(new_folder() / "table", text)
        return Program(self, [*wrapper, PARLEYD, "check", "--commands", str(table), *options])

    def assertUsage(self, name, *words):
        self.assertFails(self.check("{commands: {}}", "--program-user", name), 64, "--program-user", *words)

    @only_root("can start programs of others")
    def test_root_is_none_that_programs_have_by_themselves(self):
        self.assertUsage("root", 'user: "root"')

    @unittest.skipIf(IS_ROOT, "root can start programs of others")
    def test_an_ordinary_server_has_its_own_user_only(self):
        for name in ("root", "nobody", "no such user"):
            self.assertUsage(name, "root", OWN)
        if OWN.isdigit():
            self.skipTest("this user has no name to be named by")
        self.assertStatus(self.check("{commands: {}}", "--program-user", OWN), 0)
        text = "{commands: {\n a: {run: ['/bin/true'], user: '%s'}}}"
        self.assertStatus(self.check(text % OWN), 0)
        self.assertFails(self.check(text % "root"), 78, ":2:32: 'user' is 'root'", "as its own user", OWN)

    def test_it_belongs_to_the_command_server(self):
        server = Program(self, [PARLEYD, "hello", "--plaintext", "--program-user", "nobody"])
        self.assertFails(server, 64, "--program-user is for parleyd command")

    def test_check_says_who_each_program_runs_as(self):
        check = self.check(
            "{commands: {b: {run: ['/bin/true'], allow: ['anyone'], privileged: true},"
            " a: {run: ['/bin/true']}, r: {reply: 'r'}}}", *AS_SOMEBODY)
        self.assertStatus(check, 0)
        check.stdout.finish()
        self.assertIn(f"\nPrograms run as:\n  a  {SOMEBODY}\n  b  {SOMEBODY}, and may gain rights\n", check.stdout.text)
        asked = self.check("{commands: {a: {run: ['/bin/true']}, b: {run: ['/bin/true'], allow: ['anyone']}}}",
                           *AS_SOMEBODY, "--as", "dns:x")
        self.assertStatus(asked, 0)
        asked.stdout.finish()
        self.assertIn(f"\nPrograms run as:\n  b  {SOMEBODY}\n", asked.stdout.text)


@only_root("can start programs of others")
class Users(Outcomes, TestCase):
    """A server of root's, whose table names users."""

    def server(self, commands, *options, accounts=None, **how):
        wrapper = accounts.require(self).wrapper if accounts else ()
        return RemoteServer(self, commands, *options, wrapper=wrapper, **how)

    def web(self):
        return Accounts([WEB], GROUPS)

    def test_it_is_its_user_with_its_groups_and_no_others(self):
        server = self.server({"status": program(*STATUS, user="web")}, accounts=self.web())
        status = Status(server.session(self).ask("status").output.decode())
        self.assertEqual(status["Uid"], "61001 61001 61001 61001")
        self.assertEqual(status["Gid"], "61002 61002 61002 61002")
        self.assertEqual(status["Groups"], "61002 61003 61004")
        self.assertEqual((status.capabilities, status["NoNewPrivs"]), ({NO_CAPABILITY}, "1"))
        self.assertEqual(status["Umask"], "0077")

    def test_a_privileged_one_has_its_user_and_no_capability_either(self):
        server = self.server({"status": program(*STATUS, user="web", privileged=True)}, accounts=self.web())
        status = Status(server.session(self).ask("status").output.decode())
        self.assertEqual(status["Uid"], "61001 61001 61001 61001")
        self.assertEqual(status.capabilities, {NO_CAPABILITY})
        self.assertEqual(status["NoNewPrivs"], Status.of("self")["NoNewPrivs"])

    def test_its_environment_is_its_users(self):
        server = self.server({
            "web": program("/usr/bin/env", user="web"),
            "root": program("/usr/bin/env", user="root"),
            "set": program("/usr/bin/env", user="web", environment={"HOME": "/elsewhere"}),
        }, accounts=self.web())
        session = server.session(self)

        def environment(name):
            return dict(line.split("=", 1) for line in session.ask(name).lines)
        web, root = environment("web"), environment("root")
        names = ("HOME", "USER", "LOGNAME", "SHELL")
        self.assertEqual([web[name] for name in names], ["/srv/web", "web", "web", "/bin/false"])
        self.assertEqual([root[name] for name in names[:3]], ["/root", "root", "root"])
        self.assertEqual(environment("set"), {**web, "HOME": "/elsewhere", "PARLEY_COMMAND": "set"})

    def test_an_entry_without_a_user_has_the_option_s(self):
        server = self.server({"status": program(*STATUS, user="daemon")}, "--program-user", "web",
                             accounts=self.web())
        write_table(server.table, {"status": program(*STATUS)}, are_roots=False)
        server.reload()
        status = Status(server.session(self).ask("status").output.decode())
        self.assertEqual(status["Uid"], "61001 61001 61001 61001")

    def test_the_others_have_parley_if_there_is_one(self):
        table = authority.write(new_folder() / "table", "{commands: {\n a: {run: ['/bin/true']}}}")
        check = [PARLEYD, "check", "--commands", str(table)]
        accounts = Accounts(["parley:x:61001:61002::/nonexistent:/usr/sbin/nologin"]).require(self)
        with_one = Program(self, [*accounts.wrapper, *check])
        self.assertStatus(with_one, 0)
        with_one.stdout.finish()
        self.assertIn("Programs run as:\n  a  parley\n", with_one.stdout.text)
        if any(entry.pw_name == "parley" for entry in pwd.getpwall()):
            return
        without = Program(self, check)
        self.assertFails(without, 78, ":2:2: the command 'a' has no 'user' and would run as 'parley'",
                         "run: useradd --system .* parley$")

    @needs("useradd")
    def test_the_command_that_is_told_makes_a_user_to_run_programs_as(self):
        table = authority.write(new_folder() / "table", "{commands: {a: {run: ['/bin/true']}}}")
        check = [PARLEYD, "check", "--commands", str(table), "--program-user", "made-up"]
        told = Program(self, check)
        self.assertFails(told, 78, "run: useradd")
        command = told.complaints[0].partition("run: ")[2]
        # In a folder in place of this machine's.
        root = new_folder()
        (root / "etc").mkdir()
        for name in ("passwd", "group", "login.defs"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", root / "etc" / name)
        words = command.split()
        made = Program(self, [words[0], "--prefix", str(root), *words[1:]], folder="/")
        self.assertStatus(made, 0)
        line = next(line for line in (root / "etc" / "passwd").read_text().splitlines()
                    if line.startswith("made-up:"))
        self.assertEqual(line.split(":")[5:], ["/nonexistent", "/usr/sbin/nologin"])
        self.assertFalse(os.path.exists("/nonexistent"))

    def test_a_user_that_is_not_there_keeps_the_old_table_at_a_reload(self):
        server = TableServer(self, {"id": program("/usr/bin/id", "-un", user="daemon")})
        write_table(server.table, {"id": program("/usr/bin/id", "-un", user="no-such-user")})
        said = server.reload()
        self.assertRegex(said, r"kept the old command table: .*'user' is 'no-such-user', but there is no such user")
        self.assertEqual(server.session(self).ask("id").lines, ["daemon"])
        table = ["--client-ca", str(authority.good() / "ca.pem"), "--commands", server.table]
        self.assertRefusesToStart("command", r":\d+:\d+: 'user' is 'no-such-user'", options=table,
                                  certs=authority.good())

    @with_scope
    def test_programs_of_a_server_of_roots_harm_nothing_of_others(self):
        folder = new_folder()
        SCRATCH.chmod(0o711)
        folder.chmod(0o755)
        certs = folder / "certs"
        shutil.copytree(authority.good(), certs)
        certs.chmod(0o755)
        everything = (*ALL_TARGETS, str(certs / "server.key"), str(folder / "audit.jsonl"))
        guarded = str(folder / "commands.json5")
        commands = {}
        for user in ("nobody", "daemon"):
            commands[f"waits as {user}"] = shell(WAITS, user=user)
            commands[f"hostile as {user}"] = hostile(*everything, guarded, **TARGETS, user=user)
        commands["hostile as root"] = hostile(*ALL_TARGETS, **TARGETS, user="root")
        server = TableServer(self, commands, files=folder, certs=certs, sealed=True)
        neighbour = started(server.session(self), "waits as nobody")
        keeper = int(Status.of(neighbour)["PPid"])
        server.table.chmod(0o600)
        # Also where the one that serves the network has the program's own user.
        for user, part in itertools.product(("nobody", "daemon", "root"), server.parts):
            with self.subTest(user, part=part):
                targets = (part, keeper, neighbour)
                self.assertEqual(attempts(server.session(self), f"hostile as {user}", *targets), [])
        self.assertTrue(server.running and is_alive(neighbour) and is_alive(keeper))

    def test_the_attempts_come_off_where_nothing_is_in_their_way(self):
        """So that those which fail elsewhere fail for the right reason."""
        target = Program(self, ["/bin/sleep", "600"])
        path = authority.write(new_folder() / "file", "text")
        hostile = Program(self, [sys.executable, "-c", HOSTILE, str(target.pid), str(path)])
        self.assertStatus(hostile, 0)
        hostile.stdout.finish()
        came_off = {line.rpartition(" ")[0] for line in hostile.stdout.text.splitlines()}
        self.assertLessEqual(
            {"signal", "signal by descriptor", "attach", "environment", "map", "follow a descriptor",
             "open memory", "working folder", "read", "write", "append", "replace"}, came_off)

    def test_root_of_a_name_space_that_may_change_no_groups_runs_its_own(self):
        apart = ["unshare", "--user", "--map-root-user"]
        if not works(*apart, "true"):
            self.skipTest("no user namespace may be made here")
        server = RemoteServer(self, {"status": program(*STATUS, user="root")}, wrapper=apart)
        status = Status(server.session(self).ask("status").output.decode())
        self.assertEqual((status["Uid"], status.capabilities), ("0 0 0 0", {NO_CAPABILITY}))
        write_table(server.table, {"status": program(*STATUS, user="daemon")})
        self.assertRegex(server.reload(), "'user' is 'daemon', which parleyd can't become")

    def test_it_has_its_three_descriptors_only(self):
        server = self.server({"list": program("/bin/ls", "-l", "/proc/self/fd", user="nobody")})
        lines = [line.split() for line in server.session(self).ask("list").lines if "->" in line]
        found = {line[-3]: line[-1] for line in lines}
        self.assertEqual(sorted(found), ["0", "1", "2", "3"])
        self.assertRegex(found["3"], "^/proc/")

    def test_it_can_open_its_pipes_by_name(self):
        server = self.server({"all": shell("cat /dev/stdin; echo out | tee /dev/stdout; echo err >/dev/stderr; "
                                           "exec 3>/dev/fd/2; echo three >&3", user="nobody", input=True)})
        outcome = server.session(self).ask("all", data=b"in\n")
        self.assertEqual((outcome.output, outcome.errors), (b"in\nout\nout\n", b"err\nthree\n"))

    def test_it_ends_when_it_is_told_to(self):
        server = self.server({"waits": shell("trap '' TERM; (sleep 600 &) >/dev/null; " + WAITS, user="nobody")},
                             "--grace", "0.2")
        session = server.session(self)
        pid = started(session, "waits")
        session.close()
        eventually(lambda: not is_alive(pid), "the end of another user's program")


@only_root("can start programs of others")
class Files(TestCase):
    """A program and its folder are judged for the user that is to run it."""

    def setUp(self):
        SCRATCH.chmod(0o711)
        self.folder = new_folder()
        self.folder.chmod(0o755)
        self.program = self.folder / "program"
        self.program.write_text("#!/bin/sh\necho ran\n")
        self.program.chmod(0o755)

    def check(self, **entry):
        table = write_table(new_folder() / "table", {"c": program(str(self.program), **entry)}, are_roots=False)
        return Program(self, [PARLEYD, "check", "--quiet", "--commands", str(table), *AS_SOMEBODY])

    def assertTakes(self, **entry):
        self.assertStatus(self.check(**entry), 0)

    def assertMistake(self, *words, **entry):
        self.assertFails(self.check(**entry), 78, *words)

    def give(self, name, *paths):
        for path in paths:
            os.chown(path, pwd.getpwnam(name).pw_uid, 0)

    def test_what_its_user_owns_is_taken_and_what_another_does_is_not(self):
        for user in ("nobody", "daemon", "root"):
            self.assertTakes(user=user)
        self.give("daemon", self.program)
        self.assertTakes(user="daemon")
        for user in ("nobody", "root"):
            self.assertMistake("belongs to daemon", f"chown root {self.program}", user=user)
        self.give("root", self.program)
        self.give("daemon", self.folder)
        self.assertTakes(user="daemon")
        self.assertMistake("folder .* belongs to daemon", user="nobody")

    def test_it_must_be_executable_for_its_user(self):
        self.program.chmod(0o700)
        self.assertTakes(user="root")
        self.assertMistake("is not executable for nobody", user="nobody")
        self.program.chmod(0o711)
        self.assertMistake("is a script that nobody cannot read", user="nobody")
        self.program.chmod(0o755)
        self.folder.chmod(0o700)
        self.assertMistake("is not executable for nobody", user="nobody")

    def test_groups_count(self):
        accounts = Accounts([WEB], GROUPS).require(self)
        os.chown(self.program, 0, 61004)
        self.program.chmod(0o750)
        table = write_table(
            self.folder / "table", {"c": program(str(self.program), user="web")}, are_roots=False)
        words = [PARLEYD, "check", "--quiet", "--commands", str(table)]
        self.assertStatus(Program(self, [*accounts.wrapper, *words]), 0)
        os.chown(self.program, 0, 61009)
        check = Program(self, [*accounts.wrapper, *words])
        check.name = "parleyd"
        self.assertFails(check, 78, "is not executable for web")

    def test_its_folder_is_entered_as_its_user(self):
        closed = self.folder / "closed"
        closed.mkdir(mode=0o700)
        self.assertMistake("'directory' .* which nobody cannot enter", user="nobody", directory=str(closed))
        self.assertTakes(user="root", directory=str(closed))
        # Without its capabilities root is not let in everywhere.
        self.give("daemon", closed)
        self.assertTakes(user="daemon", directory=str(closed))
        self.assertMistake("which root cannot enter", user="root", directory=str(closed))
        self.assertTakes(user="root", privileged=True, directory=str(closed))

    def test_a_server_that_may_not_become_others_says_so(self):
        table = write_table(self.folder / "table", {"c": program("/bin/true", user="daemon")}, are_roots=False)
        words = ["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid",
                 PARLEYD, "check", "--quiet", "--commands", str(table)]
        check = Program(self, words)
        check.name = "parleyd"
        self.assertFails(check, 78, "'user' is 'daemon', which parleyd can't become",
                         "not permitted", "CAP_SETUID")


@only_root("can make a set-user-ID program")
class Gains(Outcomes, TestCase):
    """A program gains rights where its entry says that it may."""

    def setUp(self):
        if os.statvfs(SCRATCH).f_flag & os.ST_NOSUID:
            self.skipTest("set-user-ID programs don't work in the folder for temporary files")
        SCRATCH.chmod(0o711)
        self.folder = new_folder()
        self.folder.chmod(0o755)

    def users(self, words, **entry):
        """Whom a program becomes, without and with the key."""
        server = RemoteServer(self, {
            "not": program(*words, **entry), "gains": program(*words, **entry, privileged=True)},
            wrapper=self.wrapper)
        session = server.session(self)
        return session.ask("not"), session.ask("gains")

    wrapper = ()

    def test_by_a_set_user_id_program(self):
        copy = self.folder / "setpriv"
        shutil.copyfile(shutil.which("setpriv"), copy)
        copy.chmod(0o4755)
        without, privileged = self.users(
            [str(copy), "--reuid=0", "--clear-groups", "/usr/bin/id", "-un"], user="nobody")
        self.assertEqual((without.output, without.ended[1] != 0), (b"", True), without)
        self.assertEqual(privileged.lines, ["root"], privileged)

    @needs("sudo")
    def test_by_sudo(self):
        accounts = Accounts(sudoers="nobody ALL=(root) NOPASSWD: /usr/bin/id\n").require(self)
        self.wrapper = accounts.wrapper
        without, privileged = self.users(
            [shutil.which("sudo"), "-n", "/usr/bin/id", "-un"], user="nobody")
        self.assertIn(b"no new privileges", without.errors)
        self.assertEqual(without.output, b"")
        self.assertEqual(privileged.lines, ["root"], privileged)


if __name__ == "__main__":
    unittest.main()
