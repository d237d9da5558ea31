# SPDX-License-Identifier: Apache-2.0
"""The manual pages: they document exactly the existing options and keys, and man(1) can display them."""

import functools
import re
import subprocess
import unittest

from server import IS_ROOT
from support import LIMIT, PARLEY, PARLEYD, REPOSITORY, new_folder

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


PLUGIN = REPOSITORY / "packaging" / "check_parley"
IMPORT = REPOSITORY / "packaging" / "parley-import"


def printed(*words):
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=LIMIT)
    # A plug-in's help must not look like a check that is fine.
    assert ended.returncode == (3 if words[0] == PLUGIN else 0), ended.stderr
    return ended.stdout


def source(name):
    return (REPOSITORY / "packaging" / "man" / f"{name}.scd").read_text()


def defined(name):
    """The options that a page explains: those at the beginning of an entry."""
    return {option for line in source(name).splitlines() if line.startswith("*-")
            for option in OPTION.findall(line)}


@functools.lru_cache(maxsize=None)
def pages():
    """The folder that has the pages, as they are installed."""
    folder = new_folder()
    printed(REPOSITORY / "scripts" / "pages", folder)
    return folder


class Pages(unittest.TestCase):

    def test_every_option_of_a_program_is_in_its_page_and_no_other(self):
        for name, *commands in (("parley.1", [PARLEY, "--help"], [PARLEY, "run", "--help"]),
                                ("parleyd.8", [PARLEYD, "--help"], [PARLEYD, "check", "--help"],
                                 [PARLEYD, "status", "--help"]),
                                ("parley-certs.1", [REPOSITORY / "scripts" / "generate-certs", "--help"]),
                                ("parley-import.1", [IMPORT, "--help"]), ("check_parley.1", [PLUGIN, "--help"])):
            with self.subTest(name):
                options = set(OPTION.findall("".join(printed(*command) for command in commands)))
                self.assertGreater(len(options), 5)
                self.assertEqual(defined(name), options)

    def test_every_key_of_a_table_is_in_its_page_and_no_other(self):
        text = source("parley-commands.5")
        entries = text[text.index("# ENTRIES"):text.index("# WHAT A PROGRAM GETS")]
        keys = {key for line in entries.splitlines() if re.match(r"\*\w+\*(, \*\w+\*)*$", line)
                for key in re.findall(r"\w+", line)}
        # The server names the keys that there are where it refuses another.
        table = new_folder() / "commands.json5"
        table.write_text('{ commands: { a: { run: ["/bin/true"], nokey: 1 } } }')
        ended = subprocess.run([PARLEYD, "check", "--commands", table], capture_output=True, text=True, timeout=LIMIT)
        known = ended.stderr.split("; expected ")[1].strip().split(", ")
        self.assertEqual(sorted(keys), sorted(known))

    def test_the_example_of_a_table_is_one(self):
        text = source("parley-commands.5")
        example = text[text.index("# EXAMPLE"):].split("```")[1]
        self.assertIn('user: "root",', example)
        if not IS_ROOT:  # Whose server can start nothing as root, and says so.
            example = example.replace('user: "root",', "")
        table = new_folder() / "commands.json5"
        table.write_text(example)
        self.assertIn("email:alice@example.org", printed(PARLEYD, "check", "--commands", table))

    def test_man_takes_the_pages(self):
        self.assertEqual({page.name for page in pages().iterdir()},
                         {"parley.1", "parleyd.8", "parley-certs.1", "parley-commands.5", "parley-audit.5",
                          "parley-import.1", "check_parley.1", "parley-config.5"})
        for page in pages().iterdir():
            with self.subTest(page.name):
                ended = subprocess.run(
                    ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)], capture_output=True, text=True,
                    timeout=LIMIT)
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_the_audit_page_has_every_event_and_field(self):
        page = (pages() / "parley-audit.5").read_text().replace("\\", "")
        text = (REPOSITORY / "docs" / "audit.md").read_text()
        events = re.findall(r"(?m)^### `([a-z-]+)`", text)
        fields = re.findall(r"(?m)^\| `(\w+)` \|", text)
        self.assertGreater(len(events), 9)
        for word in (*events, *fields):
            self.assertIn(word, page)


DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
             *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")))


def anchors(path):
    """What links can name in a document: its headings, as GitHub and GitLab spell them."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text())
    headings = re.findall(r"(?m)^#+ (.*)", text)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


class Documents(unittest.TestCase):

    def test_every_link_leads_somewhere(self):
        checked = 0
        for name in DOCUMENTS:
            text = re.sub(r"(?ms)^```.*?^```", "", (REPOSITORY / name).read_text())
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if link.startswith("http"):
                    continue
                with self.subTest(f"{name}: {link}"):
                    file, _, anchor = link.partition("#")
                    path = (REPOSITORY / name).parent / file if file else REPOSITORY / name
                    self.assertTrue(path.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(path))
                    checked += 1
        self.assertGreater(checked, 30)

    def test_every_option_that_a_document_names_exists(self):
        programs = ([PARLEY, "--help"], [PARLEY, "run", "--help"], [PARLEYD, "--help"], [PARLEYD, "check", "--help"],
                    [REPOSITORY / "scripts" / "generate-certs", "--help"], [IMPORT, "--help"], [PLUGIN, "--help"])
        known = {option for command in programs for option in OPTION.findall(printed(*command))}
        for name in ("README.md", "docs/audit.md", "docs/operations.md", "docs/protocol.md"):
            text = (REPOSITORY / name).read_text()
            # What belongs to another program or script stands on its line.
            lines = (line for line in text.splitlines()
                     if not re.search(r"scripts/(bench|load|soak|test)|systemctl|useradd|openssl|curl|^(clush|parallel) ", line))
            named = {option for line in lines for option in OPTION.findall(line)}
            self.assertGreater(len(named), 2)
            self.assertEqual(named - known, set(), name)

    def test_the_package_has_the_pages_that_an_administrator_reads(self):
        installed = (REPOSITORY / "debian" / "parley-server.docs").read_text().split()
        for page in ("README.md", "docs/operations.md", "docs/security.md", "docs/audit.md", "docs/metrics.md",
                     "docs/protocol.md"):
            self.assertIn(page, installed)
        self.assertEqual([name for name in installed if not (REPOSITORY / name).exists()], [])


if __name__ == "__main__":
    unittest.main()
