# SPDX-License-Identifier: Apache-2.0
"""The version's places, what a release consists of, and the certificates' script under its packaged name.

The packages themselves are built, installed and used by scripts/test-release (Tests/packages, Tests/machine)."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile

from conditions import needs
from support import PARLEY, PARLEYD, REPOSITORY, Program, TestCase, new_folder

SOURCE = "Sources/Console/ProgramVersion.swift"
CLIENT = ("clients/python/pyproject.toml", "clients/python/src/parley_client/__init__.py")
PLACES = (SOURCE, *CLIENT, "CHANGELOG.md", "debian/changelog", "scripts/release", "scripts/common")
"""All that scripts/release reads by itself."""
FAKE_PACKAGE = """#!/bin/sh
set -e
for name in server client; do
    mkdir -p "$1/$name/DEBIAN"
    cat >"$1/$name/DEBIAN/control" <<END
Package: parley-$name
Version: 7.8.9
Architecture: all
Maintainer: Nobody <nobody@example.org>
Depends: libc6 (>= 2.36), libssl3 (>= 3.0.0) | libssl3t64, libm++6 (>= 11), systemd
Description: nothing
END
    dpkg-deb --root-owner-group -b "$1/$name" "$1/parley-${name}_7.8.9_all.deb" >&2
    rm -r "$1/$name"
done
"""


def version():
    return re.search(r'^private let version = "(.*)"$', (REPOSITORY / SOURCE).read_text(), re.M)[1]


class Version(TestCase):
    def test_all_places_have_the_same(self):
        for path in (PARLEY, PARLEYD):
            said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout
            self.assertEqual(said.split()[1], version(), path)
        packaged = (REPOSITORY / "debian/changelog").read_text()
        self.assertEqual(re.match(r"parley \((.*)\) unstable; ", packaged)[1], version())
        headings = re.findall(r"^## (\S+)", (REPOSITORY / "CHANGELOG.md").read_text(), re.M)
        self.assertEqual(next(heading for heading in headings if heading != "Unreleased"), version())


class Release(TestCase):
    """scripts/release, in a separate repository."""

    def setUp(self):
        self.root = new_folder()
        for name in PLACES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, self.root / name)
        self.write(SOURCE, 'private let version = "7.8.8"\n')
        self.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- new\n\n## 7.8.8 (2026-01-02)\n\n- old\n")
        self.write("debian/changelog", "parley (7.8.8) unstable; urgency=medium\n\n  * Old.\n\n"
                   " -- Nobody <nobody@example.org>  Fri, 02 Jan 2026 00:00:00 +0000\n")
        self.write("scripts/package", FAKE_PACKAGE)
        (self.root / "scripts/package").chmod(0o755)

    def write(self, name, text):
        (self.root / name).write_text(text)

    def read(self, name):
        return (self.root / name).read_text()

    def release(self, *words):
        tools = self.root.parent / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "swift").write_text("#!/bin/sh\necho 'Swift version 6.9.1 (swift-6.9.1-RELEASE)'\n")
        (tools / "swift").chmod(0o755)
        return Program(self, [str(self.root / "scripts/release"), *words],
                       environment={"SWIFT": str(tools / "swift"), "TMPDIR": str(self.root.parent)})

    def commit(self):
        for words in (("init", "-q"), ("add", "-A"),
                      ("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")):
            subprocess.run(["git", *words], cwd=self.root, timeout=30, check=True, stderr=subprocess.DEVNULL)

    def refuses(self, sentence, *words, status=1):
        program = self.release(*words)
        self.assertStatus(program, status)
        self.assertIn(sentence, program.stderr.text)

    def test_a_version_is_prepared_in_all_places(self):
        self.assertStatus(self.release("--prepare", "7.8.9"), 0)
        self.assertEqual(self.read(SOURCE), 'private let version = "7.8.9"\n')
        for name in CLIENT:
            self.assertRegex(self.read(name), r'(?m)^(__)?version(__)? = "7\.8\.9"$')
        self.assertRegex(self.read("CHANGELOG.md"),
                         r"\A# Changelog\n\n## 7\.8\.9 \(\d{4}-\d\d-\d\d\)\n\n- new\n\n## 7\.8\.8 \(2026-01-02\)\n\n- old\n\Z")
        self.assertRegex(self.read("debian/changelog"),
                         r"\Aparley \(7\.8\.9\) unstable; urgency=medium\n\n  \* .*\n\n"
                         r" -- Nobody <nobody@example\.org>  \w{3}, .* \+0000\n\nparley \(7\.8\.8\) (.*\n)+\Z")
        self.refuses("no unreleased section", "--prepare", "7.9.0")

    def test_a_version_that_was_begun_is_dated(self):
        self.write("CHANGELOG.md", "# Changelog\n\n## 7.8.8 (unreleased)\n\n- new\n")
        self.assertStatus(self.release("--prepare", "7.8.8"), 0)
        self.assertRegex(self.read("CHANGELOG.md"), r"^# Changelog\n\n## 7\.8\.8 \(\d{4}-\d\d-\d\d\)\n\n- new\n$")
        entries = self.read("debian/changelog")
        self.assertEqual(entries.count("parley (7.8.8)"), 1)
        self.assertIn("  * Old.\n\n -- Nobody <nobody@example.org>  ", entries)
        self.assertNotIn("02 Jan 2026", entries)

    def test_a_version_that_is_none_or_lower_is_refused(self):
        for word in ("7.8", "7..9", "7.8.9-rc1", "07.8.9", "v7.8.9", "7.8.9\n7"):
            with self.subTest(word):
                self.refuses("is not a version", "--prepare", word, status=64)
        for word in ("7.8.7", "7.8.8"):
            with self.subTest(word):
                self.refuses(f"{word} is not later than 7.8.8", "--prepare", word)
        self.assertIn("7.8.8", self.read(SOURCE))

    def test_what_is_not_ready_is_not_released(self):
        self.refuses("nothing to release here", "7.8.9")
        self.commit()
        self.refuses("scripts/release --prepare 7.8.9", "7.8.9")
        self.write("debian/changelog", self.read("debian/changelog").replace("7.8.8", "7.8.7"))
        self.refuses("uncommitted changes", "7.8.8")
        self.commit()
        self.refuses("debian/changelog has version 7.8.7", "7.8.8")

    @needs("dpkg-deb")
    def test_a_release_has_its_parts(self):
        self.assertStatus(self.release("--prepare", "7.8.9"), 0)
        self.commit()
        folder = self.root.parent / "made"
        self.assertStatus(self.release("7.8.9", str(folder)), 0)
        packages = {name: f"parley-{name}_7.8.9_all.deb" for name in ("server", "client")}
        self.assertEqual(set(os.listdir(folder)), {
            "parley-7.8.9.tar.gz", *packages.values(), "parley-7.8.9.spdx.json", "CHANGES.md", "SHA256SUMS"})
        subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=folder, timeout=30, check=True)
        self.assertEqual(len((folder / "SHA256SUMS").read_text().splitlines()), 5)
        self.assertRegex((folder / "CHANGES.md").read_text(), r"\A## 7\.8\.9 \(.*\)\n\n- new\n\n\Z")
        with tarfile.open(folder / "parley-7.8.9.tar.gz") as sources:
            names = set(sources.getnames())
        self.assertLessEqual({f"parley-7.8.9/{name}" for name in PLACES}, names)
        self.assertFalse([name for name in names if not name.startswith("parley-7.8.9")])
        self.parts(json.loads((folder / "parley-7.8.9.spdx.json").read_text()), folder, packages)
        self.refuses("already exists", "7.8.9", str(folder))

    def parts(self, document, folder, packages):
        self.assertEqual(document["spdxVersion"], "SPDX-2.3")
        by_id = {part["SPDXID"]: part for part in document["packages"]}
        for part in ("server", "client"):
            checksum = by_id[f"SPDXRef-{part}"]["checksums"][0]["checksumValue"]
            self.assertEqual(checksum, hashlib.sha256((folder / packages[part]).read_bytes()).hexdigest())
        for part in ("swift", "dispatch"):
            self.assertEqual(by_id[f"SPDXRef-{part}"]["versionInfo"], "6.9.1")
        linked = {(relation["spdxElementId"], relation["relatedSpdxElement"])
                  for relation in document["relationships"] if relation["relationshipType"] == "DYNAMIC_LINK"}
        self.assertEqual({by_id[below]["name"] for _, below in linked}, {"libc6", "libssl3", "libm++6"})
        contained = {(relation["spdxElementId"], relation["relatedSpdxElement"])
                     for relation in document["relationships"] if relation["relationshipType"] == "STATIC_LINK"}
        self.assertEqual(contained, {(f"SPDXRef-{package}", f"SPDXRef-{part}")
                                     for package in ("server", "client") for part in ("swift", "dispatch", "gcc")})
        for relation in document["relationships"]:
            self.assertIn(relation["relatedSpdxElement"], by_id)
            self.assertIn(relation["spdxElementId"], {*by_id, "SPDXRef-DOCUMENT"})


class PackagedCertificates(TestCase):
    """scripts/generate-certs as parley-certs, with no repository around it."""

    def setUp(self):
        self.folder = new_folder()
        shutil.copy(REPOSITORY / "scripts/generate-certs", self.folder / "parley-certs")

    def run_it(self, *words):
        return Program(self, [str(self.folder / "parley-certs"), *words])

    def test_it_knows_its_name(self):
        program = self.run_it("--help")
        self.assertStatus(program, 0)
        self.assertTrue(program.stdout.text.startswith("usage: parley-certs --out DIR"), program.story)
        self.assertNotIn("scripts/", program.stdout.text)
        self.assertNotIn("repository", program.stdout.text)

    def test_it_makes_nothing_where_it_was_not_told_to(self):
        program = self.run_it("--client", "alice")
        self.assertStatus(program, 64)
        self.assertRegex(program.stderr.text, r"\Aparley-certs: .*--out.*\n\Z")
        self.assertEqual(os.listdir(self.folder), ["parley-certs"])

    def test_it_makes_a_set(self):
        program = self.run_it("--out", str(self.folder / "pki"), "--client", "alice")
        self.assertStatus(program, 0)
        self.assertLessEqual({"ca.pem", "server.pem", "server.key", "alice.pem"}, set(os.listdir(self.folder / "pki")))


def unit(name):
    """The directives of a unit or a drop-in, in their order."""
    lines = (REPOSITORY / "packaging" / name).read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if re.match("[A-Z]", line)]


class Units(TestCase):
    """The unit with its examples, as systemd reads them. How it runs so is shown by debian/tests/service."""

    HIDING = ("ProtectProc", "ProcSubset", "PrivateTmp", "PrivateUsers", "PrivateNetwork")
    """What would keep a command that monitors the machine from seeing it."""
    APART = ("PrivateDevices", "PrivateMounts", "ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname",
             "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem")
    """What would show its commands another machine than a login sees."""

    def exposure(self, *examples):
        """By systemd's own reckoning, and the table of how it comes to it."""
        folder = new_folder()
        shutil.copy(REPOSITORY / "packaging/parleyd.service", folder)
        (folder / "parleyd.service.d").mkdir()
        for name in examples:
            shutil.copy(REPOSITORY / "packaging/examples" / name, folder / "parleyd.service.d")
        said = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", folder / "parleyd.service"],
            stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout
        return float(re.search(r"Overall exposure level for parleyd.service: ([0-9.]+)", said)[1]), said

    @needs("systemd-analyze")
    def test_as_root_its_commands_see_what_a_login_sees(self):
        level, said = self.exposure()
        self.assertLessEqual(level, 7.0)
        for name in self.HIDING:
            self.assertRegex(said, f"(?m)^✗ {name}=")
        # systemd 257 says of some that they are so when nobody has set them.
        self.assertFalse({name for name, _ in unit("parleyd.service")} & {*self.HIDING, *self.APART})

    @needs("systemd-analyze")
    def test_as_parley_it_is_confined_and_its_commands_see_the_machine(self):
        level, said = self.exposure("confined.conf")
        self.assertLessEqual(level, 2.0)
        for name in (*self.HIDING, "ProtectControlGroups"):
            self.assertRegex(said, f"(?m)^✗ {name}=")

    def test_sudo_is_given_back_whatever_was_taken(self):
        # What parleyd is, and what is of no consequence without a filter or for what sudo starts.
        others = {"AmbientCapabilities", "ExecStartPre", "Group", "RemoveIPC", "User"}
        given = {name for name, _ in unit("examples/sudo.conf")}
        taken = {name for name, _ in unit("examples/confined.conf")} - others
        names = [name for name, _ in unit("parleyd.service")]
        taken |= {name for name in names[names.index("Delegate") + 1:]} - {"SystemCallErrorNumber", "UMask", "WantedBy"}
        self.assertIn("NoNewPrivileges", taken)
        self.assertEqual(given, taken)

    def test_with_a_credential_it_is_started_as_it_comes_but_for_the_key(self):
        own, example = unit("parleyd.service"), unit("examples/credentials.conf")

        def value(directives, name):
            return [text for key, text in directives if key == name]
        (options,), (given,) = value(own, "Environment"), value(example, "Environment")
        self.assertEqual(given, options[:-1] + ' --cert /etc/parley/server.pem --key %d/server.key"')
        self.assertEqual(value(example, "EnvironmentFile"), [""])
        conditions = value(own, "ConditionPathExists")
        conditions.remove("/etc/parley/server.key")
        self.assertEqual(["", *conditions], value(example, "ConditionPathExists"))
